import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import { AccessError } from "../access/access-error.ts";
import { sameTexts } from "../access/collections.ts";
import type { PathCheck } from "../access/policy/cluster.ts";
import { outsideWords } from "../access/redact.ts";
import { auditIdOf } from "./api-calls.ts";
import { awsAuthStore, type ConfigMapObject, configMapAt } from "./config-map.ts";
import { type ClusterEndpoint, type Connection, createConnection } from "./connection.ts";
import { failing, isUnknownApi, kubernetesFailure, notReadable } from "./failures.ts";
import { leaseBindings, operatorObjectCalls } from "./own-objects.ts";
import { groupBindings } from "./rbac.ts";

/** Our own ConfigMaps, which outlive `aws-auth`. */
const lastGood = { namespace: "kube-system", name: "eks-access-last-good" };
const stored = { namespace: "kube-system", name: "eks-access-withdrawals" };

const podNames = z.object({ items: z.array(z.object({ metadata: z.object({ name: z.string() }) })) });

export type ClusterClient = ReturnType<typeof connectCluster>;

/** The client of one cluster, as one identity. Each call throws an `AccessError`, usually with a `cluster-…` code. */
export function connectCluster(cluster: ClusterEndpoint, { timeoutMs }: { readonly timeoutMs?: number } = {}) {
  const connection = createConnection(cluster, timeoutMs);
  const { name } = cluster;
  return {
    ...awsAuthStore(connection, name),
    ...keptTexts(connection, name),
    ...leaseBindings(connection, name),
    ...operatorObjectCalls(connection, name),
    ...groupBindings(connection, name),
    ...reviews(connection, name),
    /** Names of pods: the first 500, or `limit`. An empty namespace means every one. */
    listPods: async (namespace: string, limit = 500): Promise<readonly string[]> => {
      const path = namespace === "" ? "/api/v1/pods" : `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods`;
      const call = { method: "GET", path, query: { limit: String(limit) } } as const;
      const what = `GET pods in ${namespace || "every namespace"} of cluster ${name}`;
      const { value } = await connection.ask(call, podNames).catch(failing(what));
      return value.items.map(({ metadata }) => metadata.name);
    },
    close: connection.close,
  };
}

type Texts = Readonly<Record<string, string>>;

export type StoredWithdrawals = { readonly data: Texts; readonly object: ConfigMapObject | null };

/** What our own ConfigMaps in a cluster keep: the last good documents, and the withdrawals of leases by binding. */
function keptTexts(connection: Connection, cluster: string) {
  const documents = textsAt(connection, cluster, lastGood);
  const withdrawals = textsAt(connection, cluster, stored);
  return {
    readKept: async () => (await documents.read()).data,
    /** Replaces all of it. `cluster-conflict` after a concurrent write. */
    writeKept: async (data: Texts) => documents.write(await documents.read(), data),
    readWithdrawals: withdrawals.read,
    /** Replaces all of it. `cluster-conflict` after any write since `before` was read; `cluster-refused-write` if it is not kept as sent. */
    writeWithdrawals: withdrawals.write,
  };
}

function textsAt(connection: Connection, cluster: string, place: typeof lastGood) {
  const configMap = configMapAt(connection, cluster, place);
  return {
    read: async (): Promise<StoredWithdrawals> => {
      const object = await configMap.read();
      return { data: object?.data ?? {}, object };
    },
    write: async ({ object }: StoredWithdrawals, data: Texts): Promise<void> => {
      const fresh = { apiVersion: "v1", kind: "ConfigMap", metadata: place };
      const sent = { ...(object ?? fresh), data: { ...data } };
      const made = object ? await configMap.replace(sent) : await configMap.create(sent, false);
      if (made.metadata?.name !== place.name || !sameTexts(made.data ?? {}, data))
        throw new AccessError("cluster-refused-write", `${place.name} was changed by an admission webhook or policy`);
    },
  };
}

/** A username and groups, as the API server sees a caller. */
export type KubernetesIdentity = { readonly username: string; readonly groups: readonly string[] };

export interface ResourceAccess {
  readonly verb: string;
  /** Plural; `pods/exec` names a subresource, as rules of RBAC do. */
  readonly resource: string;
  /** API group; absent or empty for the core group. */
  readonly group?: string | undefined;
  readonly subresource?: string | undefined;
  /** Absent or empty: all namespaces. */
  readonly namespace?: string | undefined;
  readonly name?: string | undefined;
}

export interface AccessAnswer {
  readonly allowed: boolean;
  readonly reason: string;
  /** The id of the question in the API server's audit log; null: it sent none. */
  readonly auditId: string | null;
}

