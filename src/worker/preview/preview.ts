import { AccessError } from "../../access/access-error.ts";
import { identityInAccountOf, needsEmail } from "../../access/identities.ts";
import { dueWork, idsOf, orphanedShares, sharesToKeep } from "../../access/lease/cluster-leases.ts";
import { planReminders } from "../../access/lists.ts";
import type { Cluster } from "../../access/policy/cluster.ts";
import { dangerWarnings } from "../../access/policy/dangers.ts";
import { bindsRoles, kubernetesGroups } from "../../access/policy/policy-text.ts";
import { mastersRight } from "../../access/policy/rights.ts";
import { entryArnsByPrincipal } from "../../access/principal.ts";
import type { AccessRequest, ApprovedRequest, PendingRequest, Preview } from "../../access/record.ts";
import { startOf } from "../../access/redact.ts";
import { isLeaseOver, previewedRequest } from "../../access/request.ts";
import { failureOf, waitsForRepair } from "../../access/retry.ts";
import { isAcceptedLink, sealPreview } from "../../access/seals.ts";
import { eventOf, recordChange } from "../../ledger/lifecycle.ts";
import { knownIdentitiesOf } from "../../ledger/links.ts";
import { forgetTrouble, isUnreached, noteTrouble } from "../../ledger/look-ups.ts";
import { wake } from "../../ledger/queues.ts";
import { inTurns, once } from "../../operations/parallel.ts";
import { tracedRun } from "../../operations/traced.ts";
import type { WorkerContext } from "../context.ts";
import { closeEndedExtension, closeRefused, recordDelay } from "../due-change.ts";
import { type OpenedCluster, openCluster } from "../open-cluster.ts";
import { noOtherNames, otherNames } from "../reconcile/entry-state.ts";
import type {
  OtherNames,
  RequestedChange,
  Settlement,
  WayAdapter,
  WayContext,
  WayState,
} from "../reconcile/way-adapter.ts";
import { waysIn } from "../reconcile/ways.ts";
import { type PreviewFacts, planPreview } from "./plan-preview.ts";
import { gravestFirst } from "./preview-warnings.ts";

/** The next look takes the rest, which bounds a look's memory. */
const maxAtOnce = 200;

/** The clock of a Slack process can be ahead of the worker's: a new request waits for neither. */
const aheadMs = 5 * 60_000;

/** Previews every waiting request before the approvers are asked. All share one read. */
export async function previewCluster(context: WorkerContext, cluster: Cluster): Promise<void> {
  const now = context.now();
  const due = await context.ledger.duePendingOf(cluster.name, new Date(now.getTime() + aheadMs), maxAtOnce);
  const waiting = due.filter((request) => needsPreview(request, now));
  if (waiting.length === 0) return;
  await tracedRun(context, `preview ${cluster.name}`, { "eks_access.cluster": cluster.name }, waiting, (running) =>
    previewAll(running, cluster, waiting),
  );
  if (due.length === maxAtOnce) await wake(context.queues, { type: "preview", cluster: cluster.name });
}

async function previewAll(context: WorkerContext, cluster: Cluster, waiting: readonly PendingRequest[]): Promise<void> {
  let opened: OpenedCluster | null = null;
  try {
    opened = listedOnce(await (context.openCluster ?? openCluster)(context, cluster, waiting));
    const ways = await waysIn({ context, cluster, opened }, async () => waiting, "due", waiting);
    const bindings = await opened.client.roleBindings().catch(() => null);
    const others = await namesBeside(opened, waiting);
    const leased = await context.ledger.leasedOf(cluster.name);
    const earlierOf = once((requester: string) => context.ledger.ofRequester(requester, remembered));
    const look = { context, cluster, opened, bindings, others, leased, waiting, earlierOf };
    const failures = [
      ways.document && (await previewWay(look, ways.document)),
      ways.entries && (await previewWay(look, ways.entries)),
      ways.bindings && (await previewWay(look, ways.bindings)),
    ];
    const unreached = failures.find((failure) => failure && isUnreached(failure, true));
    if (unreached) await noteTrouble(context, cluster, unreached);
    else if (!failures.some(Boolean)) await forgetTrouble(context, cluster);
    context.failures.over("preview failed", { cluster: cluster.name });
  } catch (error) {
    const isReached = !isUnreached(error, opened !== null);
    const trouble = isReached ? null : await noteTrouble(context, cluster, error);
    if (isReached) context.failures.failed("preview failed", { cluster: cluster.name }, error);
    await postponeAll(context, waiting, error, trouble?.retryAt);
  } finally {
    opened?.close();
  }
}

