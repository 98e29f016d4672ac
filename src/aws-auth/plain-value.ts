import type { MapValue, YamlValue } from "./go-yaml/value.ts";

/** The fields of a decoded mapping, as `plainValue` has them. */
export function plainMap(map: MapValue): Record<string, unknown> {
  return Object.fromEntries([...map.fields].map(([key, field]) => [key, plainValue(field.value)]));
}

/** A decoded value as JSON has it. Keys that are no strings are left out; so is what a number can't hold exactly. */
function plainValue(value: YamlValue): unknown {
  switch (value.type) {
    case "list":
      return value.items.map(plainValue);
    case "map":
      return plainMap(value);
    default:
      return typeof value.value === "bigint" ? Number(value.value) : value.value;
  }
}
