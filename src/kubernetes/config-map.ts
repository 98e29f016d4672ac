import { z } from "zod";
import { AccessError, hasCode } from "../access/access-error.ts";
import type { SectionWriter } from "../access/lease/drift.ts";
import { accessChanges } from "../aws-auth/index.ts";
import { measuredStep } from "../operations/announcements.ts";
import { RecentResults, worthRemembering } from "../operations/bounds.ts";
import { inTurns } from "../operations/parallel.ts";
import type { ApiAnswer } from "./api-calls.ts";
import type { Connection } from "./connection.ts";
import { failing, isNotFound, kubernetesFailure, notReadable, unlessAbsent } from "./failures.ts";

const managedFields = z.object({ manager: z.string().nullish(), time: z.string().nullish(), fieldsV1: z.unknown() });

/** aws-auth in every EKS cluster, and our name in managedFields. */
const place = { namespace: "kube-system", name: "aws-auth" };
const fieldManager = "eks-access";

/** A deleted object's finalizers: it can change until they are gone, and nothing undeletes it (Kubernetes docs, "Finalizers"). */
export type Deletion = { readonly since: string; readonly finalizers: readonly string[] };

export interface AwsAuthConfigMap {
  readonly data: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly resourceVersion: string;
  readonly immutable: boolean;
  /** Deleted, but kept by finalizers; null: not deleted. */
  readonly deletion: Deletion | null;
  readonly managers: readonly SectionWriter[];
  /** The whole object: a PUT returns the parts of others unchanged. */
  readonly object: ConfigMapObject;
}

