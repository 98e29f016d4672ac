import { groupsIn } from "../access-entry/policy-text.ts";
import type { Way } from "../access-entry/way.ts";
import { sealPreview } from "../approval/seal-preview.ts";
import { AccessError, explain } from "../failure/access-error.ts";
import type { Cluster, Level } from "../policy/cluster.ts";
import { hoursInWords } from "../policy/hours.ts";
import { mayAsk } from "../policy/may-ask.ts";
import { mastersRight } from "../policy/rights.ts";
import { approvalsNeeded, isOutside, type Rule } from "../policy/rule.ts";
import { readPrincipal } from "../principal/arn.ts";
import { digestOfChange } from "../request/digest.ts";
import { planReminders } from "../request/reminder.ts";
import { type AccessRequest, type Preview, revise } from "../request/request.ts";
import { nextTry } from "../request/retry.ts";
import { tracedRun } from "../tracing/request-traces.ts";
import { type ClusterState, readClusterState } from "./cluster-state.ts";
import type { WorkerContext } from "./context.ts";
import { type EntryState, readEntryState } from "./entry-state.ts";
import { type OpenedCluster, openCluster } from "./open-cluster.ts";
import { previewByEntry } from "./preview-entry.ts";
import { previewInDocument } from "./preview-in-document.ts";
import { type WarningFacts, warningsOf } from "./preview-warnings.ts";
import { eventOf, recordChange } from "./record-change.ts";
import { waysIn } from "./ways.ts";

/** Looks at a cluster for every request that waits to be previewed, before anybody is asked. One read serves all. */
export async function previewCluster(context: WorkerContext, cluster: Cluster): Promise<void> {
  const now = context.now();
  const requests = await context.ledger.openOf(cluster.name);
  const waiting = requests.filter((request) => needsPreview(request, now));
  if (waiting.length === 0) return;
  const about = { "eks_access.cluster": cluster.name };
  await tracedRun(context, `preview ${cluster.name}`, about, waiting, (running) =>
    previewAll(running, cluster, requests, waiting),
  );
}

/** One look at the cluster, of which these requests are all that are open and wait. */
async function previewAll(
  context: WorkerContext,
  cluster: Cluster,
  requests: readonly AccessRequest[],
  waiting: readonly AccessRequest[],
): Promise<void> {
  let open: OpenedCluster | null = null;
  try {
    open = await (context.openCluster ?? openCluster)(context, cluster, waiting);
    const { wayOf, hasDocument } = await waysIn(open, cluster);
    const needsDocument = hasDocument || waiting.some(({ principal }) => wayOf(principal) === "aws-auth");
    const state = needsDocument ? await readClusterState(open, cluster, context.sealKeys, requests) : null;
    const byEntry = open.entries && { entries: open.entries, creatorArn: open.creatorArn };
    const entries = byEntry && (await readEntryState(byEntry, cluster, context.sealKeys, requests));
    const bindings = await open.client.groupBindings().catch(() => null);
    for (const request of waiting) {
      const seen = { way: wayOf(request.principal), state, entries, bindings, opened: open };
      await previewRequest(context, cluster, request, seen);
    }
  } catch (error) {
    context.log.warn({ cluster: cluster.name, err: error }, "preview failed");
    for (const request of waiting) await putOff(context, request, error);
  } finally {
    open?.close();
  }
}

/** What one look at a cluster gives for a request that waits. */
interface Seen {
  /** How the cluster would take it. */
  readonly way: Way;
  /** Null: there is no document that it goes by. */
  readonly state: ClusterState | null;
  /** Null: it knows no access entries. */
  readonly entries: EntryState | null;
  readonly bindings: WarningFacts["bindings"];
  readonly opened: OpenedCluster;
}

function needsPreview(request: AccessRequest, now: Date): boolean {
  const { state, preview, trouble, lapsesAt } = request;
  if (state !== "pending" || preview || Date.parse(lapsesAt) <= now.getTime()) return false;
  return !trouble || Date.parse(trouble.retryAt) <= now.getTime();
}

