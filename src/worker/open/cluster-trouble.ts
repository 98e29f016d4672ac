import { createHash } from "node:crypto";
import { AccessError, type FailureCode } from "../../access/failure/access-error.ts";
import type { Cluster } from "../../access/policy/cluster.ts";
import type { AccessRequest } from "../../access/request/record.ts";
import { type ClusterTrouble, failureOf, hasNewCause, nextClusterTry } from "../../access/request/retry.ts";
import { withTrouble } from "../../access/request/transitions.ts";
import type { ClusterLedger, RequestLedger } from "../../ledger/ledger.ts";
import { recordChange } from "../../ledger/lifecycle.ts";
import type { WorkerContext } from "../context.ts";
import { inParallel } from "../in-parallel.ts";

/** These say that the API server was not reached, or did not let us in; the client finds out with its first call. */
const unreached: readonly FailureCode[] = ["cluster-unreachable", "cluster-unauthorized", "cluster-token-too-large"];

/** Whether a run failed before it could work on its cluster. */
export function isUnreached(error: unknown, isOpen: boolean): boolean {
  return !isOpen || (error instanceof AccessError && unreached.includes(error.code));
}

/**
 * Remembers that a cluster could not be worked on, and when that is tried again. The log has each cause once, with its stack:
 * the tries go on for as long as nobody corrects it.
 */
export async function noteTrouble(
  context: WorkerContext<ClusterLedger & RequestLedger>,
  cluster: Cluster,
  error: unknown,
): Promise<ClusterTrouble> {
  const { ledger, log, now } = context;
  const before = (await ledger.clusterTroubles([cluster.name])).get(cluster.name) ?? null;
  const moment = { now: now(), configuration: configurationOf(cluster), chance: Math.random() };
  const trouble = nextClusterTry(before, failureOf(error), moment);
  await ledger.setClusterTrouble(cluster.name, trouble);
  const about = { cluster: cluster.name, attempts: trouble.attempts, retryAt: trouble.retryAt };
  if (hasNewCause(before, trouble)) log.error({ ...about, err: error }, "the cluster can't be worked on");
  else log.debug({ ...about, code: trouble.code }, "the cluster still can't be worked on");
  return trouble;
}

/** The cluster can be worked on. What waited for that is tried now, and not at the end of its wait. */
export async function forgetTrouble(
  context: WorkerContext<ClusterLedger & RequestLedger>,
  cluster: Cluster,
): Promise<void> {
  const { ledger, log, now } = context;
  const trouble = (await ledger.clusterTroubles([cluster.name])).get(cluster.name);
  if (!trouble || trouble.overAt !== null) return;
  const at = now();
  await ledger.setClusterTrouble(cluster.name, { ...trouble, overAt: at.toISOString() });
  log.info({ cluster: cluster.name, since: trouble.since }, "the cluster can be worked on again");
  const waiting = [...(await ledger.grantedOf(cluster.name)), ...(await pendingOf(context, cluster))].filter(
    (request) => request.trouble && Date.parse(request.trouble.retryAt) > at.getTime(),
  );
  await inParallel(waiting, (request) => recordChange(context, dueNow(request, at), null, at));
}

/** More than that are looked at by the runs that these begin. */
const mostPending = 200;

async function pendingOf(
  { ledger }: WorkerContext<ClusterLedger & RequestLedger>,
  cluster: Cluster,
): Promise<readonly AccessRequest[]> {
  const of = { list: "pending", clusters: [cluster.name], requester: null, match: "any" } as const;
  return (await ledger.list(of, 0, mostPending)).requests;
}

function dueNow(request: AccessRequest, now: Date): AccessRequest {
  return withTrouble(request, request.trouble && { ...request.trouble, retryAt: now.toISOString() });
}

/** Another configuration of a cluster has another one. */
export function configurationOf(cluster: Cluster): string {
  return createHash("sha256").update(JSON.stringify(cluster)).digest("hex").slice(0, 16);
}
