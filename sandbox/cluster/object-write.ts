import { randomUUID } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import { ownFields } from "./managed-fields.ts";
import {
  metadataProblems,
  type ObjectAddress,
  type ObjectKind,
  type ObjectMeta,
  type Sent,
  type Stored,
  timestamp,
} from "./object-kind.ts";
import {
  badRequest,
  conflict,
  type FieldProblem,
  invalid,
  type KindNames,
  preconditionFailed,
  type Status,
} from "./status.ts";

export interface WriteOptions<Content> {
  manager: string;
  dryRun: boolean;
  guard?: (sent: Sent<Content>, before: Stored<Content> | undefined) => Status | undefined;
}

/** What a mutating webhook makes of an update. */
export type Admission<Content> = (sent: Sent<Content>) => Sent<Content>;

export function newObject<Content extends object>(
  kind: ObjectKind<Content>,
  namespace: string | undefined,
  sent: Sent<Content>,
  { manager, guard }: WriteOptions<Content>,
  now: Date,
): Stored<Content> | Status {
  const { name = "", resourceVersion } = sent.metadata;
  const refused =
    namespaceProblem(namespace, sent.metadata) ??
    guard?.(sent, undefined) ??
    invalid(kind, name, problemsOf(kind, sent));
  if (refused) return refused;
  if (resourceVersion) return versionOfNew;
  const creationTimestamp = timestamp(now);
  const managedFields = ownFields({ owners: [], object: undefined }, sent, {
    manager,
    apiVersion: kind.apiVersion,
    now,
  });
  const place = namespace === undefined ? { name } : { name, namespace };
  return objectOf(kind, sent, { ...place, uid: randomUUID(), resourceVersion: "", creationTimestamp, managedFields });
}

/** The same value if nothing changed. */
export function replaced<Content extends object>(
  kind: ObjectKind<Content>,
  before: Stored<Content>,
  sent: Sent<Content>,
  { manager, guard }: WriteOptions<Content>,
  now: Date,
  admission: Admission<Content> | null,
): Stored<Content> | Status {
  const { name, resourceVersion } = before.metadata;
  const admitted = admission?.(sent) ?? sent;
  const problems = () => [
    ...problemsOf(kind, admitted),
    ...kind.updateProblems(before, admitted),
    ...finalizerProblems(before.metadata, admitted.metadata),
  ];
  const refused =
    guard?.(sent, before) ??
    versionProblem(kind, name, sent.metadata.resourceVersion, resourceVersion) ??
    invalid(kind, name, problems());
  if (refused) return refused;
  const after = objectOf(kind, admitted, before.metadata);
  if (sameContent(before, after)) return before;
  const owners = before.metadata.managedFields ?? [];
  // Of what was sent: a webhook takes no field (apiserver, endpoints/handlers/update.go).
  const managedFields = ownFields({ owners, object: before }, sent, { manager, apiVersion: kind.apiVersion, now });
  return objectOf(kind, admitted, { ...before.metadata, managedFields });
}

function problemsOf<Content extends object>(kind: ObjectKind<Content>, sent: Sent<Content>): FieldProblem[] {
  return [...metadataProblems(kind, sent.metadata), ...kind.problems(sent)];
}

/** A deletion must not wait for new finalizers (apimachinery, ValidateNoNewFinalizers). */
function finalizerProblems(before: ObjectMeta, { finalizers = [] }: Partial<ObjectMeta>): FieldProblem[] {
  const known = new Set(before.finalizers ?? []);
  const added = finalizers.filter((finalizer) => !known.has(finalizer));
  if (before.deletionTimestamp === undefined || added.length === 0) return [];
  const named = added.map((finalizer) => JSON.stringify(finalizer)).join(", ");
  const why = `Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{${named}}`;
  return [{ field: "metadata.finalizers", reason: "FieldValueForbidden", why }];
}

function objectOf<Content extends object>(
  { apiVersion, kind }: ObjectKind<Content>,
  sent: Sent<Content>,
  server: ObjectMeta,
): Stored<Content> {
  const { labels, annotations, finalizers = [] } = sent.metadata;
  const { labels: _labels, annotations: _annotations, finalizers: _finalizers, ...metadata } = server;
  return {
    ...sent,
    apiVersion,
    kind,
    metadata: {
      ...metadata,
      ...(labels ? { labels } : {}),
      ...(annotations ? { annotations } : {}),
      ...(finalizers.length > 0 ? { finalizers } : {}),
    },
  };
}

