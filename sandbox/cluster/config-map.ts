import type { ManagedFields } from "./managed-fields.ts";
import { badRequest, configMapInvalid, type Status } from "./status.ts";

export interface ConfigMapAddress {
  namespace: string;
  name: string;
}

/** core/v1 ConfigMap, as the API server stores it. */
export interface ConfigMap {
  apiVersion: "v1";
  kind: "ConfigMap";
  metadata: ConfigMapMetadata;
  data?: Readonly<Record<string, string>>;
  binaryData?: Readonly<Record<string, string>>;
  immutable?: boolean;
}

export interface ConfigMapMetadata {
  name: string;
  namespace: string;
  uid: string;
  resourceVersion: string;
  creationTimestamp: string;
  labels?: Readonly<Record<string, string>>;
  annotations?: Readonly<Record<string, string>>;
  managedFields?: readonly ManagedFields[];
  /** A deleted object stays until the last of them is gone (Kubernetes docs, "Finalizers"). */
  finalizers?: readonly string[];
  deletionTimestamp?: string;
  deletionGracePeriodSeconds?: number;
}

/** A ConfigMap as a client sends it: what the server fills in may be missing. */
export interface SentConfigMap extends Pick<ConfigMap, "data" | "binaryData" | "immutable"> {
  metadata: Partial<ConfigMapMetadata>;
}

/** etcd and the API server allow a ConfigMap 1 MiB of data, and any object 256 KiB of annotations (apimachinery, validation). */
const maxDataBytes = 1024 * 1024;
const maxAnnotationBytes = 256 * 1024;

/** Reads what a client sent, or the 400 that a real API server answers where it can't. `null` counts as absent, as in Go. */
export function decodeConfigMap(value: unknown): SentConfigMap | Status {
  if (!isObject(value)) return badRequest("the object provided is unrecognized (must be of type ConfigMap)");
  const { kind = "ConfigMap", apiVersion = "v1" } = value;
  if (kind !== "ConfigMap" || apiVersion !== "v1") {
    return badRequest(`${kind} in version "${apiVersion}" cannot be handled as a ConfigMap: unknown conversion`);
  }
  const metadata = isObject(value.metadata) ? value.metadata : {};
  const { data, binaryData, immutable } = value;
  const wrong =
    typeProblem("ConfigMap.data", data) ??
    typeProblem("ConfigMap.binaryData", binaryData) ??
    typeProblem("ObjectMeta.metadata.annotations", metadata.annotations) ??
    typeProblem("ObjectMeta.metadata.labels", metadata.labels);
  if (wrong) return wrong;
  return {
    metadata: metadata as Partial<ConfigMapMetadata>,
    ...(isObject(data) ? { data: texts(data) } : {}),
    ...(isObject(binaryData) ? { binaryData: texts(binaryData) } : {}),
    ...(typeof immutable === "boolean" ? { immutable } : {}),
  };
}

/** The 400 for a map that is none, or that holds something else than texts. */
function typeProblem(field: string, map: unknown): Status | undefined {
  const wrong = isObject(map)
    ? Object.values(map).find((item) => typeof item !== "string" && item !== null)
    : (map ?? undefined);
  if (wrong === undefined) return undefined;
  const why = `json: cannot unmarshal ${goKind(wrong)} into Go struct field ${field} of type string`;
  return badRequest(`ConfigMap in version "v1" cannot be handled as a ConfigMap: ${why}`);
}

/** The 422 that a ConfigMap earns by itself, if any (kubernetes, pkg/apis/core/validation, ValidateConfigMap). */
export function configMapProblem(
  name: string,
  { data = {}, binaryData = {}, metadata }: SentConfigMap,
): Status | undefined {
  const badKey = [...Object.keys(data), ...Object.keys(binaryData)].find((key) => !/^[-._a-zA-Z0-9]{1,253}$/.test(key));
  if (badKey !== undefined) {
    const why = `Invalid value: "${badKey}": a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')`;
    return configMapInvalid(name, `data[${badKey}]`, "FieldValueInvalid", why);
  }
  if (bytesOf(Object.values({ ...data, ...binaryData })) > maxDataBytes) {
    return configMapInvalid(name, "[]", "FieldValueTooLong", `Too long: may not be more than ${maxDataBytes} bytes`);
  }
  if (bytesOf(Object.entries(metadata.annotations ?? {}).flat()) > maxAnnotationBytes) {
    return configMapInvalid(
      name,
      "metadata.annotations",
      "FieldValueTooLong",
      `Too long: may not be more than ${maxAnnotationBytes} bytes`,
    );
  }
  return undefined;
}

/** The 422 for a change of an immutable ConfigMap, if it is one (ValidateConfigMapUpdate). */
export function immutabilityProblem(before: ConfigMap, after: SentConfigMap): Status | undefined {
  if (!before.immutable) return undefined;
  const forbidden = (field: string) =>
    configMapInvalid(
      before.metadata.name,
      field,
      "FieldValueForbidden",
      "Forbidden: field is immutable when `immutable` is set",
    );
  if (after.immutable !== true) return forbidden("immutable");
  return JSON.stringify(before.data ?? {}) === JSON.stringify(after.data ?? {}) ? undefined : forbidden("data");
}

function bytesOf(texts: readonly string[]): number {
  return texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
}

function texts(map: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(Object.entries(map).map(([key, value]) => [key, typeof value === "string" ? value : ""]));
}

function goKind(value: unknown): string {
  if (Array.isArray(value)) return "array";
  return typeof value === "boolean" ? "bool" : typeof value;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
