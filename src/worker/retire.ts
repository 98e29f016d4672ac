import { hasCode } from "../access/access-error.ts";
import { refuseMovedName } from "../access/lease/holding.ts";
import { type ClusterClosure, closeForGoneCluster, goneCluster } from "../access/lease/revoke.ts";
import { endedMigration, isMigrationOver, migrationDueAt, nextMigration } from "../access/migration.ts";
import type { Cluster } from "../access/policy/cluster.ts";
import type { AccessRequest } from "../access/record.ts";
import type { RequestLedger } from "../ledger/ledger.ts";
import { eventOf, updateMigration, updateRequest } from "../ledger/lifecycle.ts";
import { listedIn } from "../ledger/look-ups.ts";
import type { WorkerContext } from "./context.ts";
import { refuseMovedMigration } from "./migration/run-migration.ts";
import { openCluster } from "./open-cluster.ts";

/** Whether AWS says that a cluster is gone. @throws AccessError if it does not answer, or if its leases are of another cluster */
export async function isClusterGone(context: WorkerContext, cluster: Cluster): Promise<boolean> {
  refuseMovedName(cluster, await context.ledger.leasedOf(cluster.name), context.keys.memory);
  const migration = await context.ledger.migrations.latestOf(cluster.name);
  if (migration && migrationDueAt(migration) !== null) refuseMovedMigration(context, cluster, migration);
  try {
    (await openCluster(context, cluster, [{ id: "retire", requester: "operator" }])).close();
    return false;
  } catch (error) {
    if (hasCode(error, "cluster-not-found")) return true;
    throw error;
  }
}

const page = 200;

/** Closes everything open in a cluster that is gone, each with its event. @returns ids */
export async function closeRequestsOfCluster(
  context: WorkerContext<RequestLedger>,
  name: string,
  closing: ClusterClosure,
): Promise<readonly string[]> {
  const closed = new Set<string>();
  const closeEach = async (requests: readonly AccessRequest[]) => {
    for (const request of requests) {
      await close(context, request, closing);
      closed.add(request.id);
    }
  };
  await closeEach(await context.ledger.leasedOf(name));
  // A closed request leaves the list, so the next page is always the first.
  for (;;) {
    const left = (await listedIn(context.ledger, "pending", name, page)).filter(({ id }) => !closed.has(id));
    if (left.length === 0) return [...closed];
    await closeEach(left);
  }
}

/** Also the rest of a step that began: it would be tried for ever. @returns its id; null: there is nothing to do for any */
export async function closeMigrationOfCluster(
  context: WorkerContext,
  name: string,
  closing: ClusterClosure,
): Promise<string | null> {
  const latest = await context.ledger.migrations.latestOf(name);
  if (!latest) return null;
  return updateMigration<string | null>(context, latest.id, (current) => {
    if (!current || migrationDueAt(current) === null) return { type: "stop", outcome: null };
    const now = context.now();
    const isOver = isMigrationOver(current);
    const refused = { state: "refused", refusal: goneCluster(name, closing) } as const;
    const ended = isOver ? nextMigration(current, { trouble: null }) : endedMigration(current, now, refused);
    const after = { ...ended, begun: null };
    const type = isOver ? "migration.undone" : "migration.refused";
    const event = eventOf(type, after, closing.by, now, closureDetail(closing));
    return { type: "write", after, event, outcome: after.id };
  });
}

const closureDetail = ({ why, isConfirmedByAws: seen }: ClusterClosure) => ({ code: "cluster-gone", why, seen });

async function close(context: WorkerContext<RequestLedger>, request: AccessRequest, closing: ClusterClosure) {
  await updateRequest<void>(context, request.id, (current) => {
    if (current?.state !== "pending" && current?.state !== "approved") return { type: "stop", outcome: undefined };
    const now = context.now();
    const after = closeForGoneCluster(current, closing, now);
    const ofLease = after.lease?.state === "ended" ? "lease.ended" : "lease.failed";
    const event = eventOf(after.lease ? ofLease : "request.refused", after, closing.by, now, closureDetail(closing));
    return { type: "write", after, event, outcome: undefined };
  });
}
