import { setTimeout as wait } from "node:timers/promises";
import { requestIds } from "../audit/request-ids.ts";
import { AccessError } from "../failure/access-error.ts";
import { dueWork, hasDueWork, orphansOf } from "../grant/due-work.ts";
import type { ClusterClient } from "../kubernetes/cluster-client.ts";
import type { AwsAuthConfigMap } from "../kubernetes/config-map.ts";
import { step } from "../metrics/steps.ts";
import type { Cluster } from "../policy/cluster.ts";
import { type AccessRequest, isClosed } from "../request/request.ts";
import { tracedRun } from "../tracing/request-traces.ts";
import { type ClusterState, readClusterState } from "./cluster-state.ts";
import type { WorkerContext } from "./context.ts";
import { noteReplayed, noteUntrusted } from "./distrust.ts";
import { inParallel } from "./in-parallel.ts";
import { type OpenedCluster, openCluster } from "./open-cluster.ts";
import { beginWrite, fail, putOff, voidApproval } from "./outcome.ts";
import { wakeCluster } from "./queues.ts";
import { recordOutcomes } from "./record-outcomes.ts";
import { rememberWithdrawals } from "./remember-withdrawals.ts";
import { isReplayed, type Settlement, type SettlementResult, settle } from "./settle.ts";
import { fenceOffWrites, needsWrite, rehearseWrite, writeDocument } from "./write-document.ts";

const writeAttempts = 5;

/**
 * Why a run looks at a cluster: something is due in the ledger, it is time to see what others did there, or something
 * may stand there of which the ledger does not speak, as after a run that died.
 */
export type ReconcileReason = "due" | "inspect" | "adopt";

/**
 * Makes one cluster match the ledger: gathers all that is due, decides once, writes once, proves each grant, writes
 * each outcome. It may run twice, late or after a crash: what stands in the cluster and in the ledger is looked at
 * again each time.
 */
export async function reconcileCluster(
  worker: WorkerContext,
  cluster: Cluster,
  reason: ReconcileReason = "due",
): Promise<void> {
  const context = { ...worker, awsRequests: requestIds(), auditIds: requestIds() };
  const work = dueWork(await context.ledger.openOf(cluster.name), context.now());
  const due = [...work.arriving, ...work.leaving];
  if (reason === "due" && !hasDueWork(work, context.now())) return;
  if (reason === "inspect" && due.length === 0 && work.staying.length === 0) return;
  const forWhom = due.length > 0 ? due : work.staying;
  const about = { "eks_access.cluster": cluster.name, "eks_access.reason": reason };
  await tracedRun(context, `reconcile ${cluster.name}`, about, forWhom, (running) =>
    run(running, cluster, reason, due, forWhom),
  );
}

/** One run, which opens the cluster for some requests and puts off what is due where that fails. */
async function run(
  context: WorkerContext,
  cluster: Cluster,
  reason: ReconcileReason,
  due: readonly AccessRequest[],
  forWhom: readonly AccessRequest[],
): Promise<void> {
  const stopClock = context.metrics?.runSeconds.startTimer({ reason });
  let open: OpenedCluster | null = null;
  try {
    open = await (context.openCluster ?? openCluster)(context, cluster, forWhom);
    await reconcileOpen(context, cluster, open);
  } catch (error) {
    if (error instanceof AccessError && error.code === "record-changed") {
      return await wakeCluster(context.queues, "reconcile", cluster.name);
    }
    context.log.warn({ cluster: cluster.name, requests: idsOf(forWhom), err: error }, "reconcile failed");
    await inParallel(due, (request) => putOff(context, request, error));
  } finally {
    open?.close();
    stopClock?.();
  }
}

function idsOf(requests: readonly AccessRequest[]): readonly string[] {
  return requests.map(({ id }) => id);
}

/** A 409 means that somebody else wrote after we read: everything from the GET again, a bounded number of times. */
async function reconcileOpen(context: WorkerContext, cluster: Cluster, opened: OpenedCluster): Promise<void> {
  const { client } = opened;
  for (let attempt = 1; ; attempt += 1) {
    const open = await context.ledger.openOf(cluster.name);
    const state = await readClusterState(opened, cluster, context.sealKeys, open);
    if (state.untrusted && attempt === 1) {
      await noteUntrusted(context, cluster, open, state.untrusted);
      continue;
    }
    const { arriving, staying } = dueWork(open, context.now());
    const replayed = [...arriving, ...staying].filter((request) => isReplayed(request, state, context.sealKeys));
    if (replayed.length > 0 && attempt < writeAttempts) {
      await inParallel(replayed, (request) => noteReplayed(context, request));
      continue;
    }
    if (await haveChanged(context, open)) {
      if (attempt < writeAttempts) continue;
      throw new AccessError("record-changed", `The grants of ${cluster.name} do not stop changing`);
    }
    const now = context.now();
    const closed = await closedAmong(context, state, open);
    const known = { cluster, work: dueWork(open, now), state, closed, sealKeys: context.sealKeys, now };
    const decided = await step("plan", async () => settle(known));
    try {
      const outcome = await carryOut(context, cluster, client, state, open, decided);
      if (outcome === "carried out") return;
      if (attempt >= writeAttempts)
        throw new AccessError("cluster-conflict", `Somebody deletes aws-auth of ${cluster.name} again and again`);
    } catch (error) {
      const again = error instanceof AccessError && error.code === "cluster-conflict" && attempt < writeAttempts;
      if (!again) throw error;
      context.metrics?.conflicts.inc({ cluster: cluster.name });
      await (context.pause ?? wait)(Math.random() * 50 * 2 ** attempt);
    }
  }
}

