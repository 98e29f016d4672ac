import { isObject } from "../json.ts";
import type { ManagedFields } from "./managed-fields.ts";
import { badRequest, type FieldProblem, isStatus, type KindNames, type Status } from "./status.ts";

/** meta/v1 ObjectMeta. */
export interface ObjectMeta {
  name: string;
  /** Absent: the object has no namespace. */
  namespace?: string;
  uid: string;
  resourceVersion: string;
  creationTimestamp: string;
  labels?: Readonly<Record<string, string>>;
  annotations?: Readonly<Record<string, string>>;
  managedFields?: readonly ManagedFields[];
  /** A deleted object stays until all are gone (Kubernetes docs, "Finalizers"). */
  finalizers?: readonly string[];
  deletionTimestamp?: string;
  deletionGracePeriodSeconds?: number;
}

export type ObjectAddress = Pick<ObjectMeta, "name" | "namespace">;

export type Stored<Content> = Content & { apiVersion: string; kind: string; metadata: ObjectMeta };

/** The server's own fields can be absent. */
export type Sent<Content> = Content & { metadata: Partial<ObjectMeta> };

export interface ObjectKind<Content extends object> extends KindNames {
  apiVersion: string;
  namespaced: boolean;
  /** A PUT of an absent object creates it (kubernetes, AllowCreateOnUpdate). */
  createsOnUpdate: boolean;
  /** The content of a client's object, with defaults; a Status: it is unreadable. */
  decode(value: Readonly<Record<string, unknown>>): Content | Status;
  /** The mistake in a name, in the API server's words. */
  nameProblems(name: string): string[];
  problems(sent: Sent<Content>): FieldProblem[];
  updateProblems(before: Stored<Content>, sent: Sent<Content>): FieldProblem[];
}

/** Reads a client's object, or returns a real API server's 400. `null` counts as absent, as in Go. */
export function decodeObject<Content extends object>(own: ObjectKind<Content>, value: unknown): Sent<Content> | Status {
  if (!isObject(value)) return badRequest(`the object provided is unrecognized (must be of type ${own.kind})`);
  const { kind = own.kind, apiVersion = own.apiVersion } = value;
  if (kind !== own.kind || apiVersion !== own.apiVersion) {
    return badRequest(`${kind} in version "${apiVersion}" cannot be handled as a ${own.kind}: unknown conversion`);
  }
  const metadata = isObject(value.metadata) ? value.metadata : {};
  const content = own.decode(value);
  const wrong =
    (isStatus(content) ? content : undefined) ??
    mapProblem(own, "ObjectMeta.metadata.annotations", metadata.annotations) ??
    mapProblem(own, "ObjectMeta.metadata.labels", metadata.labels);
  return wrong ?? { ...(content as Content), metadata: metadata as Partial<ObjectMeta> };
}

export function mapProblem(
  { kind, apiVersion }: Pick<ObjectKind<object>, "kind" | "apiVersion">,
  field: string,
  map: unknown,
): Status | undefined {
  const wrong = isObject(map)
    ? Object.values(map).find((item) => typeof item !== "string" && item !== null)
    : (map ?? undefined);
  if (wrong === undefined) return undefined;
  const why = `json: cannot unmarshal ${goKind(wrong)} into Go struct field ${field} of type string`;
  const version = apiVersion.split("/").at(-1);
  return badRequest(`${kind} in version "${version}" cannot be handled as a ${kind}: ${why}`);
}

/** The API server allows any object 256 KiB of annotations. */
const maxAnnotationBytes = 256 * 1024;

/** apimachinery, validation, ValidateObjectMeta. */
export function metadataProblems(
  own: Pick<ObjectKind<object>, "nameProblems">,
  metadata: Partial<ObjectMeta>,
): FieldProblem[] {
  const { name, labels = {}, annotations = {} } = metadata;
  if (!name)
    return [
      { field: "metadata.name", reason: "FieldValueRequired", why: required("name or generateName is required") },
    ];
  const names = own.nameProblems(name).map((why) => invalidValue("metadata.name", name, why));
  const keys = (field: string, map: object) =>
    Object.keys(map).flatMap((key) => (isQualified(key) ? [] : [invalidValue(field, key, qualifiedName)]));
  const values = Object.values(labels).filter((value) => value !== "" && !word.test(value));
  const size = Object.entries(annotations)
    .flat()
    .reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  const tooLong = `Too long: may not be more than ${maxAnnotationBytes} bytes`;
  return [
    ...names,
    ...keys("metadata.labels", labels),
    ...values.map((value) => invalidValue("metadata.labels", value, labelValue)),
    ...keys("metadata.annotations", annotations),
    ...(size > maxAnnotationBytes
      ? [{ field: "metadata.annotations", reason: "FieldValueTooLong", why: tooLong }]
      : []),
  ];
}

export function required(why = ""): string {
  return why === "" ? "Required value" : `Required value: ${why}`;
}

export function invalidValue(field: string, value: string, why: string): FieldProblem {
  return { field, reason: "FieldValueInvalid", why: `Invalid value: ${JSON.stringify(value)}: ${why}` };
}

const word = /^[A-Za-z0-9](?:[-\w.]{0,61}[A-Za-z0-9])?$/;
const labelValue =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";
const qualifiedName =
  "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";

/** `name`, or `prefix/name` with a DNS name as prefix. */
function isQualified(key: string): boolean {
  const [name = "", prefix, ...more] = key.split("/").toReversed();
  return (
    word.test(name) &&
    more.length === 0 &&
    (prefix === undefined || /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(prefix.toLowerCase()))
  );
}

function goKind(value: unknown): string {
  if (Array.isArray(value)) return "array";
  return typeof value === "boolean" ? "bool" : typeof value;
}

/** meta/v1 Time: whole seconds. */
export function timestamp(date: Date): string {
  return date.toISOString().replace(/\.\d{3}Z$/, "Z");
}
