import { goFold } from "./go-yaml/fold.ts";
import type { Field, MapValue } from "./go-yaml/value.ts";
import type { Section } from "./problem.ts";

/** The fields of an entry that the authenticator knows. `arn` is `rolearn` or `userarn`. */
export type FieldName = "arn" | "username" | "groups" | "sso" | "userid";

/** How the field is spelled in a section. */
export function fieldKey(name: FieldName, section: Section): string {
  if (name !== "arn") return name;
  return section === "mapUsers" ? "userarn" : "rolearn";
}

export interface FieldUse extends Field {
  readonly name: FieldName;
}

/**
 * The known fields of an entry in the order in which Go decodes them: by the bytes of their names as written, for the
 * entry is turned into JSON with sorted keys first. Names match in any case; the last use of a field wins.
 */
export function fieldUses(map: MapValue, section: Section): FieldUse[] {
  const uses: FieldUse[] = [];
  const names = map.fields.size < 2 ? [...map.fields.keys()] : [...map.fields.keys()].sort();
  for (const written of names) {
    const name = knownField(written, section);
    const field = map.fields.get(written);
    if (name !== null && field !== undefined) uses.push({ ...field, name });
  }
  return uses;
}

export function knownField(written: string, section: Section): FieldName | null {
  switch (goFold(written)) {
    case "rolearn":
      return section === "mapRoles" ? "arn" : null;
    case "userarn":
      return section === "mapUsers" ? "arn" : null;
    case "username":
      return "username";
    case "groups":
      return "groups";
    case "sso":
      return section === "mapRoles" ? "sso" : null;
    case "userid":
      return "userid";
    default:
      return null;
  }
}
