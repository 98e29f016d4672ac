import { hash } from "node:crypto";
import { unreviewedEmergency } from "../../access/emergency.ts";
import { decideShare, type ShareFacts } from "../../access/lease/decide-lease.ts";
import { sealPlace, sealWritten } from "../../access/lease/holding.ts";
import { activeLease, isSignInShare, scheduleLease } from "../../access/lease/lease.ts";
import type { Holding, Share } from "../../access/lease/lease-record.ts";
import { positionInList } from "../../access/lists.ts";
import { type Cluster, sealedClusterOf, type Way } from "../../access/policy/cluster.ts";
import type { ApprovedRequest } from "../../access/record.ts";
import { createRequest } from "../../access/request.ts";
import { sealNotice } from "../../access/shared-lists.ts";
import type { AccessEntry } from "../../access-entry/index.ts";
import { named } from "../../diagnosis/link.ts";
import type { ReportedProblem } from "../../diagnosis/problems.ts";
import { absentRoleProblems, remadeRoleProblems } from "../../diagnosis/remade-roles.ts";
import { replacedRoleProblem, replacedRoles, roleInEntry, rolesInDocument } from "../../diagnosis/replaced-roles.ts";
import { whileOpen } from "../../kubernetes/cluster-client.ts";
import { eventOf, recordChange } from "../../ledger/lifecycle.ts";
import { forgetTrouble, noteTrouble } from "../../ledger/look-ups.ts";
import { wakeLater } from "../../ledger/queues.ts";
import { inTurn } from "../../ledger/turns.ts";
import { extendDeadline } from "../../operations/deadlines.ts";
import type { WorkerContext } from "../context.ts";
import { findLeavers } from "../leavers.ts";
import { type OpenedCluster, openCluster } from "../open-cluster.ts";
import { readRoleTimes } from "../questions/look-at-cluster.ts";
import { readRemembered } from "../remembered.ts";
import { adoptRescues } from "../rescue/adopt-rescues.ts";
import { keepDocument } from "../rescue/repair-document.ts";
import { memoryLateMs } from "../sweep.ts";
import { endWithoutLedger } from "../upkeep/end-without-ledger.ts";
import { prove, withProof } from "./prove.ts";
import { reconcileCluster } from "./reconcile.ts";
import { lookAgainForLateOnes } from "./record-acted.ts";
import { reviewLease } from "./review.ts";
import type { WayContext, WayState } from "./way-adapter.ts";
import { waysIn } from "./ways.ts";

interface Adoption {
  readonly recovered: readonly string[];
  /** Leases that the ledger did not know and that are over: a run removes them. */
  readonly ended: readonly string[];
}

/** The ledger has no next try of a removal that the cluster refuses: the next reading finds what is left. */
const clearAgainMs = 5 * 60_000;

/**
 * Reads a cluster's own memory of its leases into a ledger that does not know them (law 10): once for each cluster of a
 * new ledger, and from time to time. It trusts only our seal, and gives no access by it. It removes leases that the
 * ledger has as over, for example after a restored backup of aws-auth.
 */
export async function adoptCluster(context: WorkerContext, cluster: Cluster): Promise<Adoption> {
  // First, because it needs no creator.
  const adoption = { recovered: [...(await adoptRescues(context, cluster))], ended: [] as string[] };
  let isUnfinished = false;
  const over: string[] = [];
  let read: readonly AccessEntry[] = [];
  await whileOpen((context.openCluster ?? openCluster)(context, cluster, []), async (open) => {
    const place = { context, cluster, opened: open };
    const { document, entries, bindings } = await waysIn(place, async () => [], "all", []);
    for (const adapter of [document, entries, bindings]) {
      if (!adapter) continue;
      const state = await adapter.read([]);
      if ("openSince" in state) read = [...state.entries.values()];
      isUnfinished ||= state.isUnfinished || state.untrusted !== null;
      over.push(...(await adoptHoldings(place, { way: adapter.way, state }, adoption)));
    }
    await noteHourly(context, cluster, open, read);
    if (document) await keepDocument(context, open.client, cluster, await open.client.readAwsAuth());
  });
  // The lost ledger can have waited for an unanswered call.
  if (!(await context.ledger.adopted([cluster.name])).has(cluster.name)) await lookAgainForLateOnes(context, cluster);
  await context.ledger.markAdopted(cluster.name);
  const isOver = adoption.ended.length > 0 || over.length > 0;
  if (isOver || isUnfinished) await reconcileCluster(context, cluster, "adopt");
  if (isOver && (await context.ledger.takeTurn(`clear-${cluster.name}`, clearAgainMs * 0.9)))
    await wakeLater(context.queues, { type: "adopt", cluster: cluster.name }, clearAgainMs);
  context.log.info({ cluster: cluster.name, ...adoption, over }, "read the cluster's own memory");
  return adoption;
}

