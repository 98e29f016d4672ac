import { AccessError, explainFailure, hasCode } from "../../access/access-error.ts";
import { ownIdentities } from "../../access/identities.ts";
import { leasesAnnotation } from "../../access/lease/annotation.ts";
import { belongsTo, mapOwner } from "../../access/lease/drift.ts";
import { type Cluster, sealedClusterOf } from "../../access/policy/cluster.ts";
import { bindsRoles, kubernetesGroups } from "../../access/policy/policy-text.ts";
import type { ApprovedRequest } from "../../access/record.ts";
import { type AccessEntries, accessEntriesOf } from "../../aws/access-entries.ts";
import { readingOrder, summarizeEntries } from "../../diagnosis/check-entries.ts";
import { untrustedRemedy } from "../../diagnosis/cluster-links.ts";
import {
  bindingProblems,
  bindingsMissing,
  isInForce,
  leaseProblems,
  type OpenLeases,
  openLeasesAround,
} from "../../diagnosis/leases.ts";
import { named } from "../../diagnosis/link.ts";
import { bindGroupRemedy, unboundWords } from "../../diagnosis/mapped.ts";
import type { Reader } from "../../diagnosis/person-links.ts";
import { type ReportedProblem, summarize } from "../../diagnosis/problems.ts";
import { absentRoleProblems, type RolesToAsk, type RoleTimes, rolesNotCompared } from "../../diagnosis/remade-roles.ts";
import { replacedRoleProblem, replacedRoles, rolesInDocument } from "../../diagnosis/replaced-roles.ts";
import type { BindingsReport, CheckReport, DocumentReport, EntriesReport } from "../../diagnosis/reports.ts";
import type { RoleBindings } from "../../kubernetes/rbac.ts";
import { knownIdentitiesOf } from "../../ledger/links.ts";
import { wakeWaiting } from "../../ledger/look-ups.ts";
import { inTimeOr, withinTime } from "../../operations/deadlines.ts";
import type { WorkerContext } from "../context.ts";
import { findLeavers, noLeavers } from "../leavers.ts";
import { type ReachedCluster, reachCluster } from "../open-cluster.ts";
import { openEksForEntries } from "../open-eks.ts";
import { rolesSeen } from "../reconcile/review-questions.ts";
import { ownBindingsAmong } from "../remembered.ts";
import type { ChainQuestion } from "./chain.ts";
import {
  driftsIn,
  type LiveDocument,
  namespacesIf,
  orFailed,
  type ReadingLimits,
  readEntries,
  readingLimits,
  readLiveDocument,
  readRoleTimes,
  whyNotRead,
  withOurTags,
} from "./look-at-cluster.ts";

export function reportCheck(
  context: WorkerContext,
  cluster: Cluster,
  asked: ChainQuestion,
  limits: ReadingLimits = readingLimits,
): Promise<CheckReport> {
  return orFailed(context, cluster, "could not check the cluster", () =>
    reachCluster(context, cluster, { id: "check", requester: asked.user }, (reached) =>
      look(context, cluster, reached, asked, limits),
    ),
  );
}

interface CheckQuestion {
  readonly context: WorkerContext;
  readonly cluster: Cluster;
  readonly reached: ReachedCluster;
  readonly leased: readonly ApprovedRequest[];
  /** The same, and as they are now. */
  readonly leasedNow: () => Promise<OpenLeases>;
  readonly asker: Reader;
  /** Null: there is none. */
  readonly looking: Promise<LiveDocument | null>;
  readonly limits: ReadingLimits;
}

async function look(
  context: WorkerContext,
  cluster: Cluster,
  reached: ReachedCluster,
  asked: ChainQuestion,
  limits: ReadingLimits,
): Promise<CheckReport> {
  const { ledger, keys } = context;
  const [leased, known] = await Promise.all([
    ledger.leasedOf(cluster.name),
    knownIdentitiesOf(context, asked.user, cluster),
  ]);
  const [principal = null] = ownIdentities(context.config.identities, cluster, known);
  const leasedNow = async () => openLeasesAround(leased, await ledger.leasedOf(cluster.name));
  const looking = readLiveDocument(reached.client, cluster, keys.memory);
  const question = { context, cluster, reached, leased, leasedNow, asker: { ...asked, principal }, looking, limits };
  const asking = { asker: asked.user, withinMs: limits.withinMs, isFresh: true };
  const [document, bindings, leavers, entries] = await Promise.all([
    reportDocument(question),
    reportBindings(question),
    asked.isResponsible ? findLeavers(context, cluster, leased, asking) : noLeavers,
    reportEntries(question),
  ]);
  if (asked.isResponsible) await retryNow(context, cluster);
  return { type: "looked", mode: reached.description.authenticationMode, document, entries, bindings, leavers };
}