async function previewRequest(
  context: WorkerContext,
  cluster: Cluster,
  request: AccessRequest,
  seen: Seen,
): Promise<void> {
  const now = context.now();
  const level = cluster.levels.find((each) => each.name === request.level);
  const planned = level
    ? planPreview(context, cluster, level, request, { ...seen, earlier: await earlierOf(context, request) })
    : refused("level-not-offered", `${cluster.name} does not offer ${request.level} any more.`);
  if (planned.type === "refused") return refuse(context, request, planned.refusal, now);
  const { approvalsWanted } = planned;
  const unsealed = { ...planned.preview, rights: await rightsOf(request, seen) };
  const preview = sealPreview(request, unsealed, context.sealKeys);
  const event = eventOf("request.previewed", request, "worker", now, { digest: preview.digest });
  const reminders = planReminders(now, request.lapsesAt, context.config.timing.remindAfterSeconds);
  await recordChange(context, revise(request, { preview, approvalsWanted, reminders, trouble: null }), event, now);
}

/** Enough to know whether somebody had this access before; the newest come first. */
const remembered = 200;

function earlierOf({ ledger }: WorkerContext, { requester }: AccessRequest): Promise<readonly AccessRequest[]> {
  return ledger.ofRequester(requester, remembered);
}

/** Null: they could not be read, which must not keep anybody from being asked. */
async function rightsOf(request: AccessRequest, { opened, bindings }: Seen): Promise<Preview["rights"]> {
  if (!bindings) return null;
  const groups = groupsIn(request.groups);
  const bound = groups.filter((group) => group !== mastersRight.group);
  const rights = await opened.client.groupRights(bindings, bound).catch(() => null);
  return rights && [...(groups.includes(mastersRight.group) ? [mastersRight] : []), ...rights];
}

type PreviewPlan =
  | { readonly type: "preview"; readonly preview: Omit<Preview, "rights" | "seal">; readonly approvalsWanted: number }
  | { readonly type: "refused"; readonly refusal: { readonly code: string; readonly message: string } };

/** What would change, and for whom; or why it can't be done. */
function planPreview(
  context: WorkerContext,
  cluster: Cluster,
  level: Level,
  request: AccessRequest,
  seen: Seen & Pick<WarningFacts, "earlier">,
): PreviewPlan {
  const now = context.now();
  const reading = readPrincipal(request.principal);
  if (reading.type === "invalid") return refused(reading.code, reading.message);
  const { principal } = reading;
  const allowed = mayAsk({ ...request, cluster, level, principal }, null);
  if (allowed.type === "refused") return refused(allowed.code, allowed.message);
  const { way, state, entries, bindings, earlier } = seen;
  const change =
    way === "access-entry" && entries
      ? previewByEntry(context, cluster, entries, request, principal)
      : previewInDocument(context, cluster, level, request, principal, state);
  if (change.type === "refused") return change;
  const { type: _, ...shown } = change;
  const seenThere = way === "aws-auth" ? state : null;
  return {
    type: "preview",
    approvalsWanted: approvalsNeeded(allowed.rule, level, now),
    preview: {
      at: now.toISOString(),
      digest: digestOfChange(request, cluster, level, change.base, way),
      ...shown,
      warnings: [
        ...outsideHours(allowed.rule, now),
        ...warningsOf(cluster, request, {
          ...{ principal, bindings, earlier },
          document: seenThere?.document ?? null,
          annotations: seenThere?.configMap?.annotations ?? {},
        }),
      ],
    },
  };
}

function outsideHours(rule: Rule, now: Date): string[] {
  if (!rule.hours || !isOutside(rule, now)) return [];
  const more = rule.hours.outside === "one-more-approval" ? ", where it takes one approval more" : "";
  return [`Asked outside working hours${more}: they are ${hoursInWords(rule.hours)}.`];
}

async function putOff(context: WorkerContext, request: AccessRequest, error: unknown): Promise<void> {
  const now = context.now();
  if (error instanceof AccessError && !error.retryable) {
    return refuse(context, request, { code: error.code, message: error.message }, now);
  }
  const known = error instanceof AccessError ? error : null;
  const trouble = nextTry(
    request,
    { code: known?.code ?? "unexpected", message: explain(error), retryAfterMs: known?.retryAfterMs },
    now,
  );
  const event = eventOf("request.delayed", request, "worker", now, { code: trouble.code, attempts: trouble.attempts });
  await recordChange(context, revise(request, { trouble }), event, now);
}

async function refuse(
  context: WorkerContext,
  request: AccessRequest,
  refusal: { readonly code: string; readonly message: string },
  now: Date,
): Promise<void> {
  const { code, message } = refusal;
  const event = eventOf("request.refused", request, "worker", now, { code });
  await recordChange(
    context,
    revise(request, { state: "refused", refusal: { code, message }, trouble: null }),
    event,
    now,
  );
}

function refused(code: string, message: string): PreviewPlan {
  return { type: "refused", refusal: { code, message } };
}
