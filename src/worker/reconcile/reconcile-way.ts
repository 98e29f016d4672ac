import { setTimeout as wait } from "node:timers/promises";
import { AccessError } from "../../access/failure/access-error.ts";
import { dueWork, idsOf, orphansOf, sealedEnd, shareIn } from "../../access/lease/due-work.ts";
import type { Cluster } from "../../access/policy/cluster.ts";
import { placeIn } from "../../access/request/lists.ts";
import type { AccessRequest, ApprovedRequest, Holding } from "../../access/request/record.ts";
import { sealedLinksOf } from "../../ledger/sealed-links.ts";
import { step } from "../../operations/metrics/steps.ts";
import type { WorkerContext } from "../context.ts";
import { inParallel } from "../in-parallel.ts";
import type { OpenedCluster } from "../open/open-cluster.ts";
import { noteReplayed, noteUntrusted, recordsOfBefore, withoutEndedMemories } from "./old-records.ts";
import { beginWrite, end, noteDrift } from "./outcome.ts";
import { proveEnd } from "./prove-end.ts";
import { recordOutcomes } from "./record-outcomes.ts";
import type { Settlement, WayAdapter, WayState } from "./way-adapter.ts";

const attempts = 5;

/**
 * Makes what stands in a cluster one way match the ledger: reads, decides, writes, reads back, proves, and records what
 * became of each lease. Where somebody else's change came in between, everything from the reading again, a bounded
 * number of times.
 */
export async function reconcileWay<State extends WayState, Decided extends Settlement>(
  context: WorkerContext,
  cluster: Cluster,
  opened: OpenedCluster,
  adapter: WayAdapter<State, Decided>,
  { onlyEnds = false }: { readonly onlyEnds?: boolean } = {},
): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    const isLast = attempt >= attempts;
    const result = await tryOnce({ context, cluster, opened, adapter, attempt, isLast, onlyEnds });
    if (result === "done") return;
    if (result === "conflict") await (context.pause ?? wait)(Math.random() * 50 * 2 ** attempt);
  }
}

interface Attempt<State extends WayState, Decided extends Settlement> {
  readonly context: WorkerContext;
  readonly cluster: Cluster;
  readonly opened: OpenedCluster;
  readonly adapter: WayAdapter<State, Decided>;
  readonly attempt: number;
  readonly isLast: boolean;
  /** Nothing begins. What a run that died has written already is looked at as ever. */
  readonly onlyEnds: boolean;
}

/** `again`: what was read, or made, has to be read once more. `conflict`: the same, and somebody else is at work there. */
type Result = "done" | "again" | "conflict";

async function tryOnce<State extends WayState, Decided extends Settlement>(
  run: Attempt<State, Decided>,
): Promise<Result> {
  const { context, cluster, adapter, attempt, isLast } = run;
  await adapter.begin();
  const open = (await context.ledger.grantedOf(cluster.name)).filter(adapter.isTaken);
  const state = await read(context, adapter, open).catch((error: unknown) => recordAbsence(run, open, error));
  if (state.untrusted && attempt === 1) {
    await noteUntrusted(context, cluster, open, state.untrusted);
    return "again";
  }
  // First of all: what another run has just ended is no record of before.
  if (await haveChanged(context, open)) {
    if (!isLast) return "again";
    throw new AccessError("record-changed", `The leases of ${cluster.name} do not stop changing`);
  }
  const { arriving, staying } = dueWork(open, context.now());
  const replayed = await recordsOfBefore(context, [...arriving, ...staying], state);
  if (replayed.length > 0 && !isLast) {
    await inParallel(replayed, (request) => noteReplayed(context, request));
    return "again";
  }
  return carryOut(run, state, await decide(run, state, open)).catch((error: unknown) => {
    if (!(error instanceof AccessError) || error.code !== "cluster-conflict" || isLast) throw error;
    context.metrics?.conflicts.inc({ cluster: cluster.name, way: adapter.way });
    return "conflict";
  });
}

/** Reads what stands there once more where records remember what the log tells to have ended: their memory counts nothing. */
async function read<State extends WayState, Decided extends Settlement>(
  context: WorkerContext,
  adapter: WayAdapter<State, Decided>,
  open: readonly ApprovedRequest[],
): Promise<State> {
  const state = await adapter.read(open);
  const believed = await withoutEndedMemories(context, open, state);
  return believed.every((request, index) => request === open[index]) ? state : adapter.read(believed);
}

