import { type AuditEvent, type ChainedEvent, chainHash, genesis } from "../../src/access/audit-event.ts";
import {
  classOf,
  isMigration,
  isRequest,
  keepsIdAfterRemoval,
  type LedgerRecord,
  positionInList,
  recordClosedSince,
  recordDueAt,
  shouldBeGoneAt,
} from "../../src/access/lists.ts";
import { type Migration, migrationNumber } from "../../src/access/migration.ts";
import { type AccessRequest, type ApprovedRequest, askerOf, isTheirs } from "../../src/access/record.ts";
import { isClosed } from "../../src/access/request.ts";
import { digestOfEvent } from "../../src/access/seal.ts";
import type { CommitResult, Ledger, LedgerChange } from "../../src/ledger/ledger.ts";
import type { ListOf } from "../../src/ledger/lists.ts";
import type { ShownMessages } from "../../src/ledger/stored.ts";
import { memoryClusters, memoryFleet, memoryLinks, memoryTurns } from "./memory-ports.ts";

/**
 * The ledger in memory, for tests that need one and for the model of the real one. Passes test/ledger/contract.ts.
 * @param records where the requests are, for who writes there past the ledger
 */
export function memoryLedger(records = new Map<string, AccessRequest>(), events: ChainedEvent[] = []): Ledger {
  const migrations = new Map<string, Migration>();
  /** What is kept of each record that was read or committed here. */
  const bases = new WeakMap<LedgerRecord, LedgerRecord>();
  const unshown = new Set<string>();
  const shown = new Map<string, ShownMessages>();
  const threads = new Map<string, readonly string[]>();
  const homes = new Map<string, string>();
  const outdated = new Map<string, string>();
  const ofNoRecord = new Set<number>();
  const postponed = new Map<string, number>();
  const overForGood = new Set<string>();
  const all = () => [...records.values()];
  const everything = (): LedgerRecord[] => [...all(), ...migrations.values()];
  const stored = (id: string): LedgerRecord | null => records.get(id) ?? migrations.get(id) ?? null;
  const store = (record: LedgerRecord) =>
    isMigration(record) ? migrations.set(record.id, record) : records.set(record.id, record);
  const ofCluster = (cluster: string) =>
    [...migrations.values()]
      .filter((migration) => migration.cluster === cluster)
      .sort((a, b) => migrationNumber(b) - migrationNumber(a));

  const commit = ({ before, after, event, maxPending = Number.POSITIVE_INFINITY }: LedgerChange): CommitResult => {
    const current = stored(after.id);
    const base = before && bases.get(before);
    if ((current?.version ?? 0) !== after.version - 1 || (base && base !== current)) {
      const isAgain = event === null && current !== null && JSON.stringify(current) === JSON.stringify(after);
      return isAgain ? { type: "committed" } : { type: "conflict", current };
    }
    const waiting = all().filter((each) => askerOf(each) === askerOf(after) && each.state === "pending");
    if (waiting.length >= maxPending) return { type: "conflict", current };
    const kept = structuredClone(after);
    bases.set(after, kept).set(kept, kept);
    store(kept);
    postponed.delete(after.id);
    unshown.add(after.id);
    if (event) append(event);
    return { type: "committed" };
  };
  const append = (event: AuditEvent) => {
    const previous = events.at(-1)?.hash ?? genesis;
    const hash = chainHash(previous, digestOfEvent(event));
    events.push({ sequence: events.length + 1, event: structuredClone(event), previous, hash });
  };

  return {
    ...memoryLinks(append),
    ...memoryTurns(),
    ...memoryClusters(),
    ...memoryFleet(),
    migrations: {
      get: async (id) => migrations.get(id) ?? null,
      latestOf: async (cluster) => ofCluster(cluster)[0] ?? null,
      open: async () => [...migrations.values()].filter((migration) => recordDueAt(migration) !== null),
    },
    isPermanentLeaseOver: async (id) => overForGood.has(id),
    whyUnreadable: async () => null,
    get: async (id) => records.get(id) ?? null,
    commit: async (change) => commit(change),
    note: async (event) => {
      append(event);
      if (!stored(event.request)) ofNoRecord.add(events.length);
    },
    due: async (now, limit, isKnown = () => false) =>
      dueFirst(everything(), now)
        .filter((record) => !isKnown(record.id, recordDueAt(record) ?? Number.NaN))
        .slice(0, limit),
    overdue: async (since, limit) => overdueFirst(all(), since).slice(0, limit),
    extensionsOf: async (id) =>
      newestFirst(all().filter((each) => each.extends === id && (!isClosed(each) || each.lease !== null))).toReversed(),
    counts: async () => countedBy(all(), classOf),
    openByCluster: async () =>
      countedBy(
        all().filter((each) => !isClosed(each)),
        ({ cluster }) => cluster,
      ),
    leasedOf: async (cluster) =>
      listed(all(), { list: "leased", clusters: [cluster], requester: null, match: "any" }).filter(
        (request) => request.state === "approved",
      ),
    duePendingOf: async (cluster, now, limit) =>
      dueFirst(all(), now)
        .filter((each) => each.cluster === cluster && each.state === "pending")
        .slice(0, limit),
    ofRequester: async (user, limit) => newestFirst(all().filter((each) => each.requester === user)).slice(0, limit),
    list: async (of, offset, limit) => {
      const found = listed(all(), of);
      return { requests: found.slice(offset, offset + limit), total: found.length };
    },
    takeClosed: async ({ before, postponedUntil, limit }) => {
      const taken = closedFirst(everything(), postponed, before).slice(0, limit);
      for (const { id } of taken) postponed.set(id, postponedUntil.getTime());
      return taken;
    },
    remove: async ({ id, version, cluster }) => {
      const found = stored(id);
      if (!found) return true;
      const isExtended = all().some((each) => each.extends === id && !isClosed(each));
      if (isExtended || unshown.has(id) || ofCluster(cluster)[0]?.id === id) return false;
      if (found.version !== version || recordDueAt(found) !== null) return false;
      if (isRequest(found) && keepsIdAfterRemoval(found)) overForGood.add(id);
      for (const kept of [records, migrations, shown, threads, postponed]) kept.delete(id);
      return true;
    },
    unshown: async (limit) => [...unshown].slice(0, limit),
    shown: async (id) => shown.get(id) ?? null,
    markShown: async (id, what) => {
      const newest = stored(id)?.version;
      if (newest === undefined) return;
      shown.set(id, what);
      if (newest === what.version) unshown.delete(id);
      else unshown.add(id);
    },
    outdated: async () => new Map(outdated),
    outdatedIn: async (id) => outdated.get(id) ?? null,
    rememberOutdated: async (id, channel) => void (channel === null ? outdated.delete(id) : outdated.set(id, channel)),
    threadEntryNames: async (id) => threads.get(id) ?? [],
    addThreadEntries: async (id, names) => void threads.set(id, [...(threads.get(id) ?? []), ...names]),
    rememberHome: async (user, hash) => void homes.set(user, hash),
    homesOf: async (users) => new Map([...homes].filter(([user]) => users?.includes(user) ?? true)),
    append: async (event) => append(event),
    logFlaw: async () => null,
    events: async (from, limit) => events.filter((each) => each.sequence >= from).slice(0, limit),
    eventsOf: async (id, limit) =>
      events.filter(({ event, sequence }) => event.request === id && !ofNoRecord.has(sequence)).slice(-limit),
  };
}

