import type { Entry, ReadDocument } from "./document.ts";
import { goLower } from "./go-yaml/fold.ts";

/**
 * Releases of the authenticator differ here. To most, `*` and `?` in a rolearn are letters, which no ARN has. The newest match
 * the six parts of the ARN by them, and ask such an entry and one that names the caller in the order that Go's map gives.
 * Source: Matches in its pkg/config, ArnLike in its pkg/arn.
 */
const WILDCARD = /[*?]/;

/** Whether an entry is of the kind that only the newest releases can match. */
export function isWildcard({ section, arn }: Entry): boolean {
  return section === "mapRoles" && WILDCARD.test(arn);
}

/** The entries with wildcards that a canonical ARN fits. Users too: roles are asked first, whoever calls. */
export function wildcardsFor({ lookup }: ReadDocument, arn: string): readonly Entry[] {
  const parts = partsOf(goLower(arn));
  return [...lookup.roles.values()]
    .flat()
    .filter((entry) => isWildcard(entry) && fits(parts, partsOf(goLower(entry.arn))));
}

/** What stands behind the fifth colon is one part, with its colons. */
function partsOf(arn: string): string[] {
  const parts = arn.split(":");
  return [...parts.slice(0, 5), parts.slice(5).join(":")];
}

function fits(parts: readonly string[], pattern: readonly string[]): boolean {
  return pattern[0] === "arn" && pattern.every((text, index) => asExpression(text).test(parts[index] ?? ""));
}

/** As ArnLike makes it: `*` is any text and `?` at most one letter. */
function asExpression(text: string): RegExp {
  return new RegExp(`^${text.replace(/[\\.+()|[\]{}^$]/g, "\\$&").replace(/[*?]/g, ".$&")}$`, "u");
}
