import { AccessError } from "../../access/access-error.ts";
import { isShareOver } from "../../access/lease/cluster-leases.ts";
import { sealPlace } from "../../access/lease/holding.ts";
import type { RescueLease } from "../../access/lease/kept-documents.ts";
import { activeLease, earliest } from "../../access/lease/lease.ts";
import { type Cluster, clusterArnOf } from "../../access/policy/cluster.ts";
import { isClosed, isRescue, rescueLevel } from "../../access/request.ts";
import { accessEntriesOf } from "../../aws/access-entries.ts";
import { eventOf, recordChange } from "../../ledger/lifecycle.ts";
import type { WorkerContext } from "../context.ts";
import { describeAll } from "../reconcile/entry-state.ts";
import { recordEnd } from "../reconcile/outcome.ts";
import { beginRescue } from "./rescue.ts";
import { endRescues, openRescuer, removeRescueEntry, rescueLeaseIn } from "./rescue-lease.ts";

/**
 * For example after a rescue without Redis. Only tags with our seal count.
 * @param of absent: of every access entry of the cluster
 * @returns the new ids
 * @throws AccessError
 */
export async function adoptRescues(
  context: WorkerContext,
  cluster: Cluster,
  of?: readonly string[],
): Promise<readonly string[]> {
  const adopted: string[] = [];
  for (const { principalArn, lease } of await leasesOf(context, cluster, of)) {
    const known = await context.ledger.get(lease.id);
    const isOver = isShareOver(lease, context.now());
    // A dead or late process can have made it after its lease ended. A record in Redis can have a later end, or be garbage.
    if (isOver || (known && isClosed(known))) await remove(context, cluster, principalArn, lease.id);
    if (isOver && known?.lease && isRescue(known) && !isClosed(known)) await recordEnd(context, known);
    if (known) continue;
    await adopt(context, cluster, principalArn, lease);
    adopted.push(lease.id);
  }
  if (adopted.length > 0) await endRescues(context, cluster);
  return adopted;
}

/** Ends rescues by their sealed tags alone, for a worker without the ledger. @returns `nextEnd`: null: none is left @throws AccessError */
export async function endRescuesByTags(context: WorkerContext, cluster: Cluster) {
  const found = await leasesOf(context, cluster);
  const isOver = ({ lease }: Found) => isShareOver(lease, context.now());
  const over = found.filter(isOver);
  for (const { principalArn, lease } of over) await remove(context, cluster, principalArn, lease.id);
  const ends = found.filter((each) => !isOver(each)).map(({ lease }) => lease.endsAt);
  return { ended: over.map(({ lease }) => lease.id), nextEnd: ends.length > 0 ? earliest(ends) : null };
}

const purpose = { id: "adopt", requester: "eks-access" };

async function remove(context: WorkerContext, cluster: Cluster, principalArn: string, id: string): Promise<void> {
  await removeRescueEntry(context, await openRescuer(context, cluster, purpose), principalArn, id);
}

type Found = { readonly principalArn: string; readonly lease: RescueLease };

/** Empty if AWS refuses the rescuing identity now; the log says so. */
async function leasesOf(context: WorkerContext, cluster: Cluster, of?: readonly string[]): Promise<readonly Found[]> {
  const { keys, log } = context;
  try {
    const eks = await openRescuer(context, cluster, purpose);
    if (eks.description.authenticationMode === "CONFIG_MAP") return [];
    const entries = accessEntriesOf(eks);
    return (await describeAll(entries, of ?? (await entries.list()))).flatMap((entry) => {
      const lease = rescueLeaseIn(clusterArnOf(cluster), entry, keys.memory);
      return lease ? [{ principalArn: entry.principalArn, lease }] : [];
    });
  } catch (error) {
    if (!(error instanceof AccessError) || error.retryable) throw error;
    log.info(
      { cluster: cluster.name, code: error.code },
      "could not look for rescues: AWS refused the rescuing identity",
    );
    return [];
  }
}

async function adopt(context: WorkerContext, cluster: Cluster, principalArn: string, found: RescueLease) {
  const now = context.now();
  const { id, by, as, endsAt } = found;
  const durationSeconds = Math.max(1, Math.ceil((Date.parse(endsAt) - now.getTime()) / 1000));
  const reason = "recovered from its access entry";
  const order = { cluster, principalArn, by, as, durationSeconds, reason, good: null, keeps: false };
  const begun = beginRescue(order, id, context, context.config.timing.requestExpiresAfterSeconds);
  const at = now.toISOString();
  const place = sealPlace(cluster, begun, context.keys.memory);
  const lease = activeLease(begun.lease, { endsAt, writeBegan: at, place, activeSince: at });
  const detail = { principal: principalArn, level: rescueLevel, requester: by, as, emergency: true };
  const event = eventOf("lease.recovered", begun, "worker", now, detail);
  await recordChange(context, null, { ...begun, lease }, event, now);
}
