import { randomUUID } from "node:crypto";
import { type ConfigMap, configMapProblem, immutabilityProblem, type SentConfigMap } from "./config-map.ts";
import { ownFields } from "./managed-fields.ts";
import { badRequest, configMapConflict, configMapModified, type Status } from "./status.ts";

/** What a create would store, or why it is refused. */
export function newConfigMap(namespace: string, sent: SentConfigMap, manager: string, now: Date): ConfigMap | Status {
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

/** The ConfigMap after an update, the very same one where nothing would change, or why the update is refused. */
export function replaced(before: ConfigMap, sent: SentConfigMap, manager: string, now: Date): ConfigMap | Status {
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
export function preconditionProblem(
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
