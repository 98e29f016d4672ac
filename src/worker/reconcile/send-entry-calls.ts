import { AccessError, hasCode } from "../../access/access-error.ts";
import { anotherWriter } from "../../access/lease/drift.ts";
import type { EntryTarget } from "../../access/lease/holding.ts";
import { isOwnUsername } from "../../access/lease/lease.ts";
import type { Holding } from "../../access/lease/lease-record.ts";
import { type Cluster, sealedClusterOf } from "../../access/policy/cluster.ts";
import { withoutRolePath } from "../../access/principal.ts";
import type { MemoryKeys } from "../../access/seal.ts";
import {
  type AccessEntry,
  type EntryCall,
  type EntrySituation,
  planEntry,
  planMs,
  unionOf,
} from "../../access-entry/index.ts";
import type { AccessEntries } from "../../aws/access-entries.ts";
import type { EntriesSeen } from "./entry-state.ts";
import { overtaken } from "./way-adapter.ts";

export interface EntryTools {
  readonly entries: AccessEntries;
  readonly cluster: Cluster;
  readonly state: EntriesSeen;
  readonly keys: MemoryKeys;
  /** By lower-case ARN: calls that earlier runs may have sent, for entries that do not exist yet. */
  readonly begun: ReadonlyMap<string, Holding>;
  /** Ids of shares that only the ledger remembers. Another run can have ended their leases since: no claim brings them back. */
  readonly lost?: ReadonlySet<string>;
  readonly plannedAt: Date;
  /** Whether this is still the newest run. An older run must change nothing that a newer one can have read. */
  readonly isNewest: () => Promise<boolean>;
  readonly clock: () => Date;
  /** Called before calls that no tag claims: one can arrive late, and give other leases of the principal again. */
  readonly beforeUnclaimed: (principal: string) => Promise<void>;
}

/** The remaining calls; empty: the entry is as planned. */
export function callsFor(tools: EntryTools, target: EntryTarget, arn?: string): readonly EntryCall[] {
  return planEntry(situationOf(tools, target, arn), target, tools.keys);
}

export function situationOf(tools: EntryTools, { change }: EntryTarget, arn?: string): EntrySituation {
  const { cluster, state, lost, plannedAt } = tools;
  const key = change.arn.toLowerCase();
  const entry = state.entries.get(key) ?? null;
  const principalArn = arn ?? entry?.principalArn ?? change.arn;
  const holding = state.holdings.get(key);
  // Others can have deleted an entry that our records remember, while a call for another lease is on its way.
  const sent = entry ? undefined : tools.begun.get(key);
  const known = holding && { ...holding, shares: holding.shares.filter(({ id }) => !lost?.has(id)) };
  const held = known && sent ? unionOf(sent, known) : (known ?? sent);
  const openSince = openSinceOf(tools, key);
  return { cluster: sealedClusterOf(cluster), principalArn, entry, held, openSince, now: plannedAt };
}

/** ISO 8601; null: none. An absent entry does not show which calls EKS answered. @param key the ARN in lower case */
export function openSinceOf({ state, begun, plannedAt }: EntryTools, key: string): string | null {
  const isUnseen = !state.entries.has(key) && begun.has(key);
  return state.openSince.get(key) ?? (isUnseen ? plannedAt.toISOString() : null);
}

export type CalledEntry = Pick<AccessEntry, "principalArn" | "arn" | "createdAt">;

/** About which entry EKS has answered a call; null: about none, so that a refusal leaves nothing. */
export type EntryProgress = { sentTo: CalledEntry | null };

/** @throws AccessError also where all was removed, but EKS takes no tags */
export async function sendAll(
  tools: EntryTools,
  about: CalledEntry,
  calls: readonly EntryCall[],
  progress: EntryProgress = { sentTo: null },
  lookAgain?: () => Promise<void>,
): Promise<void> {
  let untagged: AccessError | null = null;
  for (const call of calls) {
    const isTag = call.type === "tag" || call.type === "untag";
    if (isTag && untagged) continue;
    try {
      if (call.type === "set-groups" && call !== calls[0]) await lookAgain?.();
      progress.sentTo = await send(tools, about, call);
    } catch (error) {
      const isOptional = call.type === "tag" && call.isOptional;
      if (!isOptional || !(error instanceof AccessError) || error.code === "access-entry-conflict") throw error;
      untagged = error;
      await tools.beforeUnclaimed(withoutRolePath(about.principalArn));
    }
  }
  if (untagged) throw untagged;
}

export async function refuseOvertaken({ isNewest, cluster }: EntryTools): Promise<void> {
  if (await isNewest()) return;
  throw new AccessError("access-entry-conflict", `Another run has begun to change ${cluster.name}`, overtaken);
}

/** @returns the entry of the call, with its ARN and time if the call made it */
export async function send(tools: EntryTools, about: CalledEntry, call: EntryCall): Promise<CalledEntry> {
  const { entries, plannedAt, clock } = tools;
  // Checked between a claim and its call too, because a later run reads the claim.
  await refuseOvertaken(tools);
  // The process can stop for a while, and other runs can end meanwhile.
  if (clock().getTime() > plannedAt.getTime() + planMs) {
    throw new AccessError("access-entry-conflict", `The plan for the access entry of ${about.principalArn} is too old`);
  }
  if (call.type === "create") return { ...about, ...(await entries.create(call.entry)) };
  await change(entries, about, call);
  return about;
}

function change(
  entries: AccessEntries,
  about: CalledEntry,
  call: Exclude<EntryCall, { type: "create" }>,
): Promise<void> {
  const { principalArn } = about;
  switch (call.type) {
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
      return remove(entries, principalArn);
  }
}

/** AWS keeps an entry that others made again meanwhile, by its username: that is another writer, and no lack of rights. */
async function remove(entries: AccessEntries, arn: string): Promise<void> {
  await entries.remove(arn).catch(async (error: unknown) => {
    const present = hasCode(error, "access-entry-denied") ? await entries.describe(arn) : null;
    if (!present || isOwnUsername(present.username)) throw error;
    throw madeMeanwhile(arn);
  });
}

export function madeMeanwhile(arn: string): AccessError {
  return new AccessError("access-entry-conflict", anotherWriter("made", `the access entry of ${arn}`));
}
