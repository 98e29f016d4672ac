import { AccessError } from "../../access/access-error.ts";
import { earliest, isSignInShare } from "../../access/lease/lease.ts";
import type { Share } from "../../access/lease/lease-record.ts";
import { type Cluster, sealedClusterOf } from "../../access/policy/cluster.ts";
import { withoutRolePath } from "../../access/principal.ts";
import type { MemoryKeys } from "../../access/seal.ts";
import { type AccessEntry, readHoldingTags } from "../../access-entry/index.ts";
import type { AccessEntries } from "../../aws/access-entries.ts";
import { whileOpen } from "../../kubernetes/cluster-client.ts";
import type { Ledger } from "../../ledger/ledger.ts";
import type { QueuesToWake } from "../../ledger/queues.ts";
import { requestIds } from "../../operations/announcements.ts";
import type { WorkerContext } from "../context.ts";
import { seenCreation } from "../discover-creator.ts";
import { openCluster } from "../open-cluster.ts";
import { reconcileWay } from "../reconcile/reconcile-way.ts";
import type { Settlement, WayAdapter, WayContext, WayState } from "../reconcile/way-adapter.ts";
import { waysIn, waysToEnd } from "../reconcile/ways.ts";
import { endRescuesByTags } from "../rescue/adopt-rescues.ts";

export type WithoutLedgerContext = Omit<WorkerContext, "ledger" | "queues">;

interface EndedWithoutLedger {
  readonly ended: readonly string[];
  readonly left: readonly string[];
  /** When the next lease ends there, ISO 8601; null: the cluster remembers none. */
  readonly nextEnd: string | null;
  /** One for each way that failed; the others went on. */
  readonly failures: readonly unknown[];
}

/**
 * Ends the leases of one cluster that its own sealed memory says are over or revoked. It begins, extends and repairs
 * nothing. It can run beside others, because each way has its own fence. The cluster remembers when each lease was
 * removed, for the ledger that comes back.
 */
export async function endWithoutLedger(
  withoutLedger: WithoutLedgerContext,
  configured: Cluster,
): Promise<EndedWithoutLedger> {
  const cluster = { ...configured, drift: "report" } as const;
  const forCalls = { awsRequests: requestIds(), auditIds: requestIds() };
  const context = { ...withoutLedger, ...forCalls, ledger: noLedger(withoutLedger.now), queues: noQueues };
  const byTags = endRescuesByTags(context, cluster).then((ended) => ({ ...nothing, ...ended }));
  return together(await Promise.all([byTags.catch(failed), endLeases(context, cluster).catch(failed)]));
}

const nothing: EndedWithoutLedger = { ended: [], left: [], nextEnd: null, failures: [] };

function failed(error: unknown): EndedWithoutLedger {
  return { ...nothing, failures: [error] };
}

async function endLeases(context: WorkerContext, cluster: Cluster): Promise<EndedWithoutLedger> {
  return whileOpen((context.openCluster ?? openCluster)(context, cluster, []), async (opened) => {
    const entries = opened.entries && guardedEntries(opened.entries, sealedClusterOf(cluster), context.keys.memory);
    const place = { context, cluster, opened: { ...opened, entries } };
    let unlisted = nothing;
    const ways = await waysIn(place, async () => [], "all", []).catch((error: unknown) => {
      unlisted = failed(error);
      return waysToEnd(place, error);
    });
    const inDocument = await endByWay(place, ways.document).catch(failed);
    const inEntries = await endByWay(place, ways.entries).catch(failed);
    return together([unlisted, inDocument, inEntries, await endByWay(place, ways.bindings).catch(failed)]);
  });
}

async function endByWay<State extends WayState, Decided extends Settlement>(
  { context, cluster, opened }: WayContext,
  way: WayAdapter<State, Decided> | null,
): Promise<EndedWithoutLedger> {
  if (!way) return nothing;
  const before = await memoryIn(way, context.now());
  if (before.over.length === 0) return { ...nothing, nextEnd: before.nextEnd };
  await reconcileWay({ context, cluster, opened }, way, { onlyEnds: true, withoutLedger: true });
  const after = await memoryIn(way, context.now());
  const left = new Set(after.over);
  return { ...nothing, ended: before.over.filter((id) => !left.has(id)), left: after.over, nextEnd: after.nextEnd };
}

/** @throws AccessError if the memory is not ours: no end in it can be trusted */
async function memoryIn(
  way: Pick<WayAdapter<WayState, Settlement>, "read">,
  now: Date,
): Promise<{ readonly over: readonly string[]; readonly nextEnd: string | null }> {
  const { holdings, withdrawals, untrusted } = await way.read([]);
  const shares = [...holdings.values()].flatMap((holding) => holding.shares).filter((share) => !isSignInShare(share));
  if (untrusted !== null && shares.length === 0) throw new AccessError("cluster-unexpected", untrusted);
  const revoked = new Set(withdrawals.list.map(({ id }) => id));
  const isOver = ({ id, endsAt }: Share) => revoked.has(id) || Date.parse(endsAt) <= now.getTime();
  const over = new Set(shares.filter(isOver).map(({ id }) => id));
  return { over: [...over], nextEnd: earliestOf(shares.filter((share) => !isOver(share)).map(({ endsAt }) => endsAt)) };
}