/** Reads a cluster's own memory when it is due. An unreadable one follows the ledger's own schedule. */
export async function adoptByTheClock(context: WorkerContext, cluster: Cluster): Promise<void> {
  let isClosed = false;
  const open: NonNullable<WorkerContext["openCluster"]> = (...given) =>
    (context.openCluster ?? openCluster)(...given).catch((error: unknown) => {
      isClosed = true;
      throw error;
    });
  try {
    await adoptCluster({ ...context, openCluster: open }, cluster);
    await context.ledger.keepTurn(`memory-${cluster.name}`, memoryLateMs(context));
    await forgetTrouble(context, cluster);
  } catch (error) {
    await noteTrouble(context, cluster, error);
    if (isClosed || (await context.ledger.adopted([cluster.name])).has(cluster.name)) return;
    // A new ledger knows none of its leases: what is over ends by the cluster's memory, as far as that can be read.
    const { ended } = await endWithoutLedger(context, cluster);
    if (ended.length > 0)
      context.log.info({ cluster: cluster.name, ended }, "ended leases that the ledger does not know");
  }
}

type Memory = { readonly way: Way; readonly state: WayState };

async function adoptHoldings(
  place: WayContext,
  memory: Memory,
  adoption: { readonly recovered: string[]; readonly ended: string[] },
): Promise<readonly string[]> {
  const { context } = place;
  const over: string[] = [];
  const { holdings, withdrawals } = memory.state;
  const withdrawn = new Set(withdrawals.list.map(({ id }) => id));
  for (const holding of holdings.values()) {
    for (const share of holding.shares) {
      const inLedger = await stateInLedger(context, share.id);
      const isOver = Date.parse(share.endsAt) <= context.now().getTime();
      if (isSignInShare(share)) {
        if (isOver || inLedger === "over") over.push(share.id);
        continue;
      }
      const { outcome } = decideShare({ inLedger, wasWithdrawn: withdrawn.has(share.id), isOver });
      if (outcome === "end") (inLedger === "unknown" ? adoption.ended : over).push(share.id);
      if (outcome !== "adopt") continue;
      await recover(place, memory, holding, share);
      adoption.recovered.push(share.id);
    }
  }
  return over;
}

/** Reads the record itself, because an attacker with Redis can remove it from the lists. */
async function stateInLedger({ ledger }: WorkerContext, id: string): Promise<ShareFacts["inLedger"]> {
  const known = await ledger.get(id);
  if (known) return positionInList("leased", known) === null ? "over" : "open";
  return (await ledger.isPermanentLeaseOver(id)) ? "over" : "unknown";
}

async function recover(from: WayContext, { way, state }: Memory, holding: Holding, share: Share): Promise<void> {
  const { context, cluster, opened } = from;
  const now = context.now();
  const bare = recoveredRequest(cluster, holding, share, now);
  const readBack = state.signsInAs(bare.principal);
  const answered = await reviewLease(opened.client, cluster, bare, readBack.identity);
  const proved = prove(cluster, bare, readBack, answered, context.now());
  const written = sealWritten(sealedClusterOf(cluster), bare, holding, context.keys.memory, way);
  const place = sealPlace(cluster, bare, context.keys.memory);
  const lease = { ...withProof(bare.lease, proved, cluster, bare.principal), place, written };
  const { requester, askedBy = null, level, groups, approvers, emergency } = share;
  const detail = { principal: holding.arn, requester, askedBy, level, groups, approvers, emergency };
  const event = eventOf("lease.recovered", bare, "worker", now, detail);
  await recordChange(context, null, { ...bare, lease }, event, now);
}

/** A record for a lease that only the cluster remembers. Its approvals are lost, except the approvers' names and its end. */
function recoveredRequest(cluster: Cluster, holding: Holding, share: Share, now: Date): ApprovedRequest {
  const durationSeconds = Math.ceil((Date.parse(share.endsAt) - now.getTime()) / 1000);
  const at = new Date(Date.parse(share.endsAt) - durationSeconds * 1000).toISOString();
  const verdict = share.emergency ? "emergency" : "approved";
  const unknown = { digest: "", why: "", memberships: [], requester: null, linked: null, stillApprovers: [], seal: "" };
  const reason = "recovered from the cluster's own memory after the loss of the ledger";
  const { id, requester, askedBy = null, level, groups } = share;
  const asked = { id, requester, askedBy, cluster: cluster.name, principal: holding.arn, level, groups };
  return {
    ...createRequest({ ...asked, durationSeconds, extends: null, reason }, new Date(at), durationSeconds),
    state: "approved",
    approvals: share.approvers.map((by) => ({ ...unknown, verdict, by, at })),
    approvalsWanted: share.approvers.length,
    emergency: share.emergency ? unreviewedEmergency(now) : null,
    lease: activeLease(scheduleLease({ durationSeconds, until: null }, new Date(at)), {
      endsAt: share.endsAt,
      writeBegan: at,
      activeSince: now.toISOString(),
      warnAt: share.endsAt,
    }),
  };
}

