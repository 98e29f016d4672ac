import { beforeEach, describe, expect, test } from "vitest";
import type { AuditEvent } from "../../src/access/audit-event.ts";
import type { Migration } from "../../src/access/migration.ts";
import type { Ledger, LedgerChange } from "../../src/ledger/ledger.ts";
import { aMigration as anyMigration, aPlannedMigration, reviseMigration } from "../builders/a-migration.ts";
import { aRequest } from "../builders/a-request.ts";
import { aTrouble } from "../builders/a-trouble.ts";
import { aChange } from "../builders/an-event.ts";
import { at, hours } from "../builders/times.ts";

/** It expires after an hour. */
const aMigration = (change: Partial<Migration> = {}) => anyMigration({ expiresAt: at(3600).toISOString(), ...change });
const aMigrationChange = (after: Migration): LedgerChange & { readonly event: AuditEvent } => ({
  after,
  event: {
    type: "migration.asked",
    at: after.createdAt,
    actor: "U0APPROVER",
    request: after.id,
    cluster: after.cluster,
    detail: {},
  },
});

/** Migrations are records of their own kind, with the same atomic step as requests. */
export function migrationContract(ledgerNow: () => Ledger): void {
  let ledger: Ledger;

  beforeEach(() => {
    ledger = ledgerNow();
  });

  describe("a migration", () => {
    test("is there to read after its commit, and is no request", async () => {
      const migration = aMigration({ givenArns: ["arn:aws:iam::111122223333:role/teams/dev"] });

      expect(await ledger.commit(aMigrationChange(migration))).toEqual({ type: "committed" });

      expect(await ledger.migrations.get(migration.id)).toEqual(migration);
      expect(await ledger.get(migration.id)).toBeNull();
      expect(await ledger.duePendingOf("staging", at(hours(1_000)), 10)).toEqual([]);
      expect((await ledger.eventsOf(migration.id, 9)).map(({ event }) => event.type)).toEqual(["migration.asked"]);
    });

    test("has refused attempts among its events, and an unknown migration leaves nothing", async () => {
      const migration = aMigration();
      await ledger.commit(aMigrationChange(migration));
      const { event } = aMigrationChange(migration);

      await ledger.note({ ...event, type: "attempt.refused" });
      await ledger.note({ ...event, type: "attempt.refused", request: "migration-staging-9" });

      const types = (await ledger.eventsOf(migration.id, 9)).map(({ event: { type } }) => type);
      expect(types).toEqual(["migration.asked", "attempt.refused"]);
      expect(await ledger.eventsOf("migration-staging-9", 9)).toEqual([]);
    });

    test("that is written twice at once has one writer, and the other gets the first one's record", async () => {
      await ledger.commit(aMigrationChange(aMigration()));
      const [stop, deny] = [aMigration({ state: "stopped", version: 2 }), aMigration({ state: "denied", version: 2 })];

      const results = [await ledger.commit(aMigrationChange(stop)), await ledger.commit(aMigrationChange(deny))];

      expect(results).toEqual([{ type: "committed" }, { type: "conflict", current: stop }]);
      expect(await ledger.events(1, 9)).toHaveLength(2);
    });

    test("of a later number is the latest of its cluster, whatever the clocks show", async () => {
      for (const number of [1, 2, 10, 9]) {
        const createdAt = at(-number).toISOString();
        await ledger.commit(aMigrationChange(aMigration({ id: `migration-staging-${number}`, createdAt })));
      }

      expect((await ledger.migrations.latestOf("staging"))?.id).toBe("migration-staging-10");
      expect(await ledger.migrations.latestOf("production")).toBeNull();
    });

    test("is due when its time comes, the longest due first, and never after it is over", async () => {
      const { plan } = aPlannedMigration();
      await ledger.commit(aMigrationChange(aMigration({ id: "migration-a-1", plan, expiresAt: at(60).toISOString() })));
      await ledger.commit(aMigrationChange(aMigration({ id: "migration-b-1", createdAt: at(5).toISOString() })));
      await ledger.commit(aMigrationChange(aMigration({ id: "migration-c-1", state: "done" })));

      const idsDue = async (seconds: number) => (await ledger.due(at(seconds), 9)).map(({ id }) => id);

      const reminders = { sent: 0, nextAt: at(30).toISOString() };
      await ledger.commit(aMigrationChange(aMigration({ id: "migration-d-1", plan, reminders })));

      expect(await idsDue(4)).toEqual([]);
      expect(await idsDue(5)).toEqual(["migration-b-1"]);
      expect(await idsDue(29)).toEqual(["migration-b-1"]);
      expect(await idsDue(60)).toEqual(["migration-b-1", "migration-d-1", "migration-a-1"]);
    });

    test("is due together with the requests, in one order, and neither is read as the other", async () => {
      const { plan } = aPlannedMigration();
      await ledger.commit(aMigrationChange(aMigration({ id: "migration-a-1", plan, expiresAt: at(60).toISOString() })));
      await ledger.commit(aChange(aRequest({ id: "r-before", createdAt: at(30).toISOString() })));
      await ledger.commit(aChange(aRequest({ id: "r-after", createdAt: at(90).toISOString() })));

      const due = await ledger.due(at(90), 9);

      expect(due.map(({ id }) => id)).toEqual(["r-before", "migration-a-1", "r-after"]);
      expect(await ledger.migrations.get("r-before")).toBeNull();
      expect((await ledger.migrations.open()).map(({ id }) => id)).toEqual(["migration-a-1"]);
      const all = { list: "all", clusters: ["staging"], requester: null, match: "any" } as const;
      expect((await ledger.list(all, 0, 9)).total).toBe(2);
      expect((await ledger.counts()).get("pending")).toBe(2);
    });

    test("is open until it is over and no step of it still runs", async () => {
      const begun = { name: "switch-mode", at: at(0).toISOString(), place: { cluster: "", seal: "" } };
      const trouble = aTrouble({ retryAt: at(hours(9)).toISOString() });
      const first = aMigration({ id: "migration-a-1" });
      const openIds = async () => (await ledger.migrations.open()).map(({ id }) => id).toSorted();
      for (const migration of [
        first,
        aMigration({ id: "migration-b-1", state: "running", trouble }),
        aMigration({ id: "migration-c-1", state: "stopped", begun }),
        aMigration({ id: "migration-d-1", state: "done" }),
      ]) {
        await ledger.commit(aMigrationChange(migration));
      }
      const before = await openIds();

      await ledger.commit(aMigrationChange(reviseMigration(first, { state: "expired", endedAt: first.createdAt })));

      expect(before).toEqual(["migration-a-1", "migration-b-1", "migration-c-1"]);
      expect(await openIds()).toEqual(["migration-b-1", "migration-c-1"]);
    });

    test("is unshown until a message shows its newest version", async () => {
      await ledger.commit(aMigrationChange(aMigration()));
      await ledger.commit(aMigrationChange(aMigration({ state: "denied", version: 2 })));
      const shown = {
        version: 1,
        message: { channel: "C0ACCESS", ts: "1.1" },
        copies: [],
        direct: null,
        milestones: ["denied"],
      };

      await ledger.markShown("migration-staging-1", shown);
      expect(await ledger.unshown(9)).toEqual(["migration-staging-1"]);

      await ledger.markShown("migration-staging-1", { ...shown, version: 2 });
      expect(await ledger.unshown(9)).toEqual([]);
      expect(await ledger.shown("migration-staging-1")).toEqual({ ...shown, version: 2 });
    });
  });
}
