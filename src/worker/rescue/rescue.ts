import { takeEmergency, unreviewedEmergency } from "../../access/emergency.ts";
import { leasesAnnotation } from "../../access/lease/annotation.ts";
import { isShareOver } from "../../access/lease/cluster-leases.ts";
import { refuseMovedName, sealPlace } from "../../access/lease/holding.ts";
import { type KeptName, type RescueLease, readKept } from "../../access/lease/kept-documents.ts";
import { activeLease, earliest, endedLease, endOf, failedLease } from "../../access/lease/lease.ts";
import type { Proof } from "../../access/lease/lease-record.ts";
import { type Cluster, type Level, sealedClusterOf } from "../../access/policy/cluster.ts";
import type { ApprovedRequest } from "../../access/record.ts";
import { createRequest, rescueLevel } from "../../access/request.ts";
import { failureOf } from "../../access/retry.ts";
import { accessEntriesOf } from "../../aws/access-entries.ts";
import { type ClusterDescription, type EksCluster, switchToAccessEntries } from "../../aws/eks-cluster.ts";
import { type ClusterClient, whileOpen } from "../../kubernetes/cluster-client.ts";
import type { WorkerContext } from "../context.ts";
import { namingOwnPolicy } from "../open-eks.ts";
import { changesInWords } from "../reconcile/last-write.ts";
import { type Repairer, type RepairResult, repairDocument } from "./repair-document.ts";
import { giveLease, removeRescueEntry, rescueLeaseIn } from "./rescue-lease.ts";
import {
  leasedCandidate,
  type RescueContext,
  type RescueJournal,
  type RescueOrder,
  rescueIsOver,
  type SignedInCluster,
  signInAsOne,
} from "./rescue-session.ts";

export function beginRescue(
  { cluster, principalArn: principal, by, as, durationSeconds, reason }: RescueOrder,
  id: string,
  { now }: Pick<WorkerContext, "now">,
  expiresAfterSeconds: number,
): ApprovedRequest {
  // The policy of a cluster administrator, by EKS, without groups.
  const level: Level = { name: rescueLevel, groups: [], maxDurationSeconds: durationSeconds, verify: [] };
  const who = { id, requester: by, cluster: cluster.name, principal, extends: null };
  const asked = createRequest(
    { ...who, level: level.name, groups: [], durationSeconds, reason },
    now(),
    expiresAfterSeconds,
  );
  const begun = takeEmergency(asked, cluster, level, { user: by, memberships: [] }, null, now());
  return { ...begun, emergency: unreviewedEmergency(now(), [as]) };
}

export interface RescueOutcome {
  readonly repaired: RepairResult | null;
  readonly isEnded: boolean;
}

/**
 * Rescues a cluster with AWS rights alone: switches to access entries beside aws-auth, makes an entry with an end,
 * repairs the document and ends the lease. Each step starts from the real state, so it can run again after a crash. A
 * worker ends a lease that this run can't end. @throws AccessError
 */
export async function rescue(
  context: RescueContext,
  order: RescueOrder,
  journal: RescueJournal,
): Promise<RescueOutcome> {
  const { cluster, principalArn } = order;
  refuseMovedName(cluster, [journal.request()], context.keys.memory);
  if (await switchToAccessEntries(await context.openEks(), context).catch(naming)) {
    context.say("EKS reports API_AND_CONFIG_MAP.");
    await journal.note("rescue.mode-switched", (lease) => lease, { to: "API_AND_CONFIG_MAP" });
  }
  const eks = await context.openEks();
  const place = sealPlace(cluster, journal.request(), context.keys.memory);
  const now = context.now();
  const [began, most] = [now.toISOString(), endOf(now, order.durationSeconds)];
  await journal.note(
    "lease.writing",
    // Redis can have a record of an earlier run with any end, and the tags seal this one.
    (lease) => ({ ...lease, endsAt: earliest([lease.endsAt, most]), writeBegan: lease.writeBegan ?? began, place }),
    // Another person can continue a dead rescue.
    { as: order.as },
  );
  const { id, lease } = journal.request();
  // An entry made after a worker ended the lease would stay for good.
  if (lease.end || Date.parse(lease.endsAt) <= context.now().getTime()) throw rescueIsOver(journal.request());
  const given = { id, by: order.by, as: order.as, endsAt: lease.endsAt };
  const leaveNothing = async (error: unknown): Promise<never> => {
    // Who ended it found no entry: this run was about to make it.
    if (await journal.isOver().catch(() => false)) await removeRescueEntry(context, eks, principalArn, id);
    throw error;
  };
  const refusal = await giveLease(context, eks, principalArn, given).catch(naming).catch(leaveNothing);
  if (refusal && lease.state !== "active") {
    // Else its messages would say until its end that it is applied.
    const failure = failureOf(refusal);
    await journal.note("lease.failed", (current) => failedLease(current, failure, {}), { code: failure.code });
  }
  if (refusal) throw refusal;
  context.say(`${principalArn} has AmazonEKSClusterAdminPolicy until ${lease.endsAt}.`);
  const repaired = await repairAs(context, order, eks.description, journal).catch(leaveNothing);
  const isWell =
    repaired?.type === "repaired" &&
    // Whether we know who is missing in the document.
    (order.good !== null || repaired.how !== null) &&
    repaired.returns.every(({ isReadmitted }) => isReadmitted);
  if (!isWell || order.keeps) return { repaired, isEnded: false };
  const remove = async () => removeRescueEntry(context, await context.openEks(), principalArn, id);
  await remove();
  const endedAt = context.now().toISOString();
  const end = { cause: "revoked", by: order.by, at: endedAt, why: "the cluster is rescued" } as const;
  const detail = { cause: end.cause, why: end.why };
  await journal.note("lease.ended", (current) => endedLease(current, endedAt, { end }), detail);
  // Another run that did not know the end yet can have made it again, and died.
  await remove();
  context.say("Rescued: deleted the access entry.");
  return { repaired, isEnded: true };
}