function overdueFirst(records: readonly AccessRequest[], since: Date): readonly ApprovedRequest[] {
  const placed = records
    .filter((request) => request.state === "approved")
    .map((request) => ({ request, at: shouldBeGoneAt(request) ?? Number.POSITIVE_INFINITY }))
    .filter(({ at }) => at <= since.getTime());
  return placed.sort((one, other) => one.at - other.at).map(({ request }) => request);
}

function countedBy(records: readonly AccessRequest[], nameOf: (record: AccessRequest) => string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const record of records) counts.set(nameOf(record), (counts.get(nameOf(record)) ?? 0) + 1);
  return counts;
}

function dueFirst<Kept extends LedgerRecord>(records: readonly Kept[], now: Date): Kept[] {
  return records
    .flatMap((record) => {
      const due = recordDueAt(record);
      return due === null || due > now.getTime() ? [] : [{ record, due }];
    })
    .sort((a, b) => a.due - b.due || compare(a.record.id, b.record.id))
    .map(({ record }) => record);
}

function closedFirst(
  records: readonly LedgerRecord[],
  postponed: ReadonlyMap<string, number>,
  before: Date,
): LedgerRecord[] {
  return records
    .flatMap((record) => {
      const closed = recordClosedSince(record);
      const since = closed === null ? null : (postponed.get(record.id) ?? closed);
      return since === null || since > before.getTime() ? [] : [{ record, since }];
    })
    .sort((a, b) => a.since - b.since || compare(a.record.id, b.record.id))
    .map(({ record }) => record);
}

function listed(records: readonly AccessRequest[], of: ListOf): AccessRequest[] {
  const found = records
    .filter((record) => {
      const [there, own] = [
        of.clusters.includes(record.cluster),
        of.requester !== null && isTheirs(record, of.requester, of.olderIds),
      ];
      return of.match === "both" ? there && own : there || own;
    })
    .flatMap((record) => {
      const place = positionInList(of.list, record);
      return place === null ? [] : [{ record, place }];
    })
    .sort((a, b) => a.place - b.place || compare(a.record.id, b.record.id))
    .map(({ record }) => record);
  return of.list === "all" ? found.toReversed() : found;
}

function newestFirst(records: readonly AccessRequest[]): AccessRequest[] {
  return records.toSorted((a, b) => Date.parse(b.createdAt) - Date.parse(a.createdAt) || compare(b.id, a.id));
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
