import { randomUUID } from "node:crypto";
import {
  type ConfigMap,
  type ConfigMapAddress,
  configMapProblem,
  immutabilityProblem,
  type SentConfigMap,
} from "./config-map.ts";
import { ownFields } from "./managed-fields.ts";
import {
  badRequest,
  configMapConflict,
  configMapInvalid,
  configMapModified,
  configMapNotFound,
  preconditionFailed,
  type Status,
} from "./status.ts";

/** What a create would store, or why it is refused. */
export function newConfigMap(namespace: string, sent: SentConfigMap, manager: string, now: Date): ConfigMap | Status {
  const { name } = sent.metadata;
  if (!name) return nameRequired;
  const mismatch = namespaceProblem(namespace, sent);
  const problem = mismatch ?? configMapProblem(name, sent);
  if (problem) return problem;
  if (sent.metadata.resourceVersion) return versionOfNew;
  const managedFields = ownFields({ owners: [], object: undefined }, sent, manager, now);
  const creationTimestamp = now.toISOString().replace(/\.\d{3}Z$/, "Z");
  return objectOf(sent, { name, namespace, uid: randomUUID(), resourceVersion: "", creationTimestamp, managedFields });
}

/** The ConfigMap after an update, the very same one where nothing would change, or why the update is refused. */
export function replaced(
  at: ConfigMapAddress,
  before: ConfigMap | undefined,
  sent: SentConfigMap,
  manager: string,
  now: Date,
): ConfigMap | Status {
  const mismatch = addressProblem(at, sent) ?? uidProblem(at, sent.metadata.uid, before?.metadata.uid ?? "");
  if (mismatch || !before) return mismatch ?? configMapNotFound(at.name);
  const problem =
    versionProblem(at.name, sent.metadata.resourceVersion, before.metadata.resourceVersion) ??
    configMapProblem(at.name, sent) ??
    immutabilityProblem(before, sent) ??
    finalizerProblem(before, sent);
  if (problem) return problem;
  const same = objectOf(sent, before.metadata);
  if (sameContent(before, same)) return before;
  const owners = before.metadata.managedFields ?? [];
  return objectOf(sent, {
    ...before.metadata,
    managedFields: ownFields({ owners, object: before }, sent, manager, now),
  });
}

/** A delete must not wait for something that came later (apimachinery, ValidateNoNewFinalizers). */
function finalizerProblem({ metadata }: ConfigMap, sent: SentConfigMap): Status | undefined {
  const known = new Set(metadata.finalizers ?? []);
  const added = (sent.metadata.finalizers ?? []).filter((finalizer) => !known.has(finalizer));
  if (metadata.deletionTimestamp === undefined || added.length === 0) return undefined;
  const named = added.map((finalizer) => JSON.stringify(finalizer)).join(", ");
  const why = `Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{${named}}`;
  return configMapInvalid(metadata.name, "metadata.finalizers", "FieldValueForbidden", why);
}

function objectOf(sent: SentConfigMap, server: ConfigMap["metadata"]): ConfigMap {
  const { labels, annotations, finalizers = [] } = sent.metadata;
  const { labels: _labels, annotations: _annotations, finalizers: _finalizers, ...metadata } = server;
  return {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: {
      ...metadata,
      ...(labels ? { labels } : {}),
      ...(annotations ? { annotations } : {}),
      ...(finalizers.length > 0 ? { finalizers } : {}),
    },
    ...(sent.data ? { data: sent.data } : {}),
    ...(sent.binaryData ? { binaryData: sent.binaryData } : {}),
    ...(sent.immutable === undefined ? {} : { immutable: sent.immutable }),
  };
}

function sameContent(a: ConfigMap, b: ConfigMap): boolean {
  const content = ({ data, binaryData, immutable, metadata }: ConfigMap) =>
    JSON.stringify([
      ...[data, binaryData, metadata.labels, metadata.annotations].map(sorted),
      String(immutable),
      metadata.finalizers ?? [],
    ]);
  return content(a) === content(b);
}

function sorted(map: Readonly<Record<string, string>> | undefined): string {
  return JSON.stringify(Object.entries(map ?? {}).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Words and codes of a kube-apiserver: it answers a resourceVersion in a create with a 500 that has no reason. */
const nameRequired = configMapInvalid(
  "",
  "metadata.name",
  "FieldValueRequired",
  "Required value: name or generateName is required",
);
const versionOfNew: Status = {
  ...{ kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure", code: 500 },
  message: "resourceVersion should not be set on objects to be created",
};

function addressProblem(at: ConfigMapAddress, sent: SentConfigMap): Status | undefined {
  const { name } = sent.metadata;
  if (!name) {
    return badRequest(`the name of the object (${at.name} based on URL) was undeterminable: name must be provided`);
  }
  return name === at.name
    ? namespaceProblem(at.namespace, sent)
    : badRequest(`the name of the object (${name}) does not match the name on the URL (${at.name})`);
}

function namespaceProblem(wanted: string, { metadata: { namespace } }: SentConfigMap): Status | undefined {
  return namespace && namespace !== wanted
    ? badRequest(`the namespace of the object (${namespace}) does not match the namespace on the request (${wanted})`)
    : undefined;
}

/** A uid that is sent has to be the stored one, also where nothing is stored any more: then it is a conflict, and no 404. */
function uidProblem(at: ConfigMapAddress, sent: string | undefined, stored: string): Status | undefined {
  if (!sent || sent === stored) return undefined;
  const key = `/registry/configmaps/${at.namespace}/${at.name}`;
  const why = `Precondition failed: UID in precondition: ${sent}, UID in object meta: ${stored}`;
  const error = `StorageError: invalid object, Code: 4, Key: ${key}, ResourceVersion: 0, AdditionalErrorMsg: ${why}`;
  return configMapConflict(at.name, error);
}

/** A write without a resourceVersion is accepted, whatever happened meanwhile: ConfigMaps allow unconditional updates. */
function versionProblem(name: string, sent: string | undefined, stored: string): Status | undefined {
  return sent && sent !== stored ? configMapModified(name) : undefined;
}

/** What a delete may demand of the stored object. */
export interface Preconditions {
  uid?: string;
  resourceVersion?: string;
}

/** The conflict of a delete with failed preconditions (kubernetes, apiserver, rest.BeforeDelete). */
export function deleteProblem(before: ConfigMap, { uid, resourceVersion }: Preconditions): Status | undefined {
  const { metadata } = before;
  if (uid && uid !== metadata.uid) {
    const why = `the UID in the precondition (${uid}) does not match the UID in record (${metadata.uid})`;
    return preconditionFailed(metadata.name, `${why}. The object might have been deleted and then recreated`);
  }
  if (!resourceVersion || resourceVersion === metadata.resourceVersion) return undefined;
  const why = `the ResourceVersion in the precondition (${resourceVersion}) does not match the ResourceVersion in record (${metadata.resourceVersion})`;
  return preconditionFailed(metadata.name, `${why}. The object might have been modified`);
}
