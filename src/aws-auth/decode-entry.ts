import { type FieldUse, fieldUses } from "./field.ts";
import type { MapValue, YamlValue } from "./go-yaml/value.ts";
import type { Section } from "./problem.ts";

/** An item of mapRoles or mapUsers after encoding/json has put it into its struct. */
export interface DecodedEntry {
  arn: string;
  username: string;
  groups: readonly string[];
  /** The pointer to the SSO matcher is set. It is by any value but null, even one of a wrong type. */
  sso: boolean;
  readonly uses: readonly FieldUse[];
}

/** What the authenticator makes of an item: a value of a wrong type leaves the field as it was, which is empty at first. */
export function decodeEntry(map: MapValue, section: Section): DecodedEntry {
  const uses = fieldUses(map, section);
  const entry: DecodedEntry = { arn: "", username: "", groups: [], sso: false, uses };
  for (const { name, value } of uses) {
    if (name === "sso") entry.sso = value.type !== "null";
    else if (name === "groups") entry.groups = decodeGroups(entry.groups, value);
    else if (value.type === "string") entry[name] = value.value;
  }
  return entry;
}

/**
 * Decodes into the slice that is there, as encoding/json does: an item that is no string keeps what stood in its place
 * before, which is "" unless `groups` was given twice.
 */
function decodeGroups(before: readonly string[], value: YamlValue): readonly string[] {
  if (value.type === "null") return [];
  if (value.type !== "list") return before;
  return value.items.map((item, index) => (item.type === "string" ? item.value : (before[index] ?? "")));
}