async function decide<State extends WayState, Decided extends Settlement>(
  { context, cluster, adapter, onlyEnds }: Attempt<State, Decided>,
  state: State,
  open: readonly ApprovedRequest[],
): Promise<Decided> {
  const { keys } = context;
  const { approvalGoodForSeconds } = context.config.timing;
  const now = context.now();
  const closed = await idsNotGrantedHere(context, state.holdings, open, adapter.isTaken);
  const due = dueWork(open, now);
  const isThere = (request: ApprovedRequest) => shareIn(state.holdings, request) !== undefined;
  const work = onlyEnds ? { ...due, arriving: due.arriving.filter(isThere) } : due;
  const approvers = [...work.arriving, ...work.staying].flatMap(({ approvals }) => approvals.map(({ by }) => by));
  const links = await sealedLinksOf(context.ledger, approvers, keys.decision);
  const known = { cluster, work, state, closed, keys, approvalGoodForSeconds, links, now };
  return step("plan", async () => adapter.settle(known));
}

async function carryOut<State extends WayState, Decided extends Settlement>(
  { context, cluster, opened, adapter, isLast }: Attempt<State, Decided>,
  state: State,
  decided: Decided,
): Promise<Result> {
  const prepared = await adapter.prepare(state, decided);
  if (prepared.type === "again") {
    if (isLast) throw prepared.why;
    return "again";
  }
  // The ledger must know of a write before it is sent.
  const begun = await inParallel(decided.granted, (request) =>
    prepared.isSentFor(request) ? beginWrite(context, request) : Promise.resolve(request),
  );
  const outcomes = await prepared.send();
  const isConflict = (principal: string) => outcomes.failureOf(principal)?.kind === "conflict";
  const conflicts = isLast ? [] : [...decided.targets.keys()].filter(isConflict);
  const isDone = ({ principal }: ApprovedRequest) => !conflicts.includes(principal.toLowerCase());
  await recordOutcomes(context, cluster, opened, { way: adapter.way, decided, begun, outcomes, isDone });
  for (const _ of conflicts) context.metrics?.conflicts.inc({ cluster: cluster.name, way: adapter.way });
  return conflicts.length > 0 ? "conflict" : "done";
}

/**
 * Where the API server says that there is no document, nothing that is told as active is so any more, and what is to end is
 * over: a write that was planned on one that is gone names its resourceVersion, and is refused. @throws what was thrown
 */
async function recordAbsence<State extends WayState, Decided extends Settlement>(
  { context, cluster, opened }: Attempt<State, Decided>,
  open: readonly ApprovedRequest[],
  error: unknown,
): Promise<never> {
  if (error instanceof AccessError && error.code === "document-absent") {
    const { staying, leaving } = dueWork(open, context.now());
    await inParallel(staying, (request) => noteDrift(context, request, "there is no ConfigMap aws-auth"));
    const readBack = { identity: null, place: "aws-auth", seenAfterMs: null };
    await inParallel(leaving, async (request) => {
      const facts = { cluster, opened, request, readBack, inForce: [] };
      const proved = request.lease?.state === "active" ? await proveEnd(context, facts) : null;
      await end(context, request, null, isEarly(request, context.now()), proved);
    });
  }
  throw error;
}

/** What is taken back before its end can't be remembered where there is no document. */
function isEarly(request: ApprovedRequest, now: Date): boolean {
  return Date.parse(sealedEnd(request)) > now.getTime();
}

/**
 * Whether a lease has changed since its record was read. The cluster, read in between, would then be newer than the
 * records, and what another run has just taken away would pass for drift, and be put back or remembered; where the cluster
 * had no room to remember that it was taken back, nothing else tells. From here on the resourceVersion keeps watch over a
 * document: no lease is over without a write.
 */
async function haveChanged({ ledger }: WorkerContext, before: readonly ApprovedRequest[]): Promise<boolean> {
  const granted = before.filter(({ lease }) => lease);
  const now = await ledger.versions(granted.map(({ id }) => id));
  return granted.some(({ id, version }) => now.get(id) !== version);
}

/**
 * The ids that the cluster's own memory of one way names, and that the ledger knows not to be granted, or to be given the other
 * way: they are taken away. Those of `granted` are neither.
 */
async function idsNotGrantedHere(
  { ledger }: WorkerContext,
  holdings: ReadonlyMap<string, Holding>,
  granted: readonly ApprovedRequest[],
  isOfThisWay: (request: AccessRequest) => boolean,
): Promise<ReadonlySet<string>> {
  const ids = idsOf(granted);
  const orphans = [...holdings.values()].flatMap((holding) => orphansOf(holding, ids));
  const known = await inParallel(orphans, ({ id }) => ledger.get(id));
  const isOver = (request: AccessRequest) => placeIn("granted", request) === null || !isOfThisWay(request);
  return new Set(known.flatMap((request) => (request && isOver(request) ? [request.id] : [])));
}