/** Who looks may have just repaired the cluster: what waits would otherwise be tried within a quarter of an hour. */
async function retryNow(context: WorkerContext, cluster: Cluster): Promise<void> {
  await wakeWaiting(context, cluster).catch((err: unknown) => {
    context.log.warn({ cluster: cluster.name, err }, "could not retry what waits");
  });
}

function roleProblems(cluster: Cluster, asked: RolesToAsk, roles: RoleTimes): readonly ReportedProblem[] {
  const replaced = replacedRoles(asked.document ? rolesInDocument(asked.document) : [], roles.absent);
  return [
    ...replaced.map((set) => replacedRoleProblem(set, cluster)),
    ...absentRoleProblems(cluster, roles, replaced),
    ...rolesNotCompared(cluster, asked, roles),
  ];
}

function reportDocument(question: CheckQuestion): Promise<DocumentReport> {
  const { context, cluster, reached, leasedNow, asker, looking, limits } = question;
  const mode = reached.description.authenticationMode;
  const bindings = inTimeOr(reached.client.roleBindings(), limits.withinMs, null);
  // The bootstrap gives the operator no right to a document that the cluster does not read.
  const isByDesign = mode === "API" && cluster.operator !== undefined;
  const wordsOf = (error: unknown) =>
    isByDesign && hasCode(error, "cluster-forbidden") ? `${error.what}.` : explainFailure(error);
  const report = async (): Promise<DocumentReport> => {
    const looked = await looking;
    if (!looked) return { type: "absent" };
    const { document, managers, immutable, isBeingDeleted } = looked;
    const asked = { entries: [], document };
    const askIam = () => readRoleTimes(reached.eks, cluster, asked);
    // In another mode, the report on access entries has the roles of both.
    const roles = mode === "CONFIG_MAP" ? roleProblems(cluster, asked, await askIam()) : [];
    const [bound, leased] = await Promise.all([bindings, leasedNow()]);
    // In a document that the cluster does not read, nothing of ours can be missing.
    const ours =
      mode === "API"
        ? []
        : [
            ...distrusted(looked),
            ...takenOut(looked, cluster, leased, asker),
            ...unbound(inMap(leased), cluster, bound),
            ...owned(looked, cluster),
          ];
    const knowsBindings = bound !== null || mode === "API" || inMap(leased).size === 0;
    const found = summarize(document, managers, [...ours, ...roles]);
    return { type: "checked", ...found, immutable, isBeingDeleted, knowsBindings };
  };
  return orFailed(context, cluster, "could not check the document", report, wordsOf);
}

function distrusted({ untrusted }: LiveDocument): readonly ReportedProblem[] {
  if (untrusted === null) return [];
  const message = `The annotation ${named(leasesAnnotation)} has no valid seal: ${untrusted}.`;
  const place = `annotation ${leasesAnnotation}`;
  return [{ code: "annotation-untrusted", severity: "error", place, message, remedy: untrustedRemedy(untrusted) }];
}

/** The groups of leases there. Those by access entry have their own report. */
function inMap({ still }: OpenLeases): ReadonlySet<string> {
  const given = still.filter((each) => isInForce(each) && each.lease.written?.way === "aws-auth");
  return new Set(given.flatMap((each) => kubernetesGroups(each.groups)));
}

/** Leases that give nothing, because others deleted the binding of a group. */
function unbound(
  groups: ReadonlySet<string>,
  { name }: Cluster,
  bound: RoleBindings | null,
): readonly ReportedProblem[] {
  return [...groups].flatMap((group) => {
    if (!bound || group === "system:masters" || bound.groups.has(group)) return [];
    const message = unboundWords(name, [group]);
    return { code: "group-unbound", severity: "warning", place: "aws-auth", message, remedy: bindGroupRemedy };
  });
}