const selfReview = z.object({
  status: z
    .object({ userInfo: z.object({ username: z.string().nullish(), groups: z.array(z.string()).nullish() }) })
    .nullish(),
});

/** An API server always says `allowed` (k8s.io/api, SubjectAccessReviewStatus): an answer without it refuses nothing. */
const accessReview = z.object({
  /** As asked, unless an admission webhook changed the question. */
  spec: z.record(z.string(), z.unknown()).nullish(),
  status: z.object({
    allowed: z.boolean(),
    denied: z.boolean().nullish(),
    reason: z.string().nullish(),
    evaluationError: z.string().nullish(),
  }),
});

/** RBAC's own reason names a binding, a role and a subject. An authorizer of the cluster can say more than a message holds. */
const maxReason = 1_000;

function reviews(connection: Connection, cluster: string) {
  return {
    /** The bearer's identity for the API server (SelfSubjectReview); null: it is older than 1.28 and can't say. */
    whoAmI: async (): Promise<KubernetesIdentity | null> => {
      const api = "authentication.k8s.io/v1";
      const call = `POST selfsubjectreview of cluster ${cluster}`;
      const body = { apiVersion: api, kind: "SelfSubjectReview" };
      try {
        const answer = await connection.ask(
          { method: "POST", path: `/apis/${api}/selfsubjectreviews`, body },
          selfReview,
        );
        const { username, groups } = answer.value.status?.userInfo ?? {};
        if (!username) throw notReadable(call);
        return { username, groups: groups ?? [] };
      } catch (error) {
        if (isUnknownApi(error)) return null;
        throw kubernetesFailure(error, call);
      }
    },
    /** Whether we can do this (SelfSubjectAccessReview). */
    mayI: async (access: ResourceAccess | PathCheck) => {
      return (await reviewAccess(connection, "SelfSubjectAccessReview", attributesOf(access), cluster)).allowed;
    },
    /** SubjectAccessReview, with `system:authenticated` added. Asks all authorizers, but not for impersonated groups. */
    may: ({ username, groups }: KubernetesIdentity, access: ResourceAccess | PathCheck) => {
      const spec = {
        user: username,
        groups: [...new Set([...groups, "system:authenticated"])],
        ...attributesOf(access),
      };
      return reviewAccess(connection, "SubjectAccessReview", spec, cluster);
    },
  };
}

/** Without an opinion and with an error, an authorizer did not answer, and could have allowed it. Nothing is both allowed and denied. */
async function reviewAccess(
  connection: Connection,
  kind: "SelfSubjectAccessReview" | "SubjectAccessReview",
  spec: object,
  cluster: string,
): Promise<AccessAnswer> {
  const api = "authorization.k8s.io/v1";
  const resource = kind.toLowerCase();
  const call = { method: "POST" as const, path: `/apis/${api}/${resource}s`, body: { apiVersion: api, kind, spec } };
  const what = `POST ${resource} of cluster ${cluster}`;
  const answer = await connection.ask(call, accessReview).catch(failing(what));
  const { spec: answered, status } = answer.value;
  const { allowed, denied, reason, evaluationError } = status;
  const isAsAsked = answered == null || hasAll(answered, spec);
  if (!isAsAsked || (allowed && denied)) throw notReadable(what);
  if (!allowed && !denied && evaluationError) {
    const why = outsideWords(evaluationError, maxReason);
    throw new AccessError("cluster-unexpected", `The API server did not answer ${what} (${why})`);
  }
  return { allowed, reason: (reason || evaluationError || "").slice(0, maxReason), auditId: auditIdOf(answer) };
}

/** An API server leaves out what is empty. */
function hasAll(found: unknown, wanted: object): boolean {
  return Object.entries(wanted).every(([name, value]) => {
    const own: unknown = Object(found)[name];
    const isPart = typeof value === "object" && !Array.isArray(value);
    return isPart ? hasAll(own, value) : isDeepStrictEqual(own ?? "", value);
  });
}

function attributesOf(access: ResourceAccess | PathCheck): object {
  if ("path" in access) return { nonResourceAttributes: access };
  const { verb, resource, group = "", namespace = "", name = "" } = access;
  const [plural = "", inIt = ""] = resource.split("/");
  const { subresource = inIt } = access;
  return { resourceAttributes: { verb, resource: plural, group, subresource, namespace, name } };
}

/** Uses what must be closed afterwards, such as a client that holds credentials, and closes it. */
export async function whileOpen<Opened extends { readonly close: () => void }, T>(
  opening: Opened | Promise<Opened>,
  use: (opened: Opened) => Promise<T>,
): Promise<T> {
  const opened = await opening;
  try {
    return await use(opened);
  } finally {
    opened.close();
  }
}
