import { setTimeout as wait } from "node:timers/promises";
import { AccessError } from "../failure/access-error.ts";
import { dueWork } from "../grant/due-work.ts";
import type { ClusterClient } from "../kubernetes/cluster-client.ts";
import type { AwsAuthConfigMap } from "../kubernetes/config-map.ts";
import { step } from "../metrics/steps.ts";
import type { Cluster } from "../policy/cluster.ts";
import type { AccessRequest } from "../request/request.ts";
import { type ClusterState, readClusterState } from "./cluster-state.ts";
import type { WorkerContext } from "./context.ts";
import { noteReplayed, noteUntrusted } from "./distrust.ts";
import { haveChanged } from "./have-changed.ts";
import { inParallel } from "./in-parallel.ts";
import type { OpenedCluster } from "./open-cluster.ts";
import { beginWrite, fail, voidApproval } from "./outcome.ts";
import { overOrElsewhere } from "./over-or-elsewhere.ts";
import { wakeCluster } from "./queues.ts";
import { recordAbsence, recordOutcomes, recordRefusal } from "./record-outcomes.ts";
import { rememberWithdrawals } from "./remember-withdrawals.ts";
import { isReplayed, type Settlement, type SettlementResult, settle } from "./settle.ts";
import { fenceOffWrites, needsWrite, rehearseWrite, writeDocument } from "./write-document.ts";

const writeAttempts = 5;

/** A 409 means that somebody else wrote after we read: everything from the GET again, a bounded number of times. */
export async function reconcileDocument(
  context: WorkerContext,
  cluster: Cluster,
  opened: OpenedCluster,
  isOfDocument: (request: AccessRequest) => boolean,
): Promise<void> {
  const { client } = opened;
  for (let attempt = 1; ; attempt += 1) {
    const open = (await context.ledger.openOf(cluster.name)).filter(isOfDocument);
    const state = await readClusterState(opened, cluster, context.sealKeys, open).catch((error: unknown) =>
      recordAbsence(context, open, error),
    );
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
    const closed = await overOrElsewhere(context, state.holdings, open, isOfDocument);
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
    await recordRefusal(context, open, decided);
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
