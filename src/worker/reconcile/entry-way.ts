import { AccessError } from "../../access/access-error.ts";
import { begunHoldings, forPrincipals } from "../../access/lease/cluster-leases.ts";
import { type Withdrawals, withdrawalTagChanges } from "../../access/lease/withdrawal.ts";
import { sealedClusterOf } from "../../access/policy/cluster.ts";
import type { AccessRequest } from "../../access/record.ts";
import { identityOfEntry } from "../../access-entry/index.ts";
import type { AccessEntries } from "../../aws/access-entries.ts";
import { measuredStep } from "../../operations/announcements.ts";
import { inParallel } from "../../operations/parallel.ts";
import type { WorkerContext } from "../context.ts";
import type { OpenedCluster } from "../open-cluster.ts";
import { type EntryWritten, writeEntry } from "./carry-out-entry.ts";
import { type EntriesToRead, type EntryState, readEntryState } from "./entry-state.ts";
import { inEntries } from "./prove.ts";
import { callsFor, type EntryTools, openSinceOf } from "./send-entry-calls.ts";
import { type EntrySettlement, lateCallDoubt, previewByEntry, settleEntries } from "./settle-entries.ts";
import { forgottenBy } from "./targets.ts";
import type { Outcomes, Prepared, Settlement, WayAdapter, WayContext, WriteFailure } from "./way-adapter.ts";
import { recordSentAgain } from "./write-begun.ts";

interface Place extends WayContext {
  readonly opened: OpenedCluster & { readonly entries: AccessEntries };
  readonly isTaken: (request: AccessRequest) => boolean;
  readonly which: EntriesToRead;
}

export type EntryWay = WayAdapter<EntryState, EntrySettlement>;

/** By access entries: one for each principal, changed call by call. A failure concerns only its principal. */
export function entryWay({ context, cluster, opened, isTaken, which }: Place): EntryWay {
  const { keys, ledger } = context;
  let run = "";
  const begin = async () => {
    run = await ledger.beginRun(cluster.name);
  };
  const isNewest = () => ledger.isNewestRun(cluster.name, run);
  return {
    way: "access-entry",
    isTaken,
    begin,
    read: (open) =>
      measuredStep("read", () => readEntryState(opened, cluster, keys, open, { which, now: context.now() })),
    preview: (state, requested) => previewByEntry(cluster, keys.memory, state, requested),
    *settle(input) {
      yield;
      return settleEntries(input);
    },
    prepare: async (state, settlement) => {
      const plannedAt = context.now();
      const begun = begunIn(settlement, plannedAt);
      // Such calls only remove, so they give again what is complete.
      const beforeUnclaimed = async (principal: string) => {
        const given = forPrincipals(new Set([principal.toLowerCase()]), settlement.complete);
        await inParallel(given, (request) => recordSentAgain(context, request));
      };
      const rest = { keys: keys.memory, begun, plannedAt, isNewest, clock: context.now, beforeUnclaimed };
      return prepare(context, { entries: opened.entries, cluster, state, ...rest }, settlement);
    },
  };
}

type WayTools = EntryTools & { readonly state: EntryState };

/** By lower-case ARN: calls that earlier runs may have sent, for entries that will exist. */
function begunIn({ leased, repaired, ending, voided, targets }: EntrySettlement, now: Date) {
  const all = [...leased, ...repaired, ...ending, ...voided.map((each) => each.request)];
  const isMade = (request: AccessRequest) => targets.get(request.principal.toLowerCase())?.change.type === "map";
  return begunHoldings(
    all.filter((request) => mayHaveBeenSent(request) && isMade(request)),
    now,
  );
}

/** A lease in aws-auth was never sent to EKS. */
function mayHaveBeenSent({ lease }: AccessRequest): boolean {
  return lease?.state === "active" ? lease.written?.way === "access-entry" : lease?.writeBegan != null;
}

/** EKS has no dry run, so the plan checks all that it can first. */
function prepare(context: WorkerContext, tools: WayTools, { targets, withdrawals }: EntrySettlement): Prepared {
  return {
    type: "ready",
    isSentFor: ({ principal }) => {
      const target = targets.get(principal.toLowerCase());
      return target !== undefined && callsFor(tools, target).length > 0;
    },
    send: async () => {
      const { isForgotten, tidyUp } = await rememberInTags(context, tools, withdrawals);
      const written = await inParallel([...targets], async ([key, target]) => {
        return [key, await writeEntry(context, tools, target)] as const;
      });
      await tidyUp();
      return { ...outcomesOf(context, tools, targets, new Map(written)), isForgotten };
    },
  };
}

function outcomesOf(
  { now }: WorkerContext,
  tools: WayTools,
  targets: Settlement["targets"],
  written: ReadonlyMap<string, EntryWritten>,
): Omit<Outcomes, "isForgotten"> {
  const { state } = tools;
  const entryOf = (key: string) => (written.get(key) ?? { entry: state.entries.get(key) ?? null }).entry;
  return {
    failureOf: (principal) => failureOf(written.get(principal.toLowerCase())),
    readBackOf: (principal) => {
      const key = principal.toLowerCase();
      const holding = targets.get(key)?.holding ?? undefined;
      return inEntries(entryOf(key), holding, principal, written.get(key)?.tookMs ?? null);
    },
    remainsOf: (principal) => identityOfEntry(entryOf(principal.toLowerCase()), undefined),
    whyStillThere: (request) => {
      const key = request.principal.toLowerCase();
      const hasEntry = state.entries.has(key) && !state.unclaimed.has(key);
      return lateCallDoubt(request, { hasEntry, openSince: openSinceOf(tools, key) }, now());
    },
  };
}

const kinds: Readonly<Record<string, WriteFailure["kind"]>> = {
  "access-entry-conflict": "conflict",
  "access-entry-refused": "refused",
};

/** A refusal closes a lease at once, so only one that left nothing counts as such. */
function failureOf(written: EntryWritten | undefined): WriteFailure | null {
  const { failure: error = null, isPartial = false } = written ?? {};
  if (error === null) return null;
  const kind = (error instanceof AccessError ? kinds[error.code] : undefined) ?? "failed";
  return { kind: kind === "refused" && isPartial ? "failed" : kind, error };
}

/** Before their removal: a process that dies in between leaves nothing that could be given again. A failure keeps no access. */
async function rememberInTags(
  { log, now }: WorkerContext,
  { entries, cluster, state, keys }: WayTools,
  withdrawals: Withdrawals,
): Promise<Pick<Outcomes, "isForgotten"> & { readonly tidyUp: () => Promise<void> }> {
  const { wanted, stale } = withdrawalTagChanges(sealedClusterOf(cluster), state.tags, withdrawals, keys);
  const tidyUp = async () => {
    if (stale.length === 0) return;
    await entries.untagCluster(stale).catch((error: unknown) => {
      log.warn({ cluster: cluster.name, err: error }, "could not remove ended leases from the cluster's tags");
    });
  };
  try {
    if (Object.keys(wanted).length > 0) await entries.tagCluster(wanted);
    return { isForgotten: () => false, tidyUp };
  } catch (error) {
    log.error({ cluster: cluster.name, err: error }, "the cluster can't remember a revocation");
    return { isForgotten: forgottenBy(state.withdrawals, now), tidyUp };
  }
}