/** Only if a lease could need the document. */
function owned({ managers }: LiveDocument, cluster: Cluster): readonly ReportedProblem[] {
  const owner = mapOwner(cluster, managers);
  if (!owner || cluster.levels.every(({ groups }) => bindsRoles(groups))) return [];
  const message = `${belongsTo(cluster.name, owner)}: no lease begins there.`;
  const remedy = `To allow it, ${owner.setting}. Then set owner: none.`;
  return [{ code: "document-owned", severity: "notice", place: "aws-auth", message, remedy }];
}

function takenOut(looked: LiveDocument, cluster: Cluster, leased: OpenLeases, asker: Reader) {
  // An unreadable section is a separate problem.
  const drifts = driftsIn(looked, leased.still.filter(isInForce)).filter(({ isUnread }) => !isUnread);
  return leaseProblems(drifts, cluster, asker, "aws-auth");
}

async function reportBindings(question: CheckQuestion): Promise<BindingsReport> {
  const { context, cluster, reached, leased, leasedNow, asker: reader } = question;
  if (![...cluster.levels, ...leased].some(({ groups }) => bindsRoles(groups))) return { type: "none" };
  return orFailed(context, cluster, "could not check the bindings", async () => {
    const found = await reached.client.listLeaseBindings();
    const own = await ownBindingsAmong(sealedClusterOf(cluster), found, context.keys.memory);
    const given = own.parts.map(({ text }) => text);
    const roles = await rolesSeen(reached.client, [], given);
    const around = await leasedNow();
    const namespaces = await namespacesIf(bindingsMissing(around.still, own, roles), reached.client);
    const facts = { ...own, cluster, roles, leased: around, reader, now: context.now(), namespaces };
    return { type: "checked", ...bindingProblems(facts), bindings: found.length };
  });
}

async function reportEntries(question: CheckQuestion): Promise<EntriesReport> {
  const { context, cluster, reached } = question;
  const { eks, description } = reached;
  if (description.authenticationMode === "CONFIG_MAP") return { type: "none" };
  const report = async () => check(question, accessEntriesOf(await openEksForEntries(cluster, eks)));
  return orFailed(context, cluster, "could not check the access entries", report, whyNotRead);
}

async function check(question: CheckQuestion, entries: AccessEntries): Promise<EntriesReport> {
  const { cluster, reached, leased: before, leasedNow, asker, looking, limits } = question;
  const { keys, now } = question.context;
  const began = performance.now();
  const bindings = reached.client.roleBindings().catch(() => null);
  // An unreadable document has its own report.
  const isRead = reached.description.authenticationMode !== "API";
  const reading = looking.then((looked) => (isRead && looked ? looked.document : null)).catch(() => null);
  const [listed, document] = await Promise.all([listInTime(entries, cluster, limits), reading]);
  const left = () => Math.max(0, limits.withinMs - (performance.now() - began));
  const order = readingOrder(listed, before, document);
  const { entries: found, unread, why } = await readEntries(entries, order, { ...limits, withinMs: left() });
  const [bound, leased] = await Promise.all([withinTime(bindings, left(), null), leasedNow()]);
  const roles = await readRoleTimes(reached.eks, cluster, { entries: found, document }, left());
  const read = found.map((entry) => withOurTags(cluster, entry, keys.memory));
  const boundGroups = bound && new Set(bound.groups.keys());
  const { creatorArn } = reached;
  const facts = { cluster, creatorArn, listed, read, document, boundGroups, leased, asker, roles, now: now() };
  return { type: "checked", ...summarizeEntries(facts), unread, why };
}

async function listInTime(entries: AccessEntries, { name }: Cluster, { withinMs }: ReadingLimits) {
  const listed = await withinTime(entries.list(), withinMs, null);
  if (listed) return listed;
  const late = `EKS did not list the access entries of ${name} within ${withinMs / 1000} s`;
  throw new AccessError("aws-unreachable", late, { remedy: "Try again in a minute." });
}
