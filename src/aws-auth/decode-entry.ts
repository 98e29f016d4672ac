import { type Entry, type FieldName, goFold, type Section } from "./document.ts";
import type { Field, MapValue, YamlValue } from "./go-yaml/node.ts";

export type FieldUse = Field & { readonly name: FieldName; readonly spelled: string };

/** In Go's decoding order: by name, because the entry first becomes JSON with sorted keys. The last use wins. */
export function fieldUses(map: MapValue, section: Section): FieldUse[] {
  const uses: FieldUse[] = [];
  for (const [spelled, { key, value, written, merged }] of map.fields) {
    const name = knownField(spelled, section);
    if (name === null) continue;
    const use = { name, spelled, key, value, written, merged };
    // A sort would cost more memory than the uses do.
    let at = uses.length;
    for (let before = uses[at - 1]; before !== undefined && spelled < before.spelled; before = uses[at - 1]) {
      uses[at] = before;
      at -= 1;
    }
    uses[at] = use;
  }
  return uses;
}

export function lastUse(uses: readonly FieldUse[], name: FieldName): FieldUse | undefined {
  for (let at = uses.length - 1; at >= 0; at -= 1) if (uses[at]?.name === name) return uses[at];
}

/** Whether the pointer to the SSO matcher is set: by any value except null, even one of a wrong type. */
export function hasSso(uses: readonly FieldUse[]): boolean {
  const sso = lastUse(uses, "sso");
  return sso !== undefined && sso.value.type !== "null";
}

const NAMES: readonly (readonly [string, FieldName])[] = [
  ["username", "username"],
  ["groups", "groups"],
];

const KNOWN: Readonly<Record<Section, ReadonlyMap<string, FieldName>>> = {
  mapRoles: new Map([...NAMES, ["rolearn", "arn"], ["sso", "sso"]]),
  mapUsers: new Map([...NAMES, ["userarn", "arn"]]),
  mapAccounts: new Map(),
};

/** The field with this name, in any case; null: unknown. */
export function knownField(spelled: string, section: Section): FieldName | null {
  const known = KNOWN[section];
  return known.get(spelled) ?? known.get(goFold(spelled)) ?? null;
}

/** An item of mapRoles or mapUsers as encoding/json decodes it into its struct. */
type DecodedEntry = Pick<Entry, "arn" | "username" | "groups"> & { sso: boolean };

/** The authenticator's reading of an item: a value of a wrong type leaves the field as it was, which is empty at first. */
export function decodeEntry(map: MapValue, section: Section): DecodedEntry {
  const uses = fieldUses(map, section);
  const entry: DecodedEntry = { arn: "", username: "", groups: [], sso: hasSso(uses) };
  const places: string[] = [];
  for (const { name, value } of uses) {
    if (name === "sso") continue;
    if (name === "groups") entry.groups = decodeGroups(entry.groups, places, value);
    else if (value.type === "string") entry[name] = value.value;
  }
  return entry;
}

/**
 * Decodes as encoding/json into the existing slice: an item that is not text keeps the earlier value of its place, "" unless
 * `groups` is there several times.
 * @param places the slice's memory: a shorter list hides the further places, and a later longer one shows them again
 */
function decodeGroups(before: readonly string[], places: string[], value: YamlValue): readonly string[] {
  if (value.type !== "null" && value.type !== "list") return before;
  const items = value.type === "list" ? value.items : [];
  if (items.length === 0) places.length = 0;
  for (const [index, item] of items.entries())
    places[index] = item.type === "string" ? item.value : (places[index] ?? "");
  return places.slice(0, items.length);
}