async function carryOut(
  context: WorkerContext,
  cluster: Cluster,
  client: ClusterClient,
  state: ClusterState,
  open: readonly AccessRequest[],
  decided: SettlementResult,
): Promise<"carried out" | "created"> {
  if (decided.type === "refused") {
    await rememberWithdrawals(context, cluster, client, state, decided.content);
    const voided = new Set(decided.voided.map((each) => each.request.id));
    for (const each of decided.voided) await voidApproval(context, each.request, each.message);
    const { arriving, leaving } = dueWork(open, context.now());
    for (const request of [...arriving, ...leaving]) {
      if (!voided.has(request.id)) await fail(context, request, decided.refusal);
    }
    return "carried out";
  }
  const { settlement } = decided;
  const isWrite = needsWrite(state, cluster, settlement, context.sealKeys);
  if (isWrite && !state.configMap) {
    // What we write always comes with a resourceVersion: a create that arrives late can't bring anything back.
    await client.createAwsAuth({ data: {}, annotations: {} });
    return "created";
  }
  if (isWrite) await rehearseWrite(client, cluster, state, settlement, context.sealKeys);
  const granted = isWrite ? await beginWrites(context, settlement.granted) : settlement.granted;
  if (isWrite) context.metrics?.writes.inc({ cluster: cluster.name });
  const written = await writeDocument(client, cluster, state, settlement, context.sealKeys);
  const readBack =
    written && !isWrite && takesBack(settlement) ? await fenceOff(context, cluster, client, written) : written;
  for (const { request, message } of settlement.voided) await voidApproval(context, request, message);
  for (const { request, refusal } of [...settlement.refused, ...settlement.stuck])
    await fail(context, request, refusal);
  await recordOutcomes(context, cluster, client, { settlement, granted, readBack });
  return "carried out";
}

/** One that comes to no end may arrive when nothing is due here any more: somebody has to look, and clear it away. */
async function fenceOff(
  { queues }: WorkerContext,
  { name }: Cluster,
  client: ClusterClient,
  configMap: AwsAuthConfigMap,
): Promise<AwsAuthConfigMap> {
  try {
    return await fenceOffWrites(client, configMap);
  } catch (error) {
    await wakeCluster(queues, "adopt", name).catch(() => {});
    throw error;
  }
}

/** Whether something that may have been written, or be about to be written by another run, is told to be gone. */
function takesBack({ leaving, voided }: Settlement): boolean {
  const back = [...leaving, ...voided.map((each) => each.request)];
  return back.some(({ grant }) => grant?.writeBegan != null);
}

/** The ledger must know of a write before it is sent. */
function beginWrites(context: WorkerContext, granted: readonly AccessRequest[]): Promise<AccessRequest[]> {
  return inParallel(granted, (request) => beginWrite(context, request));
}

/**
 * Whether a grant has changed since its record was read. The document, read in between, would then be newer than the
 * records, and what another run has just taken away would pass for drift, and be put back or remembered. From here on
 * the resourceVersion keeps watch: no grant is over without a write.
 */
async function haveChanged({ ledger }: WorkerContext, before: readonly AccessRequest[]): Promise<boolean> {
  const granted = before.filter(({ grant }) => grant);
  const now = await ledger.versions(granted.map(({ id }) => id));
  return granted.some(({ id, version }) => now.get(id) !== version);
}

/** The ids that the annotation names and that the ledger knows to be over; those of `open` are not. */
async function closedAmong(
  { ledger }: WorkerContext,
  { holdings }: ClusterState,
  open: readonly AccessRequest[],
): Promise<ReadonlySet<string>> {
  const orphans = [...holdings.values()].flatMap((holding) => orphansOf(holding, open));
  const known = await inParallel(orphans, ({ id }) => ledger.get(id));
  return new Set(known.flatMap((request) => (request && isClosed(request) ? [request.id] : [])));
}