function together(results: readonly EndedWithoutLedger[]): EndedWithoutLedger {
  return {
    ended: results.flatMap(({ ended }) => ended),
    left: results.flatMap(({ left }) => left),
    nextEnd: earliestOf(results.flatMap(({ nextEnd }) => nextEnd ?? [])),
    failures: results.flatMap(({ failures }) => failures),
  };
}

function earliestOf(times: readonly string[]): string | null {
  return times.length > 0 ? earliest(times) : null;
}

/**
 * The access entries for a run without the ledger, which gives nothing. EKS keeps no versions, and the ledger can't
 * tell this run that another one has begun. But each run writes a claim into the tags before it gives a lease, so this
 * one reads the entry right before each call and stops at a new claim.
 * @param cluster by `sealedClusterOf`
 */
export function guardedEntries(entries: AccessEntries, cluster: string, keys: MemoryKeys): AccessEntries {
  /** By ARN: the leases in the entry when this run read it; null: its tags are not ours. */
  const read = new Map<string, ReadonlySet<string> | null>();
  const claimsOf = (entry: AccessEntry | null): ReadonlySet<string> | null => {
    if (!entry) return new Set();
    const reading = readHoldingTags(cluster, withoutRolePath(entry.principalArn), entry, keys);
    if (reading.type === "untrusted") return null;
    return new Set(reading.type === "holding" ? reading.holding.shares.map(({ id }) => id) : []);
  };
  const describe = async (arn: string) => {
    const entry = await entries.describe(arn);
    read.set(arn, claimsOf(entry));
    return entry;
  };
  const ifUnclaimed = async <T>(arn: string, change: () => Promise<T>): Promise<T> => {
    const before = read.get(arn);
    const claims = claimsOf(await entries.describe(arn));
    if (before && claims && [...claims].every((id) => before.has(id))) return change();
    throw new AccessError("access-entry-conflict", `Another run has begun to change ${arn}`);
  };
  const gives = (arn: string) => {
    throw new AccessError("access-entry-conflict", `A worker without the ledger gives no access to ${arn}`);
  };
  return {
    ...entries,
    describe,
    create: async ({ principalArn }) => gives(principalArn),
    associate: async (arn) => gives(arn),
    tag: (about, tags) => ifUnclaimed(about.principalArn, () => entries.tag(about, tags)),
    untag: (about, keysToRemove) => ifUnclaimed(about.principalArn, () => entries.untag(about, keysToRemove)),
    setGroups: (arn, groups) => ifUnclaimed(arn, () => entries.setGroups(arn, groups)),
    disassociate: (arn, name) => ifUnclaimed(arn, () => entries.disassociate(arn, name)),
    remove: (arn) => ifUnclaimed(arn, () => entries.remove(arn)),
  };
}

/** Knows no request, so a run only ends leases that the cluster says are over. It refuses each write: it would be lost. */
function noLedger(now: () => Date): Ledger {
  return refusing<Ledger>({
    get: async () => null,
    leasedOf: async () => [],
    isPermanentLeaseOver: async () => false,
    eventsOf: async () => [],
    // An event goes only into the process's log.
    note: async () => {},
    revertedAt: async () => new Map<string, Date>(),
    noteReverted: async () => {},
    creation: async (clusterArn) => seenCreation(clusterArn),
    rememberCreation: async () => {},
    lastAcceptedAt: async () => null,
    rememberAccepted: async () => {},
    ...turnsOfThisProcess(now),
    // Only this process knows its runs: `guardedEntries` is the fence instead.
    beginRun: async () => "",
    isNewestRun: async () => true,
    migrations: refusing<Ledger["migrations"]>({}),
  });
}

function refusing<T extends object>(known: Partial<T>): T {
  return new Proxy(known as T, { get: (own, name) => Reflect.get(own, name) ?? lost });
}

async function lost(): Promise<never> {
  throw new AccessError("ledger-unreachable", "This worker works without the ledger");
}

const noQueue = { add: lost, addBulk: lost, getJobCounts: lost };
const noQueues: QueuesToWake = { clusters: noQueue, ends: noQueue, messages: noQueue };

function turnsOfThisProcess(now: () => Date): Pick<Ledger, "takeTurn" | "claimTurn" | "keepTurn" | "isTurnKept"> {
  const takenUntil = new Map<string, number>();
  const isTaken = (name: string) => (takenUntil.get(name) ?? 0) > now().getTime();
  const keepTurn = async (name: string, forMs: number) => void takenUntil.set(name, now().getTime() + forMs);
  const takeTurn = async (name: string, everyMs: number) => {
    if (isTaken(name)) return false;
    await keepTurn(name, everyMs);
    return true;
  };
  return { takeTurn, claimTurn: takeTurn, keepTurn, isTurnKept: async (name) => isTaken(name) };
}