export interface AwsAuthContent {
  readonly data: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

export function awsAuthStore(connection: Connection, cluster: string) {
  const configMap = configMapAt(connection, cluster, place);
  const create = (after: AwsAuthContent, dryRun: boolean) => {
    const object = { apiVersion: "v1", kind: "ConfigMap", metadata: { ...place } };
    return configMap.create(withContent(object, after), dryRun);
  };
  const isRefused = (before: AwsAuthConfigMap) =>
    configMap.rehearse(withContent(before.object, before)).then(
      () => false,
      (error: unknown) => hasCode(error, "cluster-refused-write"),
    );
  return {
    /** Null: the API server itself says that there is none. */
    readAwsAuth: async (): Promise<AwsAuthConfigMap | null> => {
      const object = await configMap.read();
      return object && readConfigMap(object, cluster);
    },
    /**
     * A PUT of the object that was read. `cluster-conflict`, and no change, after a concurrent write, a deletion or a new creation.
     * @returns what is stored: a webhook can change a write and no dry run
     */
    writeAwsAuth: async (before: AwsAuthConfigMap, after: AwsAuthContent): Promise<AwsAuthConfigMap> =>
      readConfigMap(await measuredStep("put", () => configMap.replace(withContent(before.object, after))), cluster),
    /** A dry run. `cluster-refused-write` if the write would give other access, or lose the annotation `kept`. */
    rehearseWrite: async (before: AwsAuthConfigMap, after: AwsAuthContent, kept?: string): Promise<void> => {
      const rehearsal = measuredStep("dry-run", () => configMap.rehearse(withContent(before.object, after)));
      const answer = await rehearsal.catch(async (error: unknown) => {
        if (!hasCode(error, "cluster-refused-write") || isWithoutDryRun(error)) throw error;
        const unchanged = refusedUnchanged.get(before) ?? isRefused(before);
        refusedUnchanged.set(before, unchanged);
        if (!(await unchanged)) throw error;
        const remedy = "It refuses aws-auth even unchanged: an operator must correct one of them.";
        throw new AccessError(error.code, error.what, { cause: error.cause, remedy });
      });
      await refuseOtherAccess(cluster, after, answer, kept);
    },
    rehearseCreation: async (after: AwsAuthContent): Promise<void> =>
      refuseOtherAccess(cluster, after, await create(after, true)),
    createAwsAuth: async (after: AwsAuthContent) => readConfigMap(await create(after, false), cluster),
  };
}

/** A webhook of before Kubernetes 1.22 refuses each dry run, and no write (kubernetes, apiserver, NewDryRunUnsupportedErr). */
export function isWithoutDryRun(error: unknown): boolean {
  return hasCode(error, "cluster-refused-write") && error.what.endsWith(" does not support dry run");
}

/** An admission webhook can change a write: no one must lose or get access by that. @throws AccessError */
async function refuseOtherAccess(cluster: string, after: AwsAuthContent, admitted: ConfigMapObject, kept = "") {
  const isKept = admitted.metadata?.annotations?.[kept] === after.annotations[kept];
  if (isKept && (await inTurns(accessChanges(after.data, admitted.data ?? {}))).length === 0) return;
  const what = `An admission webhook changes aws-auth of ${cluster}`;
  throw new AccessError("cluster-refused-write", what, { remedy: "Let the admission webhook leave aws-auth alone." });
}

/** A policy that the map violates already blocks every write. One run asks about many. */
const refusedUnchanged = new WeakMap<AwsAuthConfigMap, Promise<boolean>>();

/** Of one object, a line about it with its resourceVersion (Kubernetes docs, "Receiving resources as Tables"). */
const asTable = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";
const heading = z.object({ kind: z.string(), metadata: z.object({ resourceVersion: z.string() }) });

/** A run often reads the same as the last one. `at`: of `performance.now()`. */
type Whole = { readonly object: ConfigMapObject; readonly at: number };
const answers = new RecentResults<Whole, Buffer>(4 * 1024 * 1024, worthRemembering);

/** Shorter than to restore an etcd from a backup, which a script does in seven seconds: it then counts versions again, and one can name two texts. */
const oneTextMs = 5_000;

/** Calls for the ConfigMap of this name. Each throws an AccessError. */
export function configMapAt(
  connection: Connection,
  cluster: string,
  { namespace, name }: { readonly namespace: string; readonly name: string },
) {
  const all = `/api/v1/namespaces/${namespace}/configmaps`;
  const one = `${all}/${name}`;
  const call = `configmap ${name} of cluster ${cluster}`;
  const place = `${connection.server} ${one}`;
  const remember = ({ bytes }: ApiAnswer, object: ConfigMapObject) => {
    answers.set(place, bytes, { object, at: performance.now() });
    return object;
  };
  const read = (answer: ApiAnswer) => remember(answer, answers.get(place, answer.bytes)?.object ?? readAnswer(answer));
  /** With the version that was sent, an answer tells of no write: the next read finds out. */
  const readWritten = (answer: ApiAnswer, body: ConfigMapObject) => {
    const object = readAnswer(answer);
    return object.metadata?.resourceVersion === body.metadata?.resourceVersion ? object : remember(answer, object);
  };
  /** A large one is not sent again: no two versions of it have the same resourceVersion, on which each PUT relies too. */
  const isAsBefore = async ({ object: { metadata }, at }: Whole) => {
    if (performance.now() - at > oneTextMs) return false;
    const query = { includeObject: "None" };
    const answer = await connection.ask({ method: "GET", path: one, query, accept: asTable }, heading);
    const { kind, metadata: now } = answer.value;
    return kind === "Table" && metadata?.resourceVersion === now.resourceVersion;
  };
  const readNow = async () => {
    const last = answers.last(place);
    if (last && (await isAsBefore(last))) return last.object;
    const object = read(await connection.send({ method: "GET", path: one }));
    const { metadata } = object;
    // A proxy can answer with what it kept of another call.
    if ((metadata?.name ?? name) !== name || (metadata?.namespace ?? namespace) !== namespace)
      throw notReadable(`GET ${call}`);
    return object;
  };
  const query = (dryRun: boolean) => ({ fieldManager, ...(dryRun && { dryRun: "All" }) });
  const put = async (body: ConfigMapObject, dryRun: boolean, readAs: typeof readWritten) => {
    try {
      return readAs(await connection.send({ method: "PUT", path: one, query: query(dryRun), body }), body);
    } catch (error) {
      if (isNotFound(error))
        throw new AccessError("cluster-conflict", `${name} of cluster ${cluster} disappeared during the edit`);
      throw kubernetesFailure(error, `PUT ${call}${dryRun ? " (dry run)" : ""}`);
    }
  };
  return {
    /** Null: the API server itself says that there is none. */
    read: (): Promise<ConfigMapObject | null> => readNow().catch(unlessAbsent(`GET ${call}`)),
    /** `cluster-conflict` after a concurrent write or deletion. */
    replace: (body: ConfigMapObject) => put(body, false, readWritten),
    rehearse: (body: ConfigMapObject) => put(body, true, readAnswer),
    create: (object: ConfigMapObject, dryRun: boolean): Promise<ConfigMapObject> => {
      const sent = connection.send({ method: "POST", path: all, query: query(dryRun), body: object });
      return sent.then(read).catch(failing(`POST ${call}${dryRun ? " (dry run)" : ""}`));
    },
  };
}

/** The object of a write: the parts of others stay as read. */
export function withContent(object: ConfigMapObject, { data, annotations }: AwsAuthContent): ConfigMapObject {
  return { ...object, data: { ...data }, metadata: { ...object.metadata, annotations: { ...annotations } } };
}

/** An answer of the API server, read. @throws AccessError `cluster-unexpected` */
export function readConfigMap(object: ConfigMapObject, cluster: string): AwsAuthConfigMap {
  const { resourceVersion, uid, annotations, managedFields } = object.metadata ?? {};
  // A PUT without them would overwrite a concurrent edit.
  if (!resourceVersion || !uid) throw notReadable(`GET aws-auth of ${cluster}`);
  return {
    data: object.data ?? {},
    annotations: annotations ?? {},
    resourceVersion,
    immutable: object.immutable ?? false,
    deletion: readDeletion(object),
    managers: (managedFields ?? []).flatMap(readManager),
    object,
  };
}

function readDeletion({ metadata }: ConfigMapObject): Deletion | null {
  const since = timeIn(metadata?.deletionTimestamp);
  return since === null ? null : { since, finalizers: metadata?.finalizers ?? [] };
}

function readManager(entry: unknown): SectionWriter[] {
  const read = managedFields.safeParse(entry);
  if (!read.success) return [];
  const { manager, time, fieldsV1 } = read.data;
  const owned = typeof fieldsV1 === "object" && fieldsV1 !== null && "f:data" in fieldsV1 ? fieldsV1["f:data"] : null;
  const keys = typeof owned === "object" && owned !== null ? Object.keys(owned) : [];
  const dataKeys = keys.filter((key) => key.startsWith("f:")).map((key) => key.slice(2));
  return [{ manager: manager ?? "", time: timeIn(time), dataKeys }];
}

/** Null: it is absent, or no time. */
function timeIn(text: string | null | undefined): string | null {
  const time = new Date(text ?? "");
  return Number.isNaN(time.getTime()) ? null : time.toISOString();
}

const texts = z.record(z.string(), z.string()).nullish();

/** The parts of a ConfigMap that we read. Everything else goes back unchanged. */
const shape = z.looseObject({
  metadata: z
    .looseObject({
      resourceVersion: z.string().nullish(),
      uid: z.string().nullish(),
      annotations: texts,
      deletionTimestamp: z.string().nullish(),
      finalizers: z.array(z.string()).nullish(),
      managedFields: z.array(z.unknown()).nullish(),
    })
    .nullish(),
  data: texts,
  binaryData: texts,
  immutable: z.boolean().nullish(),
});

/** Another server can answer 200 too. */
const answered = shape.extend({ kind: z.literal("ConfigMap") });

export type ConfigMapObject = z.infer<typeof shape>;

/** The object as the API server has it. zod's copy lacks a key `__proto__` in data: a PUT would remove it. */
function readAnswer({ text }: ApiAnswer): ConfigMapObject {
  const object: unknown = JSON.parse(text());
  answered.parse(object);
  return object as ConfigMapObject;
}