/** A cluster can have hundreds of access entries: a look lists them once. */
function listedOnce(opened: OpenedCluster): OpenedCluster {
  const { entries } = opened;
  return { ...opened, entries: entries && { ...entries, list: once(entries.list) } };
}

interface Look extends WayContext {
  readonly bindings: PreviewFacts["bindings"];
  readonly others: OtherNames;
  readonly leased: readonly ApprovedRequest[];
  readonly waiting: readonly PendingRequest[];
  readonly earlierOf: (requester: string) => Promise<readonly AccessRequest[]>;
}

/** A lease by bindings must not take another principal's name. */
async function namesBeside({ entries }: OpenedCluster, waiting: readonly PendingRequest[]): Promise<OtherNames> {
  if (!entries) return noOtherNames;
  return otherNames(entries, (arns) => {
    const known = entryArnsByPrincipal(arns);
    return waiting.some(({ groups, principal }) => bindsRoles(groups) || !known.has(principal.toLowerCase()));
  });
}

/** An unreadable way must not delay requests of the other one. @returns the failure; null: none */
async function previewWay<State extends WayState, Decided extends Settlement>(
  look: Look,
  adapter: WayAdapter<State, Decided>,
): Promise<Error | null> {
  const { context, cluster, leased } = look;
  const waiting = look.waiting.filter(adapter.isTaken);
  if (waiting.length === 0) return null;
  const about = { cluster: cluster.name, way: adapter.way };
  try {
    const open = leased.filter(adapter.isTaken);
    const state = await adapter.read([...open, ...waiting]);
    const leases = leasesIn(state, open, context.now());
    const changeOf = (requested: RequestedChange) => adapter.preview(state, requested);
    for (const request of waiting) await previewRequest(look, request, { way: adapter.way, changeOf, leases });
    context.failures.over("preview failed", about);
    return null;
  } catch (error) {
    // `noteTrouble` logs the others.
    if (!isUnreached(error, true)) context.failures.failed("preview failed", about, error);
    await postponeAll(context, waiting, error);
    return error instanceof Error ? error : null;
  }
}

/** All leases of the cluster, ending ones included until they are gone. */
function leasesIn(
  { holdings, identityOf }: WayState,
  open: readonly ApprovedRequest[],
  now: Date,
): PreviewFacts["leases"] {
  const { beginning, ending, inForce } = dueWork(open, now);
  const ids = idsOf(open);
  const rememberedOf = (key: string) => {
    const holding = holdings.get(key);
    return holding ? sharesToKeep(orphanedShares(holding, ids), new Set(), now) : [];
  };
  const found = { rememberedOf, holdings, identityOf };
  return { ...found, beginning, inForce: [...ending, ...inForce], ending: idsOf(ending) };
}

async function postponeAll(
  context: WorkerContext,
  waiting: readonly PendingRequest[],
  error: unknown,
  notBefore?: string,
): Promise<void> {
  for (const request of waiting) {
    if (error instanceof AccessError && error.isFinal) {
      await closeRefused(context, request, { code: error.code, message: error.message });
    } else await recordDelay(context, request, { ...failureOf(error), notBefore });
  }
}

