import { hash } from "node:crypto";
import { type FailureCode, hasCode } from "../access/access-error.ts";
import { keptWith } from "../access/collections.ts";
import { dueWork, idsOf, otherLeasesInLedger } from "../access/lease/cluster-leases.ts";
import type { OtherLeasesNow } from "../access/lease/lease-record.ts";
import { isMigrationId, type LedgerRecord, type ListName } from "../access/lists.ts";
import type { Migration } from "../access/migration.ts";
import { type Cluster, clusterNameForm } from "../access/policy/cluster.ts";
import type { AccessRequest, ApprovedRequest } from "../access/record.ts";
import { isHeld, isLeaseOver, outdatedRequest, withTrouble } from "../access/request.ts";
import { type ClusterTrouble, failureOf, hasNewCause, nextClusterTry } from "../access/retry.ts";
import type { PreviewPublicKeys } from "../access/seal.ts";
import { isGenuinePreview } from "../access/seals.ts";
import { inParallel } from "../operations/parallel.ts";
import type { ClusterLedger } from "./clusters.ts";
import type { Ledger, RequestLedger } from "./ledger.ts";
import { eventOf, type RecordContext, recordChange } from "./lifecycle.ts";

/** Null: there is none, or it can't be read. */
export function recordWith(
  { get, migrations }: Pick<Ledger, "get" | "migrations">,
  id: string,
): Promise<LedgerRecord | null> {
  return isMigrationId(id) ? migrations.get(id) : get(id);
}

interface LeftOpen {
  readonly requests: number;
  readonly migration: Migration | undefined;
}

/** What is open in clusters that are not configured: no worker handles it. People copy the names into a shell. */
export async function leftOpen(
  ledger: Pick<Ledger, "openByCluster" | "migrations">,
  clusters: ReadonlyMap<string, Cluster>,
): Promise<ReadonlyMap<string, LeftOpen>> {
  const begun = (await ledger.migrations.open()).filter(({ state, begun }) => state === "running" || begun);
  const migrations = new Map(begun.map((each) => [each.cluster, each]));
  const requests = await ledger.openByCluster();
  const names = new Set([...requests.keys(), ...migrations.keys()]);
  const left = [...names].filter((name) => !clusters.has(name) && clusterNameForm.test(name));
  return new Map(left.map((name) => [name, { requests: requests.get(name) ?? 0, migration: migrations.get(name) }]));
}

/** Looks up the other leases of a request's principal, and the one that it extends. */
export async function otherLeasesNow(
  ledger: Pick<RequestLedger, "leasedOf" | "get">,
  request: AccessRequest,
  now: Date,
): Promise<OtherLeasesNow> {
  const shown = request.preview?.leases ?? [];
  const open = await ledger.leasedOf(request.cluster);
  const missing = shown.map(({ id }) => id).filter((id) => !open.some((each) => each.id === id));
  const records = await Promise.all(missing.map((id) => ledger.get(id)));
  const unknown = new Set(missing.filter((_, index) => records[index] === null));
  const ending = idsOf(dueWork(open, now).ending);
  const extended = request.extends === null ? null : await ledger.get(request.extends);
  return {
    leases: otherLeasesInLedger(request, open, unknown, now),
    isExtendedLeaseOver: extended !== null && isLeaseOver(extended, now),
    isOneEnding: shown.some(({ id }) => ending.has(id)),
  };
}

/** The active lease that extends it last, also through ended ones. Null: none, or this one is revoked or out of force. */
export async function continuationOf(
  ledger: Pick<RequestLedger, "extensionsOf">,
  request: AccessRequest,
): Promise<ApprovedRequest | null> {
  return lastHeld(await chainAfter(ledger, request));
}

/** The same, or, if all are over, the one that ended last. Null: that is this one. */
export async function lastOfAccess(
  ledger: Pick<RequestLedger, "extensionsOf">,
  request: AccessRequest,
): Promise<ApprovedRequest | null> {
  const chain = await chainAfter(ledger, request);
  const own = request.lease?.endedAt;
  const over = own ? chain.filter(({ lease }) => lease.endedAt !== null && lease.endedAt > own) : [];
  return lastHeld(chain) ?? over.toSorted((a, b) => byTime(a.lease.endedAt, b.lease.endedAt)).at(-1) ?? null;
}

function lastHeld(chain: readonly ApprovedRequest[]): ApprovedRequest | null {
  const held = chain.filter(isHeld);
  return held.toSorted((a, b) => byTime(a.lease.endsAt, b.lease.endsAt)).at(-1) ?? null;
}

const byTime = (one: string | null, other: string | null) => Date.parse(one ?? "") - Date.parse(other ?? "");

