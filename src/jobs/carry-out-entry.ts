import { randomUUID } from "node:crypto";
import type { AccessEntry } from "../access-entry/entry.ts";
import { holdsExactly } from "../access-entry/identity.ts";
import { type EntryCall, planEntry } from "../access-entry/plan-entry.ts";
import type { SealKeys } from "../approval/seal.ts";
import { canonicalJson } from "../audit/canonical-json.ts";
import type { AccessEntries } from "../aws/access-entries.ts";
import { AccessError } from "../failure/access-error.ts";
import type { Target } from "../grant/holding.ts";
import type { Cluster } from "../policy/cluster.ts";
import type { EntryState } from "./entry-state.ts";

/** What it takes to change entries of one cluster. */
export interface EntryTools {
  readonly entries: AccessEntries;
  readonly cluster: Cluster;
  readonly state: EntryState;
  readonly sealKeys: SealKeys;
}

/** The calls that are still to be made; none: the entry is what it must be. */
export function callsFor({ cluster, state, sealKeys }: EntryTools, target: Target, arn?: string): readonly EntryCall[] {
  const key = target.change.arn.toLowerCase();
  const entry = state.entries.get(key) ?? null;
  const principalArn = arn ?? entry?.principalArn ?? target.change.arn;
  const held = state.holdings.get(key);
  return planEntry({ cluster: cluster.name, principalArn, entry, held }, target, sealKeys);
}

/**
 * Makes one principal's entry what it must be. EKS has no versions: the entry is read once more right before, and after.
 *
 * @returns the principal's ARN as EKS knows it
 * @throws AccessError `access-entry-conflict` where it is not what the plan was made from
 */
export async function carryOutEntry(tools: EntryTools, target: Target): Promise<string> {
  const { entries, state } = tools;
  const seen = state.entries.get(target.change.arn.toLowerCase());
  if (!seen) return makeEntry(tools, target);
  const present = await entries.describe(seen.principalArn);
  if (!present || fingerprint(present) !== fingerprint(seen)) {
    throw new AccessError(
      "access-entry-conflict",
      `Somebody changed the access entry of ${seen.principalArn} meanwhile`,
    );
  }
  for (const call of callsFor(tools, target)) await send(entries, seen, call);
  return seen.principalArn;
}

/** A role's path is known to IAM alone; of its possible ARNs there is one at most, and EKS refuses all others. */
async function makeEntry(tools: EntryTools, target: Target): Promise<string> {
  const arns = possibleArns(target.change.arn, tools.cluster.accessEntries.rolePaths);
  for (const [index, arn] of arns.entries()) {
    try {
      for (const call of callsFor(tools, target, arn)) await send(tools.entries, { principalArn: arn, arn: "" }, call);
      return arn;
    } catch (error) {
      const isNobody = error instanceof AccessError && error.code === "access-entry-refused";
      if (!isNobody || index === arns.length - 1) throw error;
    }
  }
  return target.change.arn;
}

function possibleArns(arn: string, rolePaths: readonly string[]): readonly string[] {
  if (!arn.includes(":role/")) return [arn];
  return [arn, ...rolePaths.filter((path) => path !== "/").map((path) => arn.replace(":role/", `:role${path}`))];
}

function send(
  entries: AccessEntries,
  about: Pick<AccessEntry, "principalArn" | "arn">,
  call: EntryCall,
): Promise<void> {
  const { principalArn } = about;
  switch (call.type) {
    case "create":
      return entries.create({ ...call.entry, token: randomUUID() });
    case "tag":
      return entries.tag(about, call.tags);
    case "untag":
      return entries.untag(about, call.keys);
    case "set-groups":
      return entries.setGroups(principalArn, call.groups);
    case "associate":
      return entries.associate(principalArn, call.policy);
    case "disassociate":
      return entries.disassociate(principalArn, call.name);
    case "remove":
      return entries.remove(principalArn);
  }
}

function fingerprint({ arn, type, username, groups, policies, tags }: AccessEntry): string {
  const scopes = policies.map(({ name, namespaces }) => ({ name, namespaces: namespaces && [...namespaces] }));
  return canonicalJson({ arn, type, username, groups: [...groups], policies: scopes, tags: { ...tags } });
}

/** Entries are eventually consistent (EKS User Guide): what was written may be seen a moment later. Milliseconds. */
const looks = [0, 100, 300, 900, 2_000];

/** What stands there after the write; where it does not come to be what was written, what was seen last. */
export async function readBackEntry(
  { entries }: EntryTools,
  principalArn: string,
  { change }: Target,
  pause: (ms: number) => Promise<unknown>,
): Promise<{ readonly entry: AccessEntry | null; readonly isAsWanted: boolean }> {
  let entry: AccessEntry | null = null;
  for (const ms of looks) {
    if (ms > 0) await pause(ms);
    entry = await entries.describe(principalArn);
    if (holdsExactly(entry, change.type === "map" ? change : null)) return { entry, isAsWanted: true };
  }
  return { entry, isAsWanted: false };
}
