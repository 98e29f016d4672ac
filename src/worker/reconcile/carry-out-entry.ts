import { setTimeout as wait } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { AccessError, hasCode } from "../../access/access-error.ts";
import { anotherWriter, readBackDiffers } from "../../access/lease/drift.ts";
import { type EntryTarget, entryTarget } from "../../access/lease/holding.ts";
import { sealedClusterOf } from "../../access/policy/cluster.ts";
import { accessPolicies, kubernetesGroups } from "../../access/policy/policy-text.ts";
import { isIdentityCenterRole } from "../../access/principal.ts";
import {
  type AccessEntry,
  identityOfEntry,
  isAsPlanned,
  isWithoutOurTags,
  planEntry,
  readHoldingTags,
  writeHoldingTags,
} from "../../access-entry/index.ts";
import { measuredStep } from "../../operations/announcements.ts";
import type { WorkerContext } from "../context.ts";
import {
  type CalledEntry,
  callsFor,
  type EntryProgress,
  type EntryTools,
  madeMeanwhile,
  refuseOvertaken,
  send,
  sendAll,
  situationOf,
} from "./send-entry-calls.ts";

/** EKS has no versions: it reads right before and after. @returns the ARN as EKS knows it @throws `access-entry-conflict` */
async function carryOutEntry(tools: EntryTools, target: EntryTarget, progress: EntryProgress): Promise<string> {
  const { entries, state } = tools;
  const seen = state.entries.get(target.change.arn.toLowerCase());
  if (!seen) return makeEntry(tools, target, progress);
  await refuseChanged(tools, seen, await entries.describe(seen.principalArn));
  // UpdateAccessEntry sets all groups, without a condition: what others change after this look is lost.
  const lookAgain = async () => {
    const claimed = progress.sentTo;
    progress.sentTo = null;
    await refuseChanged(tools, seen, await entries.identityOf(seen.principalArn));
    progress.sentTo = claimed;
  };
  await sendAll(tools, seen, callsFor(tools, target), progress, lookAgain);
  return seen.principalArn;
}

async function refuseChanged(tools: EntryTools, seen: AccessEntry, now: Partial<AccessEntry> | null): Promise<void> {
  if (now && isDeepStrictEqual({ ...seen, ...now }, seen)) return;
  await refuseOvertaken(tools);
  throw new AccessError("access-entry-conflict", anotherWriter("changed", `the access entry of ${seen.principalArn}`));
}

/** EKS refused a call after others, for example an unknown access policy. @returns whether nothing of them is left */
async function takeBack(tools: EntryTools, { change, holding }: EntryTarget, sentTo: CalledEntry): Promise<boolean> {
  if (!holding || change.type === "unmap") return false;
  const { state, cluster, keys, plannedAt } = tools;
  const key = change.arn.toLowerCase();
  const before = state.holdings.get(key)?.shares ?? [];
  const kept = holding.shares.filter(({ id }) => before.some((share) => share.id === id));
  const target = entryTarget(change.arn, change, holding, kept, change.username);
  const place = sealedClusterOf(cluster);
  const present = state.entries.get(key);
  const madeAt = present?.createdAt ?? plannedAt.toISOString();
  // EKS can show an earlier form of it, so this is the form after all of the calls.
  const entry = {
    ...{ type: "STANDARD", username: change.username, ...present, ...sentTo },
    ...{ groups: kubernetesGroups(change.groups), policies: accessPolicies(change.groups) },
    tags: { ...present?.tags, ...writeHoldingTags(place, holding, keys, { madeAt }) },
  };
  const situation = { cluster: place, principalArn: entry.principalArn, held: holding, openSince: null };
  return sendAll(tools, entry, planEntry({ ...situation, entry, now: plannedAt }, target, keys)).then(
    () => true,
    () => false,
  );
}

/** People can make an entry again between two calls, and the later call gives theirs what no tag claims: it must not stay. */
async function leaveToOthers(tools: EntryTools, { change, holding }: EntryTarget, principalArn: string): Promise<void> {
  const place = sealedClusterOf(tools.cluster);
  try {
    const entry = holding && (await tools.entries.describe(principalArn));
    if (!entry || readHoldingTags(place, change.arn, entry, tools.keys).type === "holding") return;
    const target = entryTarget(change.arn, identityOfEntry(entry, holding), holding, [], entry.username);
    const situation = { cluster: place, principalArn, entry, held: holding, openSince: null, now: tools.plannedAt };
    await sendAll(tools, entry, planEntry(situation, target, tools.keys));
  } catch (error) {
    // The write has failed already, and this is for its next try too.
    if (!(error instanceof AccessError)) throw error;
  }
}

