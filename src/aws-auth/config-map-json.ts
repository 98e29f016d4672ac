import { type ConfigMapFile, isRecord, nameOf } from "./config-map-file.ts";
import { SECTIONS } from "./problem.ts";

/** Reads a file that is JSON; null for one that is not, or holds no aws-auth. */
export function readJson(text: string): ConfigMapFile | null {
  const object = jsonObject(text);
  if (object === null) return null;
  const isConfigMap = object.kind === "ConfigMap";
  const data = isConfigMap ? object.data : object;
  if (!isConfigMap && !SECTIONS.some((section) => Object.hasOwn(object, section))) return null;
  const entries = Object.entries(isRecord(data) ? data : {});
  const texts = entries.flatMap(([key, value]) => (typeof value === "string" ? [[key, value] as const] : []));
  const others = entries.filter(([, value]) => typeof value !== "string" && value !== null);
  return {
    text,
    form: isConfigMap ? "config-map" : "bare",
    object,
    data: Object.fromEntries(texts),
    nodes: new Map(),
    dataMap: null,
    offset: 0,
    line: 0,
    notText: others.map(([key]) => ({ key, line: 1, column: 1 })),
  };
}

/** The ConfigMap itself, or the one named aws-auth in a List. */
function jsonObject(text: string): Record<string, unknown> | null {
  const object = parseJson(text);
  if (!isRecord(object)) return null;
  if (!Array.isArray(object.items)) return object;
  return object.items.find((item) => isRecord(item) && nameOf(item) === "aws-auth") ?? null;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