function needsPreview(request: AccessRequest, now: Date): request is PendingRequest {
  const { state, preview, trouble, expiresAt } = request;
  if (state !== "pending" || preview || Date.parse(expiresAt) <= now.getTime()) return false;
  return !trouble || Date.parse(trouble.retryAt) <= now.getTime();
}

async function previewRequest(
  look: Look,
  request: PendingRequest,
  seen: Pick<PreviewFacts, "way" | "changeOf" | "leases">,
): Promise<void> {
  const { context, cluster, bindings, others } = look;
  const now = context.now();
  const extended = request.extends === null ? null : await context.ledger.get(request.extends);
  if (extended && isLeaseOver(extended, now)) return closeEndedExtension(context, request);
  const earlier = await look.earlierOf(request.requester);
  const linked = await identityOf(context, cluster, request);
  const linksCount = context.config.identities.sources.some(({ type }) => type === "links");
  const facts = { ...seen, cluster, bindings, others, linked, linksCount, earlier, now };
  const planned = await inTurns(planPreview(facts, request));
  if (planned.type === "refused") {
    const { refusal } = planned;
    // A broken aws-auth is not the request's fault: it waits for the repair.
    const isWaiting = waitsForRepair(refusal.code);
    return isWaiting ? recordDelay(context, request, refusal) : closeRefused(context, request, refusal);
  }
  const { approvalsWanted } = planned;
  const { rights, warnings } = await withRights(planned.preview, request, look);
  const unread = bindings && !rights ? ["Rights unknown: couldn't read the cluster's RBAC."] : [];
  const unsealed = {
    ...planned.preview,
    rights: rights?.map((right) => ({ ...right, allows: start(right.allows) })) ?? null,
    warnings: gravestFirst([...unread, ...warnings]).map(start),
  };
  const preview = sealPreview(request, unsealed, context.keys.preview);
  const event = eventOf("request.previewed", request, "worker", now, { digest: preview.digest });
  const reminders = planReminders(now, request.expiresAt, context.config.timing.remindAfterSeconds);
  await recordChange(context, request, previewedRequest(request, { preview, approvalsWanted, reminders }), event, now);
}

/** The API server bounds no word of a role's rules, and who can create RoleBindings can bind any role to a level's group. */
function start(text: string): string {
  return startOf(text, 2_000);
}

/** Enough to know whether a person had this access before, newest first. */
const remembered = 200;

/** The requester's own identity in the principal's account: by a deliberate link, or found by a worker. */
async function identityOf(
  context: WorkerContext,
  cluster: Cluster,
  { requester, principal }: AccessRequest,
): Promise<PreviewFacts["linked"]> {
  const { config, keys } = context;
  const { links, found } = await knownIdentitiesOf(context, requester, cluster);
  const { mustBeConfirmed } = config.linking;
  const believed = links.filter((link) => isAcceptedLink(requester, link, mustBeConfirmed, keys.decision));
  const known = identityInAccountOf(config.identities, cluster, { links: believed, found }, principal);
  return known ?? (needsEmail(config.identities) && !found ? undefined : null);
}

/** With those of groups. Null: unreadable, which must not delay the approvers. */
async function withRights(
  { rights, warnings }: Partial<Pick<Preview, "rights">> & Pick<Preview, "warnings">,
  request: AccessRequest,
  { opened, bindings }: Look,
): Promise<Pick<Preview, "rights" | "warnings">> {
  if (rights) return { rights, warnings };
  const groups = kubernetesGroups(request.groups);
  const bound = groups.filter((group) => group !== mastersRight.group);
  const found = bindings && (await opened.client.groupRights(bindings.groups, bound).catch(() => null));
  if (!found) return { rights: null, warnings };
  return {
    rights: [...(groups.includes(mastersRight.group) ? [mastersRight] : []), ...found.rights],
    warnings: [...warnings, ...dangerWarnings(found.bound, opened.mode !== "API")],
  };
}