/** The lease of an earlier run by its entry alone, for a run without the ledger. One that is over goes. @throws AccessError */
export async function earlierLease(
  { keys, now }: Pick<WorkerContext, "keys" | "now">,
  eks: EksCluster,
  principalArn: string,
): Promise<RescueLease | null> {
  const { arn, authenticationMode: mode } = eks.description;
  const entry = mode === "CONFIG_MAP" ? null : await accessEntriesOf(eks).describe(principalArn).catch(naming);
  const lease = entry && rescueLeaseIn(arn, entry, keys.memory);
  if (!lease || !isShareOver(lease, now())) return lease;
  await removeRescueEntry({ keys, now }, eks, principalArn, lease.id).catch(naming);
  return null;
}

const naming = namingOwnPolicy();

/** As the first identity that works. @returns null: none could sign in @throws AccessError */
async function repairAs(
  context: RescueContext,
  order: RescueOrder,
  description: ClusterDescription,
  journal: RescueJournal,
): Promise<RepairResult | null> {
  const { cluster, principalArn, good } = order;
  const purpose = { id: journal.request().id, requester: order.by };
  const candidates = [leasedCandidate(cluster, principalArn, purpose), ...context.others];
  const result = await signInAsOne(cluster, description, candidates, purpose, context);
  await activate(journal, result.type === "in" ? result.signedIn : null, context.now().toISOString());
  if (result.type === "out") {
    context.say(`No identity could sign in. ${result.why.join(" ")} Sign in as ${principalArn} and repair aws-auth.`);
    return null;
  }
  return whileOpen(result.signedIn.client, async (client) => {
    if (description.authenticationMode === "API") return nothingToRepair(context, cluster);
    const { creatorArn, keys } = context;
    const beforeWrite = (how: string) => journal.note("rescue.writing", (lease) => lease, { how });
    const document = typeof good === "string" ? await keptDocument(context, client, cluster, good) : good;
    const reportChanges: Repairer["reportChanges"] = async (changes) => {
      for (const change of changesInWords(changes)) context.say(`An admission webhook ${change}`);
      await context.reportChanges(changes);
    };
    const repairer = { client, cluster, creatorArn, keys: keys.memory, beforeWrite, reportChanges };
    const noKept = `${cluster.name} has no such document. Use another --document, or none.`;
    const isAbsent = good !== null && !document;
    const repaired: RepairResult = isAbsent
      ? { type: "ask", message: noKept }
      : await repairDocument(repairer, document);
    sayRepaired(context.say, order, repaired);
    if (repaired.type === "repaired") {
      const missing = repaired.returns.filter(({ isReadmitted }) => !isReadmitted).map(({ arn }) => arn);
      await journal.note("rescue.repaired", (lease) => lease, {
        how: repaired.how,
        back: repaired.returns.length - missing.length,
        missing,
      });
    }
    return repaired;
  });
}

/** The copy in the cluster; null: none with our seal. */
async function keptDocument({ keys, say }: RescueContext, client: ClusterClient, cluster: Cluster, which: KeptName) {
  const kept = readKept(sealedClusterOf(cluster), await client.readKept(), which, keys.memory);
  if (!kept) return null;
  say(`Last good document: the copy of ${kept.at}.`);
  return { data: kept.data, annotations: kept.leases === null ? {} : { [leasesAnnotation]: kept.leases } };
}

function nothingToRepair({ say }: RescueContext, { name }: Cluster): RepairResult {
  const message = `${name} does not read aws-auth. Repair its access entries now.`;
  say(message);
  return { type: "ask", message };
}

function sayRepaired(say: RescueContext["say"], { good }: RescueOrder, repaired: RepairResult): void {
  const next = good === null ? " To check everyone, add --document." : "";
  say(repaired.type === "ask" ? repaired.message : (repaired.how ?? `aws-auth is readable: wrote nothing.${next}`));
  const returns = repaired.type === "ask" ? [] : repaired.returns;
  for (const { arn, isReadmitted } of returns) say(`  ${isReadmitted ? "✓" : "✗"} ${arn}`);
}

/** Active once the entry is read back, with all findings (law 5). */
async function activate(journal: RescueJournal, signedIn: SignedInCluster | null, at: string): Promise<void> {
  const proof: Proof = {
    at,
    mapped: { result: "yes", detail: "the access entry has AmazonEKSClusterAdminPolicy" },
    authorized: {
      result: "not tested",
      detail: "a review of the API server does not see what an access policy allows",
    },
    reviewedAs: null,
    entryArn: null,
    auditIds: [],
    signedIn: signedIn?.isLeased
      ? { result: "yes", detail: `it signed in, ${Math.round(signedIn.afterMs / 1000)} s after its entry existed` }
      : { result: "not tested", detail: "the worker can't assume the role from here" },
  };
  await journal.note(
    "lease.active",
    (lease) => activeLease(lease, { activeSince: lease.activeSince ?? at, proof, warnAt: lease.endsAt }),
    { mapped: proof.mapped.result, authorized: proof.authorized.result, signedIn: proof.signedIn.result },
  );
}
