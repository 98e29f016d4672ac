/** A JSON object with unknown fields. */
export type JsonObject = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The text at a key, or undefined where there is none or something else. */
export function textAt(object: unknown, key: string): string | undefined {
  const value = isObject(object) ? object[key] : undefined;
  return typeof value === "string" ? value : undefined;
}

/** The object at a key, or an empty one. */
export function objectAt(object: unknown, key: string): JsonObject {
  const value = isObject(object) ? object[key] : undefined;
  return isObject(value) ? value : {};
}

/** The objects of the list at a key; what is no object is left out. */
export function listAt(object: unknown, key: string): readonly JsonObject[] {
  const value = isObject(object) ? object[key] : undefined;
  return Array.isArray(value) ? value.filter(isObject) : [];
}

/** Parses JSON; undefined where it is not. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
