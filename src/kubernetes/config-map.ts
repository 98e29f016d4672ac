import { CoreV1Api, type V1ConfigMap, type V1ManagedFieldsEntry } from "@kubernetes/client-node";
import { AccessError } from "../access/failure/access-error.ts";
import { step } from "../operations/metrics/steps.ts";
import type { Connection } from "./connection.ts";
import { isNotFound, kubernetesFailure } from "./explain-kubernetes-error.ts";

/** Where every EKS cluster looks for its map, and the name under which our writes are told in managedFields. */
const place = { namespace: "kube-system", name: "aws-auth" };
const fieldManager = "eks-access";

/** Who wrote parts of the map, by managedFields. */
export interface ManagedPart {
  readonly manager: string;
  /** `Update` or `Apply`. */
  readonly operation: string;
  /** ISO 8601. */
  readonly time: string | null;
  /** The keys of `data` that this manager set last. */
  readonly dataKeys: readonly string[];
}

/** What a deleted object waits for. It can be changed until then, and nothing brings it back (Kubernetes docs, "Finalizers"). */
export interface Deletion {
  /** ISO 8601. */
  readonly since: string;
  readonly finalizers: readonly string[];
}

/** The ConfigMap `aws-auth` as it was read. */
export interface AwsAuthConfigMap {
  readonly data: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly resourceVersion: string;
  readonly uid: string;
  readonly immutable: boolean;
  /** Somebody has deleted it, and finalizers keep it for a while; null: nobody has. */
  readonly deletion: Deletion | null;
  readonly managers: readonly ManagedPart[];
  /** The whole object: what we do not change goes back in a PUT as it came. */
  readonly object: V1ConfigMap;
}

/** The parts of the ConfigMap that we write, whole. */
export interface AwsAuthContent {
  readonly data: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

export interface AwsAuthStore {
  /** null: the API server itself says that there is none. */
  readAwsAuth(): Promise<AwsAuthConfigMap | null>;
  /**
   * A PUT of the object that was read, so it changes nothing if anybody wrote in between. That, and an object that was
   * deleted or made anew, is `cluster-conflict`. With `dryRun` the API server, its webhooks included, only checks.
   */
  writeAwsAuth(
    before: AwsAuthConfigMap,
    after: AwsAuthContent,
    options: { readonly dryRun: boolean },
  ): Promise<AwsAuthConfigMap>;
  createAwsAuth(after: AwsAuthContent): Promise<AwsAuthConfigMap>;
  /** The same as a dry run: the API server, its webhooks included, only checks. */
  rehearseCreation(after: AwsAuthContent): Promise<void>;
}

/** The calls about `aws-auth` on one cluster. */
export function awsAuthStore(connection: Connection, cluster: string): AwsAuthStore {
  const core = new CoreV1Api(connection.configuration);
  const call = `configmap aws-auth of cluster ${cluster}`;
  return {
    readAwsAuth: async () => {
      try {
        return readConfigMap(await core.readNamespacedConfigMap(place), cluster);
      } catch (error) {
        if (isNotFound(error)) return null;
        throw kubernetesFailure(error, `GET ${call}`);
      }
    },
    writeAwsAuth: async (before, after, { dryRun }) => {
      const body = withContent(before.object, after);
      const options = { ...place, body, fieldManager, ...(dryRun ? { dryRun: "All" } : {}) };
      try {
        const object = await step(dryRun ? "dry-run" : "put", () => core.replaceNamespacedConfigMap(options));
        return readConfigMap(object, cluster);
      } catch (error) {
        if (isNotFound(error)) throw deletedMeanwhile(cluster);
        throw kubernetesFailure(error, `PUT ${call}${dryRun ? " (dry run)" : ""}`);
      }
    },
    rehearseCreation: async (after) => {
      try {
        await core.createNamespacedConfigMap({ ...place, body: newObject(after), fieldManager, dryRun: "All" });
      } catch (error) {
        throw kubernetesFailure(error, `POST ${call} (dry run)`);
      }
    },
    createAwsAuth: async (after) => {
      const body = newObject(after);
      try {
        return readConfigMap(await core.createNamespacedConfigMap({ ...place, body, fieldManager }), cluster);
      } catch (error) {
        throw kubernetesFailure(error, `POST ${call}`);
      }
    },
  };
}

function newObject(after: AwsAuthContent): V1ConfigMap {
  return withContent({ apiVersion: "v1", kind: "ConfigMap", metadata: { ...place } }, after);
}

/** The object that a write sends: what is not ours goes back as it came. */
export function withContent(object: V1ConfigMap, { data, annotations }: AwsAuthContent): V1ConfigMap {
  return { ...object, data: { ...data }, metadata: { ...object.metadata, annotations: { ...annotations } } };
}

/** An answer of the API server, read. @throws AccessError `cluster-unexpected` */
export function readConfigMap(object: V1ConfigMap, cluster: string): AwsAuthConfigMap {
  const { resourceVersion, uid, annotations = {}, managedFields = [] } = object.metadata ?? {};
  // A PUT without them would win over anybody else's, so an answer that lacks them is not worked with.
  if (!resourceVersion || !uid) {
    const what = `The answer to configmap aws-auth of cluster ${cluster} has no resourceVersion or uid`;
    throw new AccessError("cluster-unexpected", what);
  }
  return {
    data: object.data ?? {},
    annotations,
    resourceVersion,
    uid,
    immutable: object.immutable ?? false,
    deletion: readDeletion(object),
    managers: managedFields.map(readManager),
    object,
  };
}

function readDeletion({ metadata }: V1ConfigMap): Deletion | null {
  const since = metadata?.deletionTimestamp;
  return since ? { since: since.toISOString(), finalizers: metadata.finalizers ?? [] } : null;
}

function readManager({ manager = "", operation = "", time, fieldsV1 }: V1ManagedFieldsEntry): ManagedPart {
  const owned: unknown = (fieldsV1 as { "f:data"?: unknown } | undefined)?.["f:data"];
  const keys = typeof owned === "object" && owned !== null ? Object.keys(owned) : [];
  return {
    manager,
    operation,
    time: time?.toISOString() ?? null,
    dataKeys: keys.filter((key) => key.startsWith("f:")).map((key) => key.slice(2)),
  };
}

function deletedMeanwhile(cluster: string): AccessError {
  return new AccessError(
    "cluster-conflict",
    `Somebody deleted aws-auth of cluster ${cluster} while it was being edited`,
  );
}