/** Empty equals absent, and the order of keys does not count. */
function sameContent(a: Stored<object>, b: Stored<object>): boolean {
  const content = ({ apiVersion: _version, kind: _kind, metadata, ...rest }: Stored<object>) => {
    const { labels, annotations, finalizers } = metadata;
    return withoutEmpty({ ...rest, labels, annotations, finalizers });
  };
  return isDeepStrictEqual(content(a), content(b));
}

/** Without absent items, and without objects that have no other ones. */
function withoutEmpty(value: object): object {
  const kept = Object.entries(value).flatMap(([key, item]): [string, unknown][] => {
    if (typeof item !== "object" || item === null || Array.isArray(item))
      return item === undefined ? [] : [[key, item]];
    const inner = withoutEmpty(item);
    return Object.keys(inner).length === 0 ? [] : [[key, inner]];
  });
  return Object.fromEntries(kept);
}

/** A kube-apiserver answers a resourceVersion in a create with a 500 without a reason. */
const versionOfNew: Status = {
  ...{ kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure", code: 500 },
  message: "resourceVersion should not be set on objects to be created",
};

export function addressProblem<Content extends object>(
  kind: ObjectKind<Content>,
  at: ObjectAddress,
  { metadata }: Sent<Content>,
  stored: string,
): Status | undefined {
  const { name, uid } = metadata;
  if (!name) {
    return badRequest(`the name of the object (${at.name} based on URL) was undeterminable: name must be provided`);
  }
  return name === at.name
    ? (namespaceProblem(at.namespace, metadata) ?? uidProblem(kind, at, uid, stored))
    : badRequest(`the name of the object (${name}) does not match the name on the URL (${at.name})`);
}

/** The API server drops a namespace from a kind without one (kubernetes, apiserver, rest.BeforeCreate). */
function namespaceProblem(wanted: string | undefined, { namespace }: Partial<ObjectMeta>): Status | undefined {
  return namespace && wanted !== undefined && namespace !== wanted
    ? badRequest(`the namespace of the object (${namespace}) does not match the namespace on the request (${wanted})`)
    : undefined;
}

/** A sent uid must be the stored one. For an absent object it is a conflict, not a 404. */
function uidProblem(
  kind: KindNames,
  { namespace, name }: ObjectAddress,
  sent: string | undefined,
  stored: string,
): Status | undefined {
  if (!sent || sent === stored) return undefined;
  const key = ["/registry", kind.resource, namespace, name].filter((part) => part !== undefined).join("/");
  const why = `Precondition failed: UID in precondition: ${sent}, UID in object meta: ${stored}`;
  const error = `StorageError: invalid object, Code: 4, Key: ${key}, ResourceVersion: 0, AdditionalErrorMsg: ${why}`;
  return conflict(kind, name, error);
}

/** All kinds here allow unconditional updates: a write without a resourceVersion always fits. */
function versionProblem(kind: KindNames, name: string, sent: string | undefined, stored: string) {
  const why = "the object has been modified; please apply your changes to the latest version and try again";
  return sent && sent !== stored ? conflict(kind, name, why) : undefined;
}

/** meta/v1 DeleteOptions. */
export interface DeleteOptions {
  preconditions?: { uid?: string; resourceVersion?: string };
  propagationPolicy?: string;
}

const collectors = new Set(["orphan", "foregroundDeletion"]);

/** Without those of the collector (apiserver, deletionFinalizersForGarbageCollection), which the sandbox does not have. */
export function finalizersAfter({ metadata }: Stored<object>, { propagationPolicy }: DeleteOptions): readonly string[] {
  const { finalizers = [] } = metadata;
  return propagationPolicy === "Background" ? finalizers.filter((each) => !collectors.has(each)) : finalizers;
}

/** The conflict of a deletion with failed preconditions (kubernetes, apiserver, rest.BeforeDelete). */
export function deleteProblem(
  kind: KindNames,
  { metadata }: Stored<object>,
  { uid, resourceVersion }: NonNullable<DeleteOptions["preconditions"]>,
): Status | undefined {
  if (uid && uid !== metadata.uid) {
    const why = `the UID in the precondition (${uid}) does not match the UID in record (${metadata.uid})`;
    return preconditionFailed(kind, metadata.name, `${why}. The object might have been deleted and then recreated`);
  }
  if (!resourceVersion || resourceVersion === metadata.resourceVersion) return undefined;
  const why = `the ResourceVersion in the precondition (${resourceVersion}) does not match the ResourceVersion in record (${metadata.resourceVersion})`;
  return preconditionFailed(kind, metadata.name, `${why}. The object might have been modified`);
}