/** Only IAM knows a role's path. At most one of its possible ARNs exists, and EKS refuses all others. */
async function makeEntry(tools: EntryTools, target: EntryTarget, progress: EntryProgress): Promise<string> {
  const arns = possibleArns(target.change.arn, tools.cluster.accessEntries.rolePaths);
  for (const [index, arn] of arns.entries()) {
    try {
      let about: CalledEntry = { principalArn: arn, arn: "" };
      const calls = [...callsFor(tools, target, arn)];
      for (let call = calls.shift(); call; call = calls.shift()) {
        about = await send(tools, about, call);
        progress.sentTo = about;
        if (call.type !== "create") continue;
        // By EKS' clock: where ours is far from it, the tags get the time of the entry.
        const entry = { ...call.entry, ...about, type: "STANDARD", policies: [] };
        calls.splice(0, calls.length, ...planEntry({ ...situationOf(tools, target, arn), entry }, target, tools.keys));
      }
      return arn;
    } catch (error) {
      const isNobody = progress.sentTo === null && hasCode(error, "access-entry-refused");
      // A failed lease must leave nothing: what EKS made and yet refused is for the next look.
      if (isNobody && (await tools.entries.describe(arn))) throw madeMeanwhile(arn);
      if (!isNobody || index === arns.length - 1) throw error;
    }
  }
  return target.change.arn;
}

function possibleArns(arn: string, rolePaths: readonly string[]): readonly string[] {
  if (!arn.includes(":role/")) return [arn];
  const isOfAws = isIdentityCenterRole(arn);
  const paths = rolePaths.filter((path) => path !== "/" && path.startsWith("/aws-reserved/") === isOfAws);
  return [arn, ...paths.map((path) => arn.replace(":role/", `:role${path}`))];
}

/** Entries are eventually consistent (EKS User Guide): a write can become visible later. Milliseconds. */
const looks = [0, 100, 300, 900, 2_000];

/** The entry after the write, or the last one seen if it never matches. */
async function readBackEntry(
  tools: EntryTools,
  principalArn: string,
  target: EntryTarget,
  pause: (ms: number) => Promise<unknown>,
): Promise<{ readonly entry: AccessEntry | null; readonly isAsWanted: boolean }> {
  const situation = situationOf(tools, target);
  let entry: AccessEntry | null = null;
  for (const ms of looks) {
    if (ms > 0) await pause(ms);
    entry = await tools.entries.describe(principalArn);
    if (isAsPlanned(situation, target, tools.keys, entry)) return { entry, isAsWanted: true };
  }
  // Who may only tag must not make a lease of ours look like others' access: its record remembers the lease too.
  return { entry, isAsWanted: isWithoutOurTags(situation, target, tools.keys, entry) };
}

export interface EntryWritten {
  readonly entry: AccessEntry | null;
  readonly failure: unknown;
  /** Whether the entry can have a part of a write that failed. */
  readonly isPartial: boolean;
  /** Milliseconds from the first call until it was visible; null: nothing was written. */
  readonly tookMs: number | null;
}

/** Returns a failure, because it concerns only this principal. */
export async function writeEntry(
  context: WorkerContext,
  tools: EntryTools,
  target: EntryTarget,
): Promise<EntryWritten> {
  const present = tools.state.entries.get(target.change.arn.toLowerCase()) ?? null;
  if (callsFor(tools, target).length === 0) return { entry: present, failure: null, isPartial: false, tookMs: null };
  const began = context.now().getTime();
  const about = { cluster: tools.cluster.name, principal: target.change.arn };
  const progress: EntryProgress = { sentTo: null };
  context.metrics?.writes.inc({ cluster: tools.cluster.name, way: "access-entry" });
  try {
    const arn = await measuredStep("put", () => carryOutEntry(tools, target, progress));
    const readBack = () => readBackEntry(tools, arn, target, context.pause ?? wait);
    const { entry, isAsWanted } = await measuredStep("read-back", readBack);
    const tookMs = context.now().getTime() - began;
    if (isAsWanted) {
      context.failures.over("could not write an access entry", about);
      return { entry, failure: null, isPartial: false, tookMs };
    }
    await leaveToOthers(tools, target, arn);
    const what = readBackDiffers(`the access entry of ${arn}`);
    return { entry, failure: new AccessError("access-entry-conflict", what), isPartial: true, tookMs };
  } catch (failure) {
    context.failures.failed("could not write an access entry", about, failure);
    const { sentTo } = progress;
    const isPartial =
      sentTo !== null && !(hasCode(failure, "access-entry-refused") && (await takeBack(tools, target, sentTo)));
    if (sentTo && hasCode(failure, "access-entry-conflict")) await leaveToOthers(tools, target, sentTo.principalArn);
    return { entry: present, failure, isPartial, tookMs: null };
  }
}
