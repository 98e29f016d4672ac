import { parseDocument } from "../aws-auth/parse.ts";
import { AccessError } from "../failure/access-error.ts";
import { dueWork } from "../grant/due-work.ts";
import type { Holding } from "../grant/holding.ts";
import type { ClusterClient } from "../kubernetes/cluster-client.ts";
import type { AwsAuthConfigMap } from "../kubernetes/config-map.ts";
import { step } from "../metrics/steps.ts";
import type { Cluster } from "../policy/cluster.ts";
import type { AccessRequest } from "../request/request.ts";
import { placeOf } from "../tracing/request-traces.ts";
import { identityInDocument } from "./cluster-state.ts";
import type { WorkerContext } from "./context.ts";
import { inParallel } from "./in-parallel.ts";
import { activate, end, fail, noteDrift, putOff, voidApproval } from "./outcome.ts";
import { inDocument, prove } from "./prove.ts";
import type { RefusedSettlement, Settlement } from "./settle.ts";

/** What a run has done to the document. */
export interface Written {
  readonly settlement: Settlement;
  readonly granted: readonly AccessRequest[];
  /** As it was read after the write; null: there is none. */
  readonly readBack: AwsAuthConfigMap | null;
}

/** Proves each grant by what was read back, and records what came of each. */
export async function recordOutcomes(
  context: WorkerContext,
  cluster: Cluster,
  client: ClusterClient,
  written: Written,
): Promise<void> {
  const { settlement, granted, readBack } = written;
  const wanted = parseDocument(settlement.data);
  const found = parseDocument(readBack?.data ?? {});
  await inParallel([...granted, ...settlement.repaired], async (request) => {
    const proof = readBack
      ? await step(
          "prove",
          () => prove(client, cluster, request, inDocument(found, request), context.now),
          placeOf(context, request),
        )
      : undefined;
    await activate(context, request, proof, holdingOf(settlement, request));
  });
  await inParallel(settlement.leaving, async (request) => {
    const remains = identityInDocument(found, request.principal);
    const isGone = JSON.stringify(remains) === JSON.stringify(identityInDocument(wanted, request.principal));
    await (isGone ? end(context, request, remains) : putOff(context, request, changedAgain(cluster)));
  });
  await inParallel(settlement.drifted, ({ request, message }) => noteDrift(context, request, message));
  await inParallel(settlement.holding, (request) => noteDrift(context, request, null));
}

/** The document stays as it is: what is due waits or fails, and what is told as active may be so no more. */
export async function recordRefusal(
  context: WorkerContext,
  open: readonly AccessRequest[],
  { voided, drifted, refusal }: RefusedSettlement,
): Promise<void> {
  const gone = new Set(voided.map((each) => each.request.id));
  for (const each of voided) await voidApproval(context, each.request, each.message);
  const { arriving, leaving } = dueWork(open, context.now());
  for (const request of [...arriving, ...leaving]) {
    if (!gone.has(request.id)) await fail(context, request, refusal);
  }
  await inParallel(drifted, ({ request, message }) => noteDrift(context, request, message));
}

/** Where there is no ConfigMap, nothing that is told as active is so any more. @throws what was thrown */
export async function recordAbsence(
  context: WorkerContext,
  open: readonly AccessRequest[],
  error: unknown,
): Promise<never> {
  if (error instanceof AccessError && error.code === "document-absent") {
    const { staying } = dueWork(open, context.now());
    await inParallel(staying, (request) => noteDrift(context, request, "there is no ConfigMap aws-auth"));
  }
  throw error;
}

function holdingOf({ holdings }: Settlement, request: AccessRequest): Holding | undefined {
  return holdings.find((holding) => holding.arn.toLowerCase() === request.principal.toLowerCase());
}

function changedAgain(cluster: Cluster): AccessError {
  return new AccessError("cluster-conflict", `Somebody changed aws-auth of ${cluster.name} right after our write`);
}
