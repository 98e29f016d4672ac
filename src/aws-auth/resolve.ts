import { canonicalCaller, PARTITIONS } from "../access/arn.ts";
import { keptWith } from "../access/collections.ts";
import {
  type Entry,
  entriesOfKey,
  entryOf,
  goFold,
  goLower,
  type Intent,
  type Lookup,
  type ReadDocument,
  sameList,
} from "./document.ts";
import { render, type TemplateValues } from "./names.ts";

export type Identity = { username: string; groups: readonly string[] };

/** The session name for a role without a session. */
const ASSUMED = "eks-access";

/** Null: none. @param callerArn by sts:GetCallerIdentity; a role's means its session `eks-access` */
export function resolve(document: ReadDocument, callerArn: string, accessKeyId?: string): Identity | null {
  const stsArn = asSession(callerArn);
  const canonical = canonicalCaller(stsArn);
  if (canonical === null) return null;
  const accountId = canonical.split(":")[4] ?? "";
  const entry = entryOf(document, canonical);
  if (entry === null) return document.lookup.accounts.has(accountId) ? { username: canonical, groups: [] } : null;
  // The last part of the ARN of a role's session. To the authenticator an IAM user and a federated user have no session name.
  const [, sessionName = ""] = /:assumed-role\/(?:.*\/)?(.*)/.exec(stsArn) ?? [];
  return identify(entry, { accountId, sessionName, accessKeyId });
}

function identify(entry: Identity, values: TemplateValues): Identity | null {
  const username = render(entry.username, values);
  const groups: string[] = [];
  for (const group of entry.groups) {
    const rendered = render(group, values);
    if (rendered === null) return null;
    groups.push(rendered);
  }
  return username === null ? null : { username, groups };
}

/** `role/path/R` of IAM as `assumed-role/R/eks-access`: the ARN that STS reports for its sessions. Other ARNs stay. */
function asSession(callerArn: string): string {
  const match = /^arn:([^:]+):iam::([^:]*):role\/(?:.*\/)?([^/]+)$/.exec(callerArn);
  if (match === null) return callerArn;
  const [, partition, account, name] = match;
  return `arn:${partition}:sts::${account}:assumed-role/${name}/${ASSUMED}`;
}

/** To most releases of the authenticator these are letters; the newest match by them, in random order (pkg/arn, ArnLike). */
const WILDCARD = /[*?]/;

const CALLER = new RegExp(
  `^arn:(?:${PARTITIONS.join("|")}):(?:iam::[0-9]{12}:(?:(?:role/|user/(?:[!-~]+/)?)[a-z0-9_+=,.@-]{1,64}|root)|sts::[0-9]{12}:federated-user/[!-~]+)$`,
);

/** Whether an entry's ARN can equal the canonical ARN of a caller. A role's path, for example, can't. @param key an ARN, folded */
export function isMatchable(key: string): boolean {
  return CALLER.test(key);
}

/** Whether only the newest releases can match an entry. */
export function isWildcard({ section, arn }: Entry): boolean {
  return section === "mapRoles" && WILDCARD.test(arn);
}

/** The wildcard entries that a canonical ARN fits, also a user's: the authenticator checks mapRoles first for every caller. */
export function wildcardsFor({ lookup }: ReadDocument, arn: string): readonly Entry[] {
  if (lookup.wildcards.size === 0) return [];
  const lower = goLower(arn);
  const alike = Array.from(
    { length: lower.length + 1 },
    (_, end) => lookup.wildcards.get(lower.slice(0, end)) ?? [],
  ).flat();
  const parts = alike.length > 0 ? partsOf(lower)?.map((part) => new Matcher(part)) : undefined;
  const fitting = alike.filter((entry) => {
    const patterns = parts ? partsOf(goLower(entry.arn)) : null;
    return patterns?.every((pattern, index) => parts?.[index]?.fits(pattern)) ?? false;
  });
  return fitting.sort((one, other) => one.index - other.index);
}

/** The part of an ARN, in lower case, before its first wildcard: an ARN that fits begins with it. */
export function beforeWildcard({ arn }: Entry): string {
  return goLower(arn.slice(0, arn.search(WILDCARD)));
}

/** The six parts of an ARN; the sixth has all further colons. Null: the text has fewer. */
function partsOf(arn: string): string[] | null {
  const parts = arn.split(":", 5);
  const end = parts.join(":").length;
  return parts[0] === "arn" && arn[end] === ":" ? [...parts, arn.slice(end + 1)] : null;
}

/**
 * One part of an ARN, to match with patterns: `*` is any text, `?` at most one letter, as in ArnLike. Follows all matches at
 * once, each a bit for the consumed text: a pattern costs its length.
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

const TOKEN = /[*?]+|[^*?]/gsu;

/** ARNs with another result after the edit, folded: compared as written, with templates unfilled. */
export function changedCallers({ lookup: before }: ReadDocument, { lookup: after }: ReadDocument): readonly string[] {
  return changedSince(before)(after);
}

/** A request's preview compares the same two documents as the run that gives it. */
const changedSince = keptWith((before: Lookup) => keptWith((after: Lookup) => changedArns(before, after)));

function changedArns(before: Lookup, after: Lookup): readonly string[] {
  const changed = new Set<string>();
  for (const keys of [before.roles, before.users]) {
    for (const key of keys.keys()) {
      const [some, others] = [entriesOfKey(before, key), entriesOfKey(after, key)];
      const isAsBefore = ({ username, groups }: Entry, at: number) =>
        username === some[at]?.username && sameList(groups, some[at].groups);
      if (some.length !== others.length || !others.every(isAsBefore)) changed.add(key);
    }
  }
  for (const keys of [after.roles, after.users]) {
    for (const key of keys.keys()) if (!before.roles.has(key) && !before.users.has(key)) changed.add(key);
  }
  return [...changed];
}

/** ARNs with another result that no intent names. A plan with any must not be carried out. */
export function unintendedArns(before: ReadDocument, after: ReadDocument, intents: readonly Intent[]): string[] {
  const named = new Set(intents.map((intent) => goFold(intent.arn)));
  return changedCallers(before, after).filter((key) => !named.has(key));
}
