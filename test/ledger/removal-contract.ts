import { beforeEach, describe, expect, test } from "vitest";
import { permanentSeconds } from "../../src/access/lease/lease-record.ts";
import type { Migration } from "../../src/access/migration.ts";
import type { AccessRequest } from "../../src/access/record.ts";
import type { Ledger } from "../../src/ledger/ledger.ts";
import { aMigration as aDeniedMigration } from "../builders/a-migration.ts";
import { aLeasedRequest, aRequest, revise } from "../builders/a-request.ts";
import { aChange, anEvent } from "../builders/an-event.ts";
import { at, hours } from "../builders/times.ts";

const shownAt = (version: number) => ({
  version,
  message: { channel: "C0ACCESS", ts: "1.1" },
  copies: [],
  direct: null,
  milestones: [],
});
const later = at(hours(10_000));

/** How closed records leave the ledger. */
export function removalContract(ledgerNow: () => Ledger): void {
  let ledger: Ledger;

  beforeEach(() => {
    ledger = ledgerNow();
  });

  /** Commits a record, with a message that shows it. */
  const shown = async (request: AccessRequest): Promise<AccessRequest> => {
    await ledger.commit(aChange(request));
    await ledger.markShown(request.id, shownAt(request.version));
    return request;
  };
  const idsTaken = async (before: Date, limit = 10, postponedUntil = later) =>
    (await ledger.takeClosed({ before, postponedUntil, limit })).map(({ id }) => id);

  describe("closed records", () => {
    test("are taken by the time since which they have no effect, and open ones never", async () => {
      const endsAt = at(hours(9)).toISOString();
      await shown(aRequest({ id: "r-denied", state: "denied", expiresAt: at(hours(8)).toISOString() }));
      await shown(aLeasedRequest({ state: "ended", endsAt }, { id: "r-ended", version: 1, expiresAt: endsAt }));
      await shown(aLeasedRequest({ state: "active" }, { id: "r-active", version: 1 }));
      await shown(aRequest({ id: "r-pending" }));

      expect(await idsTaken(at(hours(8) - 1))).toEqual([]);
      expect(await idsTaken(at(hours(9)), 1, at(hours(9)))).toEqual(["r-denied"]);
      expect(await idsTaken(at(hours(9)))).toEqual(["r-denied", "r-ended"]);
    });

    test("are taken once until the time to which they are postponed", async () => {
      await shown(aRequest({ state: "denied" }));
      const before = at(hours(30));

      const first = await idsTaken(before, 10, at(hours(31)));
      const second = await idsTaken(before, 10, at(hours(31)));
      const third = await idsTaken(at(hours(31)), 10, at(hours(32)));

      expect([first, second, third]).toEqual([["r-1"], [], ["r-1"]]);
    });
  });

  describe("a record that is removed", () => {
    test("leaves every list and count, and its events stay", async () => {
      const other = await shown(aRequest({ id: "r-other", state: "denied" }));
      const request = await shown(aRequest({ state: "denied" }));
      await ledger.addThreadEntries("r-1", ["denied"]);

      const removed = await ledger.remove(request, null);

      const of = { list: "all", clusters: ["staging"], requester: "U0ENGINEER", match: "any" } as const;
      expect(removed).toBe(true);
      expect(await ledger.get("r-1")).toBeNull();
      expect(await ledger.list(of, 0, 10)).toEqual({ requests: [other], total: 1 });
      expect(await ledger.ofRequester("U0ENGINEER", 10)).toEqual([other]);
      expect([...(await ledger.counts())]).toEqual([["denied", 1]]);
      expect(await ledger.shown("r-1")).toBeNull();
      expect(await ledger.threadEntryNames("r-1")).toEqual([]);
      expect(await idsTaken(later)).toEqual(["r-other"]);
      expect((await ledger.eventsOf("r-1", 10)).map(({ event }) => event.request)).toEqual(["r-1"]);
    });

    test("is gone also for a second remover at the same time, and nothing is counted twice", async () => {
      const request = await shown(aRequest({ state: "denied" }));

      const removed = await Promise.all([ledger.remove(request, null), ledger.remove(request, null)]);

      expect(removed).toEqual([true, true]);
      expect((await ledger.counts()).get("denied") ?? 0).toBe(0);
    });

    test("leaves the id of a permanent lease, so that a cluster's backup can't bring the lease back", async () => {
      const endedAt = at(330).toISOString();
      const ended = (id: string, durationSeconds: number) =>
        shown(aLeasedRequest({ state: "ended", endedAt }, { id, version: 1, durationSeconds }));
      const [permanent, short] = [await ended("r-permanent", permanentSeconds), await ended("r-short", 3_600)];
      const kept = await ended("r-kept", permanentSeconds);

      await ledger.remove(permanent, 1);
      await ledger.remove(short, 1);

      const ids = [permanent, short, kept].map(({ id }) => id);
      expect(await Promise.all(ids.map((id) => ledger.isPermanentLeaseOver(id)))).toEqual([true, false, false]);
      expect(await idsTaken(at(hours(30)))).toEqual(["r-kept"]);
    });

    test("leaves nothing for a late messenger or a late attempt", async () => {
      const request = await shown(aRequest({ state: "denied" }));
      await ledger.remove(request, null);

      await ledger.markShown("r-1", shownAt(1));
      await ledger.note(anEvent({ type: "attempt.refused" }));

      expect(await ledger.shown("r-1")).toBeNull();
      expect(await ledger.unshown(10)).toEqual([]);
      expect((await ledger.eventsOf("r-1", 10)).map(({ event }) => event.type)).toEqual(["request.created"]);
    });
  });

  describe("a record that stays", () => {
    test("is one that changed after it was read", async () => {
      const read = await shown(aRequest({ state: "denied" }));
      await shown(revise(read, { reason: "changed meanwhile" }));

      expect(await ledger.remove(read, null)).toBe(false);
      expect((await ledger.get("r-1"))?.version).toBe(2);
    });

    test("is one with a message that does not show it yet", async () => {
      const request = aRequest({ state: "denied" });
      await ledger.commit(aChange(request));

      expect(await ledger.remove(request, null)).toBe(false);
      expect(await ledger.get("r-1")).toEqual(request);
    });

    test.each([
      ["that is open", aLeasedRequest({ state: "active" }, { version: 1 })],
      ["whose emergency nobody has reviewed", unreviewed()],
    ])("is one %s, because something is due about it", async (_, request) => {
      await shown(request);

      expect(await ledger.remove(request, null)).toBe(false);
      expect(await ledger.get("r-1")).toEqual(request);
    });

    test("is one that an open request extends, until that one is closed", async () => {
      const request = await shown(aLeasedRequest({ state: "ended" }, { version: 1 }));
      const extension = await shown(aRequest({ id: "r-2", extends: "r-1" }));
      expect((await ledger.extensionsOf("r-1")).map(({ id }) => id)).toEqual(["r-2"]);

      const before = await ledger.remove(request, null);
      await shown(revise(extension, { state: "cancelled" }));
      const after = await ledger.remove(request, null);

      expect([before, after]).toEqual([false, true]);
    });
  });

  describe("a migration", () => {
    const aMigration = (number: number): Migration => {
      return aDeniedMigration({
        id: `migration-staging-${number}`,
        state: "denied",
        expiresAt: at(3600).toISOString(),
        endedAt: at(0).toISOString(),
      });
    };
    const shownMigration = async (migration: Migration): Promise<Migration> => {
      await ledger.commit({
        after: migration,
        event: anEvent({ type: "migration.asked", request: migration.id }),
      });
      await ledger.markShown(migration.id, shownAt(migration.version));
      return migration;
    };

    test("that is closed leaves as a request does, but the newest of a cluster stays for its number", async () => {
      const [first, second] = [await shownMigration(aMigration(1)), await shownMigration(aMigration(2))];

      const taken = await ledger.takeClosed({ before: at(3600), postponedUntil: later, limit: 10 });
      const removed = [await ledger.remove(first, null), await ledger.remove(second, null)];

      expect(taken).toEqual([first, second]);
      expect(removed).toEqual([true, false]);
      expect(await ledger.migrations.get(first.id)).toBeNull();
      expect(await ledger.shown(first.id)).toBeNull();
      expect(await ledger.migrations.latestOf("staging")).toEqual(second);
      expect(await ledger.eventsOf(first.id, 10)).toHaveLength(1);
    });

    test("that is open or not shown stays", async () => {
      const open = await shownMigration(aDeniedMigration({ id: "migration-staging-1", state: "running" }));
      const unshown = aMigration(2);
      await ledger.commit({ after: unshown, event: anEvent({ request: unshown.id }) });
      await shownMigration(aMigration(3));

      expect([await ledger.remove(open, null), await ledger.remove(unshown, null)]).toEqual([false, false]);
    });
  });
}

function unreviewed(): AccessRequest {
  const emergency = { review: null, remindAt: at(hours(24)).toISOString(), reminders: 0, as: [] };
  return aLeasedRequest({ state: "ended" }, { version: 1, emergency });
}
