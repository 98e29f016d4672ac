import type { MemoryKeys } from "../../access/approval/seal.ts";
import { AccessError } from "../../access/failure/access-error.ts";
import type { Cluster } from "../../access/policy/cluster.ts";
import type { ApprovedRequest } from "../../access/request/record.ts";
import { isRescue, type RescueLease, readRescueTags, writeRescueTags } from "../../access/rescue/lease.ts";
import type { AccessEntry } from "../../access-entry/index.ts";
import type { AccessEntries } from "../../aws/access-entries.ts";
import { accessEntriesOf } from "../../aws/access-entries.ts";
import type { EksCluster } from "../../aws/eks-cluster.ts";
import type { WorkerContext } from "../context.ts";
import { knownCreator } from "../open/discover-creator.ts";
import { openEksToManage } from "../open/open-eks.ts";
import type { Errand } from "../open/session-of.ts";
import { end, putOff } from "../reconcile/outcome.ts";

/** For whom, and where, a rescue's entry is. */
export interface LeasePlace {
  readonly entries: AccessEntries;
  readonly clusterArn: string;
  /** As IAM has it. */
  readonly principalArn: string;
  readonly keys: MemoryKeys;
}

const policy = { name: "AmazonEKSClusterAdminPolicy", namespaces: null };

/** The lease that stands at EKS for this principal, and its entry; null: there is no entry. @throws AccessError */
async function findLease(
  place: LeasePlace,
): Promise<{ readonly entry: AccessEntry; readonly lease: RescueLease | null } | null> {
  const { entries, clusterArn, principalArn, keys } = place;
  const entry = await entries.describe(principalArn);
  return entry && { entry, lease: readRescueTags(clusterArn, principalArn, entry.tags, keys) };
}

/**
 * Makes the entry of a rescue, or makes one whole that a run of before began, and reads it back. The tags come with the entry:
 * there is no moment at which it stands without its end.
 *
 * @throws AccessError `access-entry-conflict` where somebody else's entry stands there, or ours is not as it should be
 */
export async function giveLease(place: LeasePlace, lease: RescueLease): Promise<AccessEntry> {
  const { entries, clusterArn, principalArn, keys } = place;
  const found = await findLease(place);
  if (found && found.lease?.id !== lease.id) throw othersEntry(principalArn);
  if (!found) {
    const tags = writeRescueTags(clusterArn, principalArn, lease, keys);
    const username = `eks-access-rescue:${principalArn.includes(":role/") ? "{{SessionName}}" : lease.by}`;
    await entries.create({ principalArn, username, groups: [], tags, token: `${lease.id}-${principalArn.length}` });
  }
  await entries.associate(principalArn, policy);
  const made = await entries.describe(principalArn);
  if (made?.policies.some(({ name, namespaces }) => name === policy.name && namespaces === null)) return made;
  throw new AccessError(
    "access-entry-conflict",
    `The access entry of ${principalArn} has not its policy when it is read back`,
  );
}

/**
 * Deletes the entry of a rescue. One that is gone already is no failure; one that is another's by now stays.
 *
 * @throws AccessError where an entry stands there whose tags do not say that it is ours: nobody can tell whether it may go
 */
async function takeLease(place: LeasePlace, id: string): Promise<void> {
  const found = await findLease(place);
  if (!found) return;
  if (found.lease && found.lease.id !== id) return;
  if (!found.lease) throw othersEntry(place.principalArn);
  await place.entries.remove(place.principalArn);
}

/**
 * What is refused here is refused to who migrates or rescues the cluster, whoever makes the entries of leases.
 * @param file of deploy/iam, with the statements that it lacks
 */
export function namingOwnPolicy(error: unknown, file = "rescue-policy.json"): unknown {
  const isRefused = error instanceof AccessError && /^(?:access-entry|aws-access)-denied$/.test(error.code);
  if (!isRefused) return error;
  const mend = `Give the identity that AWS names the statements of deploy/iam/${file}.`;
  return new AccessError(error.code, error.what, { cause: error.cause, mend });
}

function othersEntry(principalArn: string): AccessError {
  return new AccessError(
    "access-entry-conflict",
    `The access entry of ${principalArn} is not one of this rescue: its tags do not carry our seal`,
    {
      mend: "Look at it with aws eks describe-access-entry, and delete it by hand if it must go; or name another role.",
    },
  );
}

/**
 * Ends the rescues of a cluster whose time is over, or that somebody revoked, as who rescues it: whoever created the cluster may
 * be what was lost. One that can't be ended now is tried again.
 */
export async function endRescues(context: WorkerContext, cluster: Cluster): Promise<void> {
  const over = (await context.ledger.grantedOf(cluster.name)).filter(
    (request) => isRescue(request) && isOver(request, context.now()),
  );
  for (const request of over) {
    try {
      const eks = await openRescuer(context, cluster, request);
      await takeEntry(context, eks, request.principal, request.id);
      await end(context, request, null);
    } catch (error) {
      context.failures.failed("could not end a rescue", { cluster: cluster.name, request: request.id }, error);
      await putOff(context, request, namingOwnPolicy(error));
    }
  }
}

/** EKS as who rescues the cluster. @throws AccessError */
export function openRescuer(context: WorkerContext, cluster: Cluster, errand: Errand): Promise<EksCluster> {
  return openEksToManage(cluster, [errand], () => knownCreator(context, cluster));
}

/** @throws AccessError */
export async function takeEntry(
  { keys }: Pick<WorkerContext, "keys">,
  eks: EksCluster,
  principalArn: string,
  id: string,
): Promise<void> {
  const entries = accessEntriesOf(eks);
  try {
    await takeLease({ entries, clusterArn: eks.description.arn, principalArn, keys: keys.memory }, id);
  } finally {
    entries.close();
  }
}

function isOver({ lease, trouble }: ApprovedRequest, now: Date): boolean {
  if (trouble && Date.parse(trouble.retryAt) > now.getTime()) return false;
  return lease.end !== null || Date.parse(lease.endsAt) <= now.getTime();
}
