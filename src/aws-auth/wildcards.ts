import type { Entry, ReadDocument } from "./document.ts";
import { goLower } from "./fold.ts";

/**
 * Releases of the authenticator differ here. To most, `*` and `?` in a rolearn are letters, which no ARN has. The newest match
 * the six parts of the ARN by them, and check such an entry and an exact one in the random order of Go's map. Source: Matches in
 * its pkg/config, ArnLike in its pkg/arn.
 */
const WILDCARD = /[*?]/;

/** Whether only the newest releases can match an entry. */
export function isWildcard({ section, arn }: Entry): boolean {
  return section === "mapRoles" && WILDCARD.test(arn);
}

/**
 * The wildcard entries that a canonical ARN fits. This includes users: the authenticator checks mapRoles first for every caller.
 */
export function wildcardsFor({ lookup }: ReadDocument, arn: string): readonly Entry[] {
  const parts = partsOf(goLower(arn))?.map((part) => new Matcher(part));
  if (parts === undefined) return [];
  return [...lookup.roles.values()].flat().filter((entry) => {
    const patterns = isWildcard(entry) ? partsOf(goLower(entry.arn)) : null;
    return patterns?.every((pattern, index) => parts[index]?.fits(pattern)) ?? false;
  });
}

/** The six parts of an ARN; the sixth has all further colons. Null: the text has fewer. */
function partsOf(arn: string): string[] | null {
  const parts = arn.split(":", 5);
  const end = parts.join(":").length;
  return parts[0] === "arn" && arn[end] === ":" ? [...parts, arn.slice(end + 1)] : null;
}

/**
 * One part of a caller's ARN, to match with patterns. `*` is any text and `?` at most one letter, as in ArnLike. It follows all
 * ways to match at once, each a bit that says how much of the text it has consumed: a pattern costs its length, whatever its
 * form.
 */
class Matcher {
  /** One bit for each place in the text: before its first letter, and after each letter. */
  readonly #all: bigint;
  /** For each letter, the places right before it. */
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

  /** The places after a run of wildcards: all further ones, or as many as it has question marks. */
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
