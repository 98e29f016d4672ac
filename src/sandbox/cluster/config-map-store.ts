import { randomUUID } from "node:crypto";
import { type ConfigMap, configMapProblem, immutabilityProblem, type SentConfigMap } from "./config-map.ts";
import { ownFields } from "./managed-fields.ts";
import {
  badRequest,
  configMapConflict,
  configMapExists,
  configMapModified,
  configMapNotFound,
  isStatus,
  type Status,
} from "./status.ts";

/** How a write is meant: `dryRun` does everything but keep it. */
export interface WriteOptions {
  manager: string;
  dryRun: boolean;
}

/** The ConfigMaps of a cluster, with the concurrency rules of a real API server. */
export interface ConfigMapStore {
  get(namespace: string, name: string): ConfigMap | undefined;
  list(namespace: string | undefined): ConfigMap[];
  create(namespace: string, sent: SentConfigMap, options: WriteOptions): ConfigMap | Status;
  replace(namespace: string, name: string, sent: SentConfigMap, options: WriteOptions): ConfigMap | Status;
  remove(
    namespace: string,
    name: string,
    preconditions: { uid?: string; resourceVersion?: string },
    dryRun: boolean,
  ): ConfigMap | Status;
  /** The version of the last write anywhere in the cluster. */
  resourceVersion(): string;
  onChange(listener: (configMap: ConfigMap, event: "written" | "removed") => void): () => void;
}

export function createConfigMapStore(now: () => Date): ConfigMapStore {
  const stored = new Map<string, ConfigMap>();
  const listeners = new Set<(configMap: ConfigMap, event: "written" | "removed") => void>();
  let version = 1000;
  const keep = (configMap: ConfigMap, event: "written" | "removed"): ConfigMap => {
    version += 1;
    const versioned = { ...configMap, metadata: { ...configMap.metadata, resourceVersion: String(version) } };
    if (event === "removed") stored.delete(keyOf(configMap.metadata));
    else stored.set(keyOf(configMap.metadata), versioned);
    for (const listener of listeners) listener(versioned, event);
    return versioned;
  };
  return {
    get: (namespace, name) => stored.get(keyOf({ namespace, name })),
    list: (namespace) =>
      [...stored.values()].filter(({ metadata }) => namespace === undefined || metadata.namespace === namespace),
    create: (namespace, sent, options) => {
      const made = newConfigMap(namespace, sent, options.manager, now());
      if (isStatus(made)) return made;
      if (stored.has(keyOf(made.metadata))) return configMapExists(made.metadata.name);
      return options.dryRun ? made : keep(made, "written");
    },
    replace: (namespace, name, sent, options) => {
      const before = stored.get(keyOf({ namespace, name }));
      const after = before ? replaced(before, sent, options.manager, now()) : configMapNotFound(name);
      // A write that changes nothing is no write: the version stays (kubernetes, etcd3 store, "origState.data == newData").
      if (isStatus(after) || options.dryRun || after === before) return after;
      return keep(after, "written");
    },
    remove: (namespace, name, preconditions, dryRun) => {
      const before = stored.get(keyOf({ namespace, name }));
      const problem = before ? preconditionProblem(before, preconditions) : configMapNotFound(name);
      if (!before || problem) return problem ?? configMapNotFound(name);
      return dryRun ? before : keep(before, "removed");
    },
    resourceVersion: () => String(version),
    onChange: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}

function keyOf({ namespace, name }: { namespace: string; name: string }): string {
  return `${namespace}/${name}`;
}

function newConfigMap(namespace: string, sent: SentConfigMap, manager: string, now: Date): ConfigMap | Status {
  const { name } = sent.metadata;
  if (!name) return badRequest("name or generateName is required");
  const mismatch = addressProblem({ namespace, name }, sent);
  const problem = mismatch ?? configMapProblem(name, sent);
  if (problem) return problem;
  if (sent.metadata.resourceVersion) return badRequest("resourceVersion should not be set on objects to be created");
  const managedFields = ownFields({ owners: [], object: undefined }, sent, manager, now);
  const creationTimestamp = now.toISOString().replace(/\.\d{3}Z$/, "Z");
  return objectOf(sent, { name, namespace, uid: randomUUID(), resourceVersion: "", creationTimestamp, managedFields });
}

/** The ConfigMap after an update; the very same one where nothing would change. */
function replaced(before: ConfigMap, sent: SentConfigMap, manager: string, now: Date): ConfigMap | Status {
  const { name } = before.metadata;
  const problem =
    addressProblem(before.metadata, sent) ??
    preconditionProblem(before, sent.metadata) ??
    configMapProblem(name, sent) ??
    immutabilityProblem(before, sent);
  if (problem) return problem;
  const same = objectOf(sent, before.metadata);
  if (sameContent(before, same)) return before;
  const owners = before.metadata.managedFields ?? [];
  return objectOf(sent, {
    ...before.metadata,
    managedFields: ownFields({ owners, object: before }, sent, manager, now),
  });
}

function objectOf(sent: SentConfigMap, server: ConfigMap["metadata"]): ConfigMap {
  const { labels, annotations } = sent.metadata;
  const { labels: _labels, annotations: _annotations, ...metadata } = server;
  return {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { ...metadata, ...(labels ? { labels } : {}), ...(annotations ? { annotations } : {}) },
    ...(sent.data ? { data: sent.data } : {}),
    ...(sent.binaryData ? { binaryData: sent.binaryData } : {}),
    ...(sent.immutable === undefined ? {} : { immutable: sent.immutable }),
  };
}

function sameContent(a: ConfigMap, b: ConfigMap): boolean {
  const content = ({ data, binaryData, immutable, metadata }: ConfigMap) =>
    JSON.stringify([data, binaryData, metadata.labels, metadata.annotations].map(sorted).concat(String(immutable)));
  return content(a) === content(b);
}

function sorted(map: Readonly<Record<string, string>> | undefined): string {
  return JSON.stringify(Object.entries(map ?? {}).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function addressProblem(at: { namespace: string; name: string }, { metadata }: SentConfigMap): Status | undefined {
  if (metadata.name !== undefined && metadata.name !== at.name) {
    return badRequest(`the name of the object (${metadata.name}) does not match the name on the URL (${at.name})`);
  }
  return metadata.namespace && metadata.namespace !== at.namespace
    ? badRequest(`the namespace of the provided object does not match the namespace sent on the request`)
    : undefined;
}

/** A write without a resourceVersion is accepted, whatever happened meanwhile: ConfigMaps allow unconditional updates. */
function preconditionProblem(
  before: ConfigMap,
  { uid, resourceVersion }: { uid?: string; resourceVersion?: string },
): Status | undefined {
  const { name, namespace, ...server } = before.metadata;
  if (uid && uid !== server.uid) {
    const key = `/registry/configmaps/${namespace}/${name}`;
    return configMapConflict(
      name,
      `StorageError: invalid object, Code: 4, Key: ${key}, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: ${uid}, UID in object meta: ${server.uid}`,
    );
  }
  return resourceVersion && resourceVersion !== server.resourceVersion ? configMapModified(name) : undefined;
}
