import type { Entry, ReadDocument } from "./document.ts";
import { goLower } from "./fold.ts";

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

/** The entries with wildcards that a canonical ARN fits. This includes users: the authenticator checks mapRoles first for every caller. */
export function wildcardsFor({ lookup }: ReadDocument, arn: string): readonly Entry[] {
  const parts = partsOf(goLower(arn))?.map((part) => new Matcher(part));
  if (parts === undefined) return [];
  return [...lookup.roles.values()].flat().filter((entry) => {
    const patterns = isWildcard(entry) ? partsOf(goLower(entry.arn)) : null;
    return patterns?.every((pattern, index) => parts[index]?.fits(pattern)) ?? false;
  });
}

/** The six parts of an ARN; what follows the fifth colon is one part, with its colons. Null for a text with fewer. */
function partsOf(arn: string): string[] | null {
  const parts = arn.split(":", 5);
  const end = parts.join(":").length;
  return parts[0] === "arn" && arn[end] === ":" ? [...parts, arn.slice(end + 1)] : null;
}

/**
 * One part of a caller's ARN, which patterns are held against. `*` is any text and `?` at most one letter, as ArnLike has
 * them. All ways to match are followed at once, each a bit that says how much of the text is behind it: a pattern costs
 * its length, whatever it is.
 */
class Matcher {
  /** One bit for each place in the text: the one before its first letter, and the one behind each letter. */
  readonly #all: bigint;
  /** For each letter, the places that stand before one. */
  readonly #before = new Map<string, bigint>();

  constructor(text: string) {
    const letters = [...text];
    this.#all = (2n << BigInt(letters.length)) - 1n;
    for (const [index, letter] of letters.entries())
      this.#before.set(letter, (this.#before.get(letter) ?? 0n) | (1n << BigInt(index)));
  }

  fits(pattern: string): boolean {
    let reached = 1n;
    for (const [token] of pattern.matchAll(TOKEN)) {
      if (token[0] === "*" || token[0] === "?") reached = this.#over(reached, token);
      else reached = (reached & (this.#before.get(token) ?? 0n)) << 1n;
      if (reached === 0n) return false;
    }
    return reached > this.#all >> 1n;
  }

  /** The places behind a run of wildcards: all further ones, or as many as there are question marks. */
  #over(reached: bigint, wildcards: string): bigint {
    if (wildcards.includes("*")) return (reached | -reached) & this.#all;
    let further = reached;
    for (let left = wildcards.length; left > 0; left -= 1) {
      const next = (further | (further << 1n)) & this.#all;
      if (next === further) break;
      further = next;
    }
    return further;
  }
}

/** A run of wildcards, or a letter. */
const TOKEN = /[*?]+|[^*?]/gsu;
