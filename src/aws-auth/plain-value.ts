import type { YamlValue } from "./go-yaml/value.ts";

/** A decoded value as JSON has it. Keys that are no strings are left out; so is what a number can't hold exactly. */
export function plainValue(value: YamlValue): unknown {
  switch (value.type) {
    case "list":
      return value.items.map(plainValue);
    case "map":
      return Object.fromEntries([...value.fields].map(([key, field]) => [key, plainValue(field.value)]));
    default:
      return typeof value.value === "bigint" ? Number(value.value) : value.value;
  }
}
