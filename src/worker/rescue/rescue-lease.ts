import { AccessError, hasCode } from "../../access/access-error.ts";
import { isShareOver } from "../../access/lease/cluster-leases.ts";
import { readBackDiffers } from "../../access/lease/drift.ts";
import { refuseMovedName } from "../../access/lease/holding.ts";
import { type RescueLease, readRescueTags, writeRescueTags } from "../../access/lease/kept-documents.ts";
import type { Cluster } from "../../access/policy/cluster.ts";
import type { ApprovedRequest } from "../../access/record.ts";
import { isRescue } from "../../access/request.ts";
import type { MemoryKeys } from "../../access/seal.ts";
import type { AccessEntry } from "../../access-entry/index.ts";
import { accessEntriesOf } from "../../aws/access-entries.ts";
import type { EksCluster } from "../../aws/eks-cluster.ts";
import type { Purpose } from "../../aws/session-policy.ts";
import { CLUSTER_ADMIN, isAdminBy, type PresentEntry } from "../../diagnosis/migration/facts.ts";
import type { WorkerContext } from "../context.ts";
import { identityOfRun } from "../discover-creator.ts";
import { readBack } from "../migration/give-entry.ts";
import { namingOwnPolicy, openEksToManage } from "../open-eks.ts";
import { recordEnd, recordPostponed } from "../reconcile/outcome.ts";
import type { RescueContext } from "./rescue-session.ts";

const policy = { name: CLUSTER_ADMIN, namespaces: null };

const ownUsername = "eks-access-rescue:";

/** A rescue's lease in its entry; null: it is none of ours. Others who may tag can copy earlier tags to an entry, but its username shows the owner. */
export function rescueLeaseIn(
  clusterArn: string,
  { principalArn, username, tags }: AccessEntry,
  keys: MemoryKeys,
): RescueLease | null {
  return username.startsWith(ownUsername) ? readRescueTags(clusterArn, principalArn, tags, keys) : null;
}

/**
 * Or completes one of an earlier run. EKS sets the tags with it, so it has its end.
 * @returns why EKS makes no entry for this role; null: it is made @throws AccessError `access-entry-conflict`
 */
export async function giveLease(
  { keys, pause }: Pick<RescueContext, "keys" | "pause">,
  eks: EksCluster,
  principalArn: string,
  lease: RescueLease,
): Promise<AccessError | null> {
  const entries = accessEntriesOf(eks);
  const { arn } = eks.description;
  const found = await entries.describe(principalArn);
  const begun = found && rescueLeaseIn(arn, found, keys.memory);
  if (begun && begun.id !== lease.id) {
    const what = `${begun.by} rescues with ${principalArn} already (${begun.id})`;
    return new AccessError("access-entry-conflict", what, { remedy: "Try again." });
  }
  // Not to delete it: it can be that of nodes or of administrators.
  if (found && !begun) return othersEntry(principalArn, "Use another role.");
  if (!found) {
    const tags = writeRescueTags(arn, principalArn, lease, keys.memory);
    const username = `${ownUsername}${principalArn.includes(":role/") ? "{{SessionName}}" : lease.by}`;
    try {
      await entries.create({ principalArn, username, groups: [], tags });
    } catch (error) {
      if (hasCode(error, "access-entry-refused")) return error;
      throw error;
    }
  }
  await entries.associate(principalArn, policy);
  const isGiven = ({ policies }: PresentEntry) => isAdminBy(policies);
  if (await readBack(entries, principalArn, isGiven, pause)) return null;
  throw new AccessError("access-entry-conflict", readBackDiffers(`the access entry of ${principalArn}`));
}

function othersEntry(principalArn: string, remedy: string): AccessError {
  return new AccessError("access-entry-conflict", `The access entry of ${principalArn} is not ours`, { remedy });
}

/** Ends a cluster's expired or revoked rescues with the rescuing identity, because the creator can be lost. Retries a failed end. */
export async function endRescues(context: WorkerContext, cluster: Cluster): Promise<void> {
  const over = (await context.ledger.leasedOf(cluster.name)).filter(
    (request) => isRescue(request) && isOver(request, context.now()),
  );
  for (const request of over) {
    try {
      refuseMovedName(cluster, [request], context.keys.memory);
      await openRescuer(context, cluster, request)
        .then((eks) => removeRescueEntry(context, eks, request.principal, request.id))
        .catch(namingOwnPolicy());
      await recordEnd(context, request);
    } catch (error) {
      context.failures.failed("could not end a rescue", { cluster: cluster.name, request: request.id }, error);
      await recordPostponed(context, request, error);
    }
  }
}

/** EKS with the rescuing identity. @throws AccessError */
export function openRescuer(context: WorkerContext, cluster: Cluster, purpose: Purpose): Promise<EksCluster> {
  return (context.openRescuer ?? openEksToManage)(cluster, [purpose], () => identityOfRun(context, cluster));
}

/** A missing entry is no failure. @throws AccessError if others made the entry */
export async function removeRescueEntry(
  { keys, now }: Pick<WorkerContext, "keys" | "now">,
  eks: EksCluster,
  principalArn: string,
  id: string,
): Promise<void> {
  // A rescue that died before it switched the mode made no entry, and EKS would refuse to look for one.
  if (eks.description.authenticationMode === "CONFIG_MAP") return;
  const entries = accessEntriesOf(eks);
  const found = await entries.describe(principalArn);
  if (!found) return;
  if (!found.username.startsWith(ownUsername)) throw othersEntry(principalArn, "Delete it by hand.");
  const lease = rescueLeaseIn(eks.description.arn, found, keys.memory);
  // Who may only tag must not keep it without our seal, or with the tags of an earlier rescue. Its username can't change.
  if (!lease || lease.id === id || isShareOver(lease, now())) await entries.remove(principalArn);
}

function isOver({ lease, trouble }: ApprovedRequest, now: Date): boolean {
  if (trouble && Date.parse(trouble.retryAt) > now.getTime()) return false;
  return lease.end !== null || Date.parse(lease.endsAt) <= now.getTime();
}
