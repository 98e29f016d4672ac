import { YamlFailure } from "./failure.ts";
import type { YamlValue } from "./value.ts";

/** Throws where Go could not turn a decoded value into JSON: a key that is null, .inf or .nan anywhere in it. */
export function requireJson(value: YamlValue): void {
  switch (value.type) {
    case "number":
      if (typeof value.value === "number" && !Number.isFinite(value.value))
        throw new YamlFailure("JSON can't hold this number", value.node.start.line, value.node.start.column);
      return;
    case "list":
      value.items.forEach(requireJson);
      return;
    case "map":
      if (value.unfitKey !== null)
        throw new YamlFailure("JSON can't hold this key", value.unfitKey.start.line, value.unfitKey.start.column);
      for (const field of value.fields.values()) requireJson(field.value);
      if (value.others !== null) for (const other of value.others.values()) requireJson(other);
  }
}