async function chainAfter(ledger: Pick<RequestLedger, "extensionsOf">, request: AccessRequest) {
  const found = new Map<string, ApprovedRequest>();
  const from = [request];
  for (let of = from.pop(); of; of = from.pop()) {
    const { lease } = of;
    if (lease?.end && lease.end.cause !== "expired") continue;
    if (lease?.state !== "ended" && (lease?.state !== "active" || lease.drift)) continue;
    for (const each of await ledger.extensionsOf(of.id)) {
      // A forged circle must not run forever.
      if (each.state !== "approved" || each.id === request.id || found.has(each.id)) continue;
      found.set(each.id, each);
      from.push(each);
    }
  }
  return [...found.values()];
}

/** The first requests of a cluster's list, of everyone. */
export async function listedIn(
  ledger: Pick<RequestLedger, "list">,
  list: ListName,
  cluster: string,
  limit: number,
): Promise<readonly AccessRequest[]> {
  const of = { list, clusters: [cluster], requester: null, match: "any" } as const;
  return (await ledger.list(of, 0, limit)).requests;
}

const maxPending = 100;

export async function openRequestsFor(
  ledger: Pick<RequestLedger, "leasedOf" | "list">,
  cluster: string,
  user: string,
): Promise<readonly AccessRequest[]> {
  const own = { list: "pending", clusters: [cluster], requester: user, match: "both" } as const;
  const [leased, { requests }] = await Promise.all([ledger.leasedOf(cluster), ledger.list(own, 0, maxPending)]);
  return [...leased, ...requests];
}

type TroubleContext = RecordContext<ClusterLedger & RequestLedger> & { readonly now: () => Date };

type Clusters = { readonly clusters: ReadonlyMap<string, Cluster> };

/** Failures to reach the API server or to sign in, which only the client's first call reveals. */
const unreached: readonly FailureCode[] = ["cluster-unreachable", "cluster-unauthorized", "cluster-token-too-large"];

export function isUnreached(error: unknown, isOpen: boolean): boolean {
  return !isOpen || hasCode(error, ...unreached);
}

/** Remembers that a cluster can't be worked on, and the next try. Tries never stop by themselves, so the log has each cause once. */
export async function noteTrouble(context: TroubleContext, cluster: Cluster, error: unknown): Promise<ClusterTrouble> {
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

export async function forgetTrouble(context: TroubleContext, cluster: Cluster): Promise<void> {
  const { ledger, log, now } = context;
  const trouble = (await ledger.clusterTroubles([cluster.name])).get(cluster.name);
  if (!trouble || trouble.overAt !== null) return;
  await ledger.setClusterTrouble(cluster.name, { ...trouble, overAt: now().toISOString() });
  log.info({ cluster: cluster.name, since: trouble.since }, "works on the cluster again");
  await wakeWaiting(context, cluster);
}

interface ChangedContext extends TroubleContext {
  readonly config: Clusters;
  readonly keys: { readonly preview: PreviewPublicKeys };
}

/** A new configuration can be the repair, so it tries waiting requests at once. */
export async function wakeChanged(context: ChangedContext, before: Clusters): Promise<void> {
  const changed = [...context.config.clusters.values()].filter((cluster) => {
    const old = before.clusters.get(cluster.name);
    return old && configurationOf(old) !== configurationOf(cluster);
  });
  await inParallel(changed, async (cluster) => {
    await wakeWaiting(context, cluster);
    await previewAgain(context, cluster);
  });
}

const maxWaiting = 200;

/** The Slack process rejects previews by the configuration before. A worker that still had it can have made one a moment ago. */
async function previewAgain(context: ChangedContext, cluster: Cluster): Promise<void> {
  const at = context.now();
  for (const request of await listedIn(context.ledger, "pending", cluster.name, maxWaiting)) {
    const isOffered = cluster.levels.some(({ name }) => name === request.level);
    if (request.state !== "pending" || !request.preview || !isOffered) continue;
    if (isGenuinePreview(request, cluster, context.keys.preview)) continue;
    const event = eventOf("preview.outdated", request, "worker", at, { why: policyChanged });
    await recordChange(context, request, outdatedRequest(request, policyChanged), event, at);
  }
}

const policyChanged = "the policy changed";

export async function wakeWaiting(context: TroubleContext, cluster: Cluster): Promise<void> {
  const { ledger, now } = context;
  const at = now();
  const pending = await listedIn(ledger, "pending", cluster.name, maxWaiting);
  const waiting = [...(await ledger.leasedOf(cluster.name)), ...pending].filter(
    (request) => request.trouble && Date.parse(request.trouble.retryAt) > at.getTime(),
  );
  await inParallel(waiting, (request) => recordChange(context, request, dueNow(request, at), null, at));
}

function dueNow(request: AccessRequest, now: Date): AccessRequest {
  return withTrouble(request, request.trouble && { ...request.trouble, retryAt: now.toISOString() });
}

/** A digest for each configuration of a cluster. Each sweep needs it for every cluster that can't be worked on. */
export const configurationOf = keptWith((cluster: Cluster) => hash("sha256", JSON.stringify(cluster)).slice(0, 16));
