import { setTimeout as wait } from "node:timers/promises";
import type { AccessEntry } from "../access-entry/entry.ts";
import type { AccessEntries } from "../aws/access-entries.ts";
import { AccessError } from "../failure/access-error.ts";
import { dueWork } from "../grant/due-work.ts";
import type { Target } from "../grant/holding.ts";
import { step } from "../metrics/steps.ts";
import type { Cluster } from "../policy/cluster.ts";
import type { AccessRequest } from "../request/request.ts";
import { callsFor, carryOutEntry, type EntryTools, readBackEntry } from "./carry-out-entry.ts";
import type { WorkerContext } from "./context.ts";
import { noteUntrusted } from "./distrust.ts";
import { readEntryState } from "./entry-state.ts";
import { haveChanged } from "./have-changed.ts";
import { inParallel } from "./in-parallel.ts";
import type { OpenedCluster } from "./open-cluster.ts";
import { beginWrite } from "./outcome.ts";
import { overOrElsewhere } from "./over-or-elsewhere.ts";
import { recordEntryOutcomes } from "./record-entry-outcomes.ts";
import { type EntrySettlement, settleEntries } from "./settle-entries.ts";
import type { Ways } from "./ways.ts";

const attempts = 5;

/** What became of one principal's entry. */
export interface EntryOutcome {
  /** As it was seen after the write. */
  readonly entry: AccessEntry | null;
  /** Null: it is what it must be. */
  readonly failure: unknown;
  /** From the first call to when it was seen, in milliseconds; null: nothing had to be written. */
  readonly tookMs: number | null;
}

/**
 * Makes the access entries of one cluster match the ledger. Where somebody changed an entry after it was read,
 * everything from the reading again, a bounded number of times: that principal's grants wait, and no other's.
 */
export async function reconcileEntries(
  context: WorkerContext,
  cluster: Cluster,
  opened: OpenedCluster & { readonly entries: AccessEntries },
  { wayOf }: Ways,
  whose: "all" | "requested" = "requested",
): Promise<void> {
  const isOfEntries = ({ principal }: AccessRequest) => wayOf(principal) === "access-entry";
  for (let attempt = 1; ; attempt += 1) {
    const all = await context.ledger.openOf(cluster.name);
    const open = all.filter(isOfEntries);
    const state = await step("read", () => readEntryState(opened.entries, cluster, context.sealKeys, open, whose));
    if (state.untrusted && attempt === 1) {
      await noteUntrusted(context, cluster, open, state.untrusted);
      continue;
    }
    if (await haveChanged(context, open)) {
      if (attempt < attempts) continue;
      throw new AccessError("record-changed", `The grants of ${cluster.name} do not stop changing`);
    }
    const now = context.now();
    const closed = await overOrElsewhere(context, state.holdings, open, isOfEntries);
    const { sealKeys } = context;
    const { creatorArn } = opened;
    const known = { cluster, creatorArn, work: dueWork(open, now), state, closed, sealKeys, now };
    const decided = await step("plan", async () => settleEntries(known));
    const tools = { entries: opened.entries, cluster, state, sealKeys };
    const isLast = attempt >= attempts;
    if (await carryOut(context, opened, tools, decided, isLast)) return;
    await (context.pause ?? wait)(Math.random() * 50 * 2 ** attempt);
  }
}

/** @returns whether it has come to an end; otherwise somebody changed an entry meanwhile */
async function carryOut(
  context: WorkerContext,
  opened: OpenedCluster,
  tools: EntryTools,
  decided: EntrySettlement,
  isLast: boolean,
): Promise<boolean> {
  const begun = await inParallel(decided.arriving, (request) => {
    const target = decided.targets.get(request.principal.toLowerCase());
    return target && callsFor(tools, target).length > 0 ? beginWrite(context, request) : Promise.resolve(request);
  });
  const targets = [...decided.targets];
  const outcomes = await inParallel(targets, async ([key, target]) => {
    return [key, await outcomeOf(context, tools, target)] as const;
  });
  const byPrincipal = new Map(outcomes);
  const isConflict = ({ failure }: EntryOutcome) =>
    failure instanceof AccessError && failure.code === "access-entry-conflict";
  const again = isLast ? [] : outcomes.filter(([, outcome]) => isConflict(outcome)).map(([key]) => key);
  for (const _ of again) context.metrics?.conflicts.inc({ cluster: tools.cluster.name });
  const isDone = ({ principal }: AccessRequest) => !again.includes(principal.toLowerCase());
  await recordEntryOutcomes(context, opened, tools, { decided, begun, outcomes: byPrincipal, isDone });
  return again.length === 0;
}

async function outcomeOf(context: WorkerContext, tools: EntryTools, target: Target): Promise<EntryOutcome> {
  const present = tools.state.entries.get(target.change.arn.toLowerCase()) ?? null;
  if (callsFor(tools, target).length === 0) return { entry: present, failure: null, tookMs: null };
  const began = context.now().getTime();
  context.metrics?.writes.inc({ cluster: tools.cluster.name });
  try {
    const arn = await step("put", () => carryOutEntry(tools, target));
    const readBack = () => readBackEntry(tools, arn, target, context.pause ?? wait);
    const { entry, isAsWanted } = await step("read-back", readBack);
    const tookMs = context.now().getTime() - began;
    if (isAsWanted) return { entry, failure: null, tookMs };
    const what = `The access entry of ${arn} in ${tools.cluster.name} is not what was written`;
    return { entry, failure: new AccessError("access-entry-conflict", what), tookMs };
  } catch (failure) {
    return { entry: present, failure, tookMs: null };
  }
}