const awsWithinMs = 15_000;

/** The same is news again after this time. */
const onceInMs = 30 * 24 * 3_600_000;

/** @param about what the notice is about: the same is reported once */
async function noteOnce(
  { ledger, keys, log, now }: WorkerContext,
  about: readonly unknown[],
  title: string,
  { message, remedy }: Pick<ReportedProblem, "message" | "remedy">,
): Promise<void> {
  const id = `hourly-${hash("sha256", JSON.stringify(about)).slice(0, 16)}`;
  await inTurn(ledger, id, onceInMs, () => {
    log.warn({ about }, title);
    return ledger.addNotice(sealNotice({ id, at: now().toISOString(), title, lines: [message, remedy] }, keys.preview));
  });
}

/** Reports each once to the operators: dead entries, and the leases of people who left. A failure delays nothing. */
async function noteHourly(
  context: WorkerContext,
  cluster: Cluster,
  opened: Pick<OpenedCluster, "client" | "entries" | "mode" | "roleMadeAt">,
  read: readonly AccessEntry[],
): Promise<void> {
  for (const note of [noteRoles, noteLeavers]) {
    await note(context, cluster, opened, read).catch((error: unknown) => {
      context.log.warn({ cluster: cluster.name, err: error }, "could not look for dead entries and people who left");
    });
  }
}

/**
 * A permission set of which the cluster names several roles, and a role that was deleted or made again: its people can't sign in. Without
 * the right to ask IAM, only the log says so. People see it in `check`. @param read the cluster's access entries
 */
async function noteRoles(
  context: WorkerContext,
  cluster: Cluster,
  { client, entries, mode, roleMadeAt }: Pick<OpenedCluster, "client" | "entries" | "mode" | "roleMadeAt">,
  read: readonly AccessEntry[],
): Promise<void> {
  const [configMap, listed] = await Promise.all([mode === "API" ? null : client.readAwsAuth(), entries?.list() ?? []]);
  const document = configMap && (await readRemembered(configMap.data));
  extendDeadline(awsWithinMs);
  const times = await readRoleTimes({ roleMadeAt }, cluster, { entries: read, document }, awsWithinMs);
  if (times.why !== null) context.log.info({ cluster: cluster.name, why: times.why }, "not all roles are compared");
  for (const { place, ...problem } of remadeRoleProblems(cluster, read, times)) {
    const title = `${cluster.name} has an access entry of a role that was made again`;
    await noteOnce(context, [cluster.name, place, times.madeAt.get(place)], title, problem);
  }
  const byEntry = listed.map((principalArn) => roleInEntry({ principalArn }));
  const replaced = replacedRoles([...byEntry, ...(document ? rolesInDocument(document) : [])], times.absent);
  const title = `${cluster.name} names a role that no longer exists`;
  for (const set of replaced) {
    const roles = set.roles.map(({ arn }) => arn).toSorted();
    await noteOnce(context, [cluster.name, roles], title, replacedRoleProblem(set, cluster));
  }
  for (const { place, ...problem } of absentRoleProblems(cluster, times, replaced)) {
    await noteOnce(context, [cluster.name, place], title, problem);
  }
}

/** Those who left Slack are named by `check`: only the Slack process can ask Slack. */
async function noteLeavers(context: WorkerContext, cluster: Cluster): Promise<void> {
  const leased = await context.ledger.leasedOf(cluster.name);
  extendDeadline(awsWithinMs);
  const asking = { asker: "worker", withinMs: awsWithinMs, isFresh: false };
  const { found, notCompared } = await findLeavers(context, cluster, leased, asking);
  if (notCompared !== null)
    context.log.info({ cluster: cluster.name, why: notCompared }, "not all people are compared");
  for (const { id, message } of found) {
    const remedy = `Revoke it: ${named(`/eks-access revoke ${id}`)}.`;
    const title = `${cluster.name} has a lease of a person who left`;
    await noteOnce(context, [cluster.name, id], title, { message: `${named(id)} is active, but ${message}.`, remedy });
  }
}
