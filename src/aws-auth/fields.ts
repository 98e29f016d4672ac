import type { Section } from "./document.ts";
import { goFold } from "./fold.ts";
import type { Field, MapValue, YamlValue } from "./go-yaml/node.ts";

/** The fields of an entry that the authenticator knows. `arn` is `rolearn` or `userarn`. */
export type FieldName = "arn" | "username" | "groups" | "sso";

export function fieldKey(name: FieldName, section: Section): string {
  if (name !== "arn") return name;
  return section === "mapUsers" ? "userarn" : "rolearn";
}

export interface FieldUse extends Field {
  readonly name: FieldName;
  readonly spelled: string;
}

/**
 * The known fields of an entry in Go's decoding order: by their names as written, because the entry first becomes JSON with
 * sorted keys. Case does not count; the last use of a field wins.
 */
export function fieldUses(map: MapValue, section: Section): FieldUse[] {
  const uses: FieldUse[] = [];
  for (const [spelled, { key, value, written, merged }] of map.fields) {
    const name = knownField(spelled, section);
    if (name !== null) uses.push({ name, spelled, key, value, written, merged });
  }
  return uses.sort((a, b) => (a.spelled < b.spelled ? -1 : 1));
}

export function lastUse(uses: readonly FieldUse[], name: FieldName): FieldUse | undefined {
  for (let index = uses.length - 1; index >= 0; index--) if (uses[index]?.name === name) return uses[index];
  return undefined;
}

const KNOWN: Readonly<Record<Section, ReadonlyMap<string, FieldName>>> = {
  mapRoles: new Map([
    ["rolearn", "arn"],
    ["username", "username"],
    ["groups", "groups"],
    ["sso", "sso"],
  ]),
  mapUsers: new Map([
    ["userarn", "arn"],
    ["username", "username"],
    ["groups", "groups"],
  ]),
  mapAccounts: new Map(),
};

/** The field with this name, in any case; null: unknown. */
export function knownField(spelled: string, section: Section): FieldName | null {
  const known = KNOWN[section];
  return known.get(spelled) ?? known.get(goFold(spelled)) ?? null;
}

/** An item of mapRoles or mapUsers as encoding/json decodes it into its struct. */
export interface DecodedEntry {
  arn: string;
  username: string;
  groups: readonly string[];
  /** Whether the pointer to the SSO matcher is set: by any value except null, even one of a wrong type. */
  sso: boolean;
  readonly uses: readonly FieldUse[];
}

/** The authenticator's reading of an item: a value of a wrong type leaves the field as it was, which is empty at first. */
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
 * Decodes into the existing slice, as encoding/json does: an item that is not text keeps the earlier value of its place, which is
 * "" unless `groups` is there twice.
 */
function decodeGroups(before: readonly string[], value: YamlValue): readonly string[] {
  if (value.type === "null") return [];
  if (value.type !== "list") return before;
  return value.items.map((item, index) => (item.type === "string" ? item.value : (before[index] ?? "")));
}
