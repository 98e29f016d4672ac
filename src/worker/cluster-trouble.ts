import { hash } from "node:crypto";
import { AccessError, type FailureCode } from "../access/access-error.ts";
import { keptWith } from "../access/collections.ts";
import type { Cluster } from "../access/policy/cluster.ts";
import type { AccessRequest } from "../access/record.ts";
import { withTrouble } from "../access/request.ts";
import { type ClusterTrouble, failureOf, hasNewCause, nextClusterTry } from "../access/retry.ts";
import type { Config } from "../config/config.ts";
import type { ClusterLedger, RequestLedger } from "../ledger/ledger.ts";
import { recordChange } from "../ledger/lifecycle.ts";
import { pendingRequestsOf } from "../ledger/look-ups.ts";
import { inParallel } from "../operations/deadlines.ts";
import type { WorkerContext } from "./context.ts";

/** Failures to reach the API server or to sign in, which only the client's first call reveals. */
const unreached: readonly FailureCode[] = ["cluster-unreachable", "cluster-unauthorized", "cluster-token-too-large"];

export function isUnreached(error: unknown, isOpen: boolean): boolean {
  return !isOpen || (error instanceof AccessError && unreached.includes(error.code));
}

/** Remembers that a cluster can't be worked on, and the next try. Tries never stop by themselves, so the log has each cause once. */
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
  if (hasNewCause(before, trouble)) log.error({ ...about, err: error }, "could not work on the cluster");
  else log.debug({ ...about, code: trouble.code }, "still can't work on the cluster");
  return trouble;
}

export async function forgetTrouble(
  context: WorkerContext<ClusterLedger & RequestLedger>,
  cluster: Cluster,
): Promise<void> {
  const { ledger, log, now } = context;
  const trouble = (await ledger.clusterTroubles([cluster.name])).get(cluster.name);
  if (!trouble || trouble.overAt !== null) return;
  const at = now();
  await ledger.setClusterTrouble(cluster.name, { ...trouble, overAt: at.toISOString() });
  log.info({ cluster: cluster.name, since: trouble.since }, "works on the cluster again");
  await wakeWaiting(context, cluster);
}

/** A new configuration can be the repair, so it tries waiting requests at once. */
export async function wakeChanged(
  context: WorkerContext<ClusterLedger & RequestLedger>,
  before: Pick<Config, "clusters">,
): Promise<void> {
  const changed = [...context.config.clusters.values()].filter((cluster) => {
    const old = before.clusters.get(cluster.name);
    return old && configurationOf(old) !== configurationOf(cluster);
  });
  await inParallel(changed, (cluster) => wakeWaiting(context, cluster));
}

const maxPending = 200;

export async function wakeWaiting(
  context: WorkerContext<ClusterLedger & RequestLedger>,
  cluster: Cluster,
): Promise<void> {
  const { ledger, now } = context;
  const at = now();
  const pending = await pendingRequestsOf(ledger, cluster.name, maxPending);
  const waiting = [...(await ledger.leasedOf(cluster.name)), ...pending].filter(
    (request) => request.trouble && Date.parse(request.trouble.retryAt) > at.getTime(),
  );
  await inParallel(waiting, (request) => recordChange(context, dueNow(request, at), null, at));
}

function dueNow(request: AccessRequest, now: Date): AccessRequest {
  return withTrouble(request, request.trouble && { ...request.trouble, retryAt: now.toISOString() });
}

/** A digest for each configuration of a cluster. Each sweep needs it for every cluster that can't be worked on. */
export const configurationOf = keptWith((cluster: Cluster) => hash("sha256", JSON.stringify(cluster)).slice(0, 16));
