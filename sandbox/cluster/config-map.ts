import { isObject } from "../json.ts";
import { mapProblem, type ObjectKind, type Sent, type Stored } from "./object-kind.ts";
import type { FieldProblem } from "./status.ts";

export interface ConfigMapContent {
  data?: Readonly<Record<string, string>>;
  binaryData?: Readonly<Record<string, string>>;
  immutable?: boolean;
}

export type ConfigMap = Stored<ConfigMapContent>;

export type SentConfigMap = Sent<ConfigMapContent>;

/** etcd and the API server allow a ConfigMap 1 MiB of data. */
const maxDataBytes = 1024 * 1024;

export const configMapKind: ObjectKind<ConfigMapContent> = {
  group: "",
  apiVersion: "v1",
  kind: "ConfigMap",
  resource: "configmaps",
  namespaced: true,
  createsOnUpdate: false,
  decode: ({ data, binaryData, immutable }) =>
    mapProblem(configMapKind, "ConfigMap.data", data) ??
    mapProblem(configMapKind, "ConfigMap.binaryData", binaryData) ?? {
      ...(isObject(data) ? { data: texts(data) } : {}),
      ...(isObject(binaryData) ? { binaryData: texts(binaryData) } : {}),
      ...(typeof immutable === "boolean" ? { immutable } : {}),
    },
  nameProblems: () => [],
  problems: dataProblems,
  updateProblems: immutabilityProblems,
};

/** kubernetes, pkg/apis/core/validation, ValidateConfigMap. */
function dataProblems({ data = {}, binaryData = {} }: ConfigMapContent): FieldProblem[] {
  const keys = [...Object.keys(data), ...Object.keys(binaryData)].filter((key) => !/^[-._a-zA-Z0-9]{1,253}$/.test(key));
  const bytes = Object.values({ ...data, ...binaryData }).reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  const twice = Object.keys(data).filter((key) => Object.hasOwn(binaryData, key));
  const duplicate = (key: string, field: string, other: string) => ({
    field: `${field}[${key}]`,
    reason: "FieldValueInvalid",
    why: `Invalid value: "${key}": duplicate of key present in ${other}`,
  });
  const tooLong = `Too long: may not be more than ${maxDataBytes} bytes`;
  return [
    ...keys.map((key) => ({
      field: `data[${key}]`,
      reason: "FieldValueInvalid",
      why: `Invalid value: "${key}": a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')`,
    })),
    ...twice.map((key) => duplicate(key, "data", "binaryData")),
    ...twice.map((key) => duplicate(key, "binaryData", "data")),
    ...(bytes > maxDataBytes ? [{ field: "[]", reason: "FieldValueTooLong", why: tooLong }] : []),
  ];
}

/** ValidateConfigMapUpdate. */
function immutabilityProblems(before: ConfigMap, after: SentConfigMap): FieldProblem[] {
  if (!before.immutable) return [];
  const why = "Forbidden: field is immutable when `immutable` is set";
  if (after.immutable !== true) return [{ field: "immutable", reason: "FieldValueForbidden", why }];
  const isSame = JSON.stringify(before.data ?? {}) === JSON.stringify(after.data ?? {});
  return isSame ? [] : [{ field: "data", reason: "FieldValueForbidden", why }];
}

function texts(map: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(Object.entries(map).map(([key, value]) => [key, typeof value === "string" ? value : ""]));
}
