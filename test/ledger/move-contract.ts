import { beforeEach, describe, expect, test } from "vitest";
import { type Move, reviseMove } from "../../src/access/migration/move.ts";
import type { Ledger } from "../../src/ledger/ledger.ts";
import type { MoveChange } from "../../src/ledger/moves.ts";
import { aMove as anyMove, aPlannedMove } from "../builders/a-move.ts";
import { aTrouble } from "../builders/a-trouble.ts";
import { at, hours } from "../builders/times.ts";

/** Nobody can approve it after an hour. */
const aMove = (change: Partial<Move> = {}) => anyMove({ lapsesAt: at(3600).toISOString(), ...change });
const aMoveChange = (after: Move): MoveChange => ({
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

/** The moves of clusters are records of their own kind, with the same atomic step as requests. */
export function moveContract(ledgerNow: () => Ledger): void {
  let ledger: Ledger;

  beforeEach(() => {
    ledger = ledgerNow();
  });

  describe("a move", () => {
    test("is there to read after its commit, and is no request", async () => {
      const move = aMove({ told: ["arn:aws:iam::111122223333:role/teams/dev"] });

      expect(await ledger.moves.commit(aMoveChange(move))).toEqual({ type: "committed" });

      expect(await ledger.moves.get(move.id)).toEqual(move);
      expect(await ledger.get(move.id)).toBeNull();
      expect(await ledger.duePendingOf("staging", at(hours(1_000)), 10)).toEqual([]);
      expect((await ledger.eventsOf(move.id, 9)).map(({ event }) => event.type)).toEqual(["migration.asked"]);
    });

    test("has what was tried with it among its events, and one that there is not leaves nothing", async () => {
      const move = aMove();
      await ledger.moves.commit(aMoveChange(move));
      const { event } = aMoveChange(move);

      await ledger.note({ ...event, type: "attempt.refused" });
      await ledger.note({ ...event, type: "attempt.refused", request: "migration-staging-9" });

      const types = (await ledger.eventsOf(move.id, 9)).map(({ event: { type } }) => type);
      expect(types).toEqual(["migration.asked", "attempt.refused"]);
      expect(await ledger.eventsOf("migration-staging-9", 9)).toEqual([]);
    });

    test("that is written twice at once has one writer, and the other sees who was first", async () => {
      await ledger.moves.commit(aMoveChange(aMove()));
      const [stop, deny] = [aMove({ state: "withdrawn", version: 2 }), aMove({ state: "denied", version: 2 })];

      const results = [await ledger.moves.commit(aMoveChange(stop)), await ledger.moves.commit(aMoveChange(deny))];

      expect(results).toEqual([{ type: "committed" }, { type: "conflict", current: stop }]);
      expect(await ledger.events(1, 9)).toHaveLength(2);
    });

    test("whose answer was lost and that is sent again is told as committed, and is in the log once", async () => {
      await ledger.moves.commit(aMoveChange(aMove()));

      expect(await ledger.moves.commit(aMoveChange(aMove()))).toEqual({ type: "committed" });
      expect(await ledger.events(1, 9)).toHaveLength(1);
    });

    test("of a later number is the latest of its cluster, whatever the clocks said", async () => {
      for (const number of [1, 2, 10, 9]) {
        const createdAt = at(-number).toISOString();
        await ledger.moves.commit(aMoveChange(aMove({ id: `migration-staging-${number}`, createdAt })));
      }

      expect((await ledger.moves.latestOf("staging"))?.id).toBe("migration-staging-10");
      expect(await ledger.moves.latestOf("production")).toBeNull();
    });

    test("is due when its time comes, the longest due first, and never after it is over", async () => {
      const { plan } = aPlannedMove();
      await ledger.moves.commit(aMoveChange(aMove({ id: "migration-a-1", plan, lapsesAt: at(60).toISOString() })));
      await ledger.moves.commit(aMoveChange(aMove({ id: "migration-b-1", createdAt: at(5).toISOString() })));
      await ledger.moves.commit(aMoveChange(aMove({ id: "migration-c-1", state: "done" })));

      const idsDue = async (seconds: number) => (await ledger.moves.due(at(seconds), 9)).map(({ id }) => id);

      const reminders = { sent: 0, nextAt: at(30).toISOString() };
      await ledger.moves.commit(aMoveChange(aMove({ id: "migration-d-1", plan, reminders })));

      expect(await idsDue(4)).toEqual([]);
      expect(await idsDue(5)).toEqual(["migration-b-1"]);
      expect(await idsDue(29)).toEqual(["migration-b-1"]);
      expect(await idsDue(60)).toEqual(["migration-b-1", "migration-d-1", "migration-a-1"]);
      expect(await ledger.due(at(60), 9)).toEqual([]);
    });

    test("is among the open ones until it is over and nothing of it is left to be seen to", async () => {
      const begun = { name: "switch-mode", at: at(0).toISOString() };
      const trouble = aTrouble({ retryAt: at(hours(9)).toISOString() });
      const first = aMove({ id: "migration-a-1" });
      const openIds = async () => (await ledger.moves.open()).map(({ id }) => id).toSorted();
      for (const move of [
        first,
        aMove({ id: "migration-b-1", state: "running", trouble }),
        aMove({ id: "migration-c-1", state: "withdrawn", begun }),
        aMove({ id: "migration-d-1", state: "done" }),
      ]) {
        await ledger.moves.commit(aMoveChange(move));
      }
      const before = await openIds();

      await ledger.moves.commit(aMoveChange(reviseMove(first, { state: "lapsed", endedAt: first.createdAt })));

      expect(before).toEqual(["migration-a-1", "migration-b-1", "migration-c-1"]);
      expect(await openIds()).toEqual(["migration-b-1", "migration-c-1"]);
    });

    test("is unshown until a message shows its newest version", async () => {
      await ledger.moves.commit(aMoveChange(aMove()));
      await ledger.moves.commit(aMoveChange(aMove({ state: "denied", version: 2 })));
      const shown = { version: 1, message: { channel: "C0ACCESS", ts: "1.1" }, copies: [], told: ["denied"] };

      await ledger.moves.markShown("migration-staging-1", shown);
      expect(await ledger.moves.unshown(9)).toEqual(["migration-staging-1"]);

      await ledger.moves.markShown("migration-staging-1", { ...shown, version: 2 });
      expect(await ledger.moves.unshown(9)).toEqual([]);
      expect(await ledger.moves.shown("migration-staging-1")).toEqual({ ...shown, version: 2 });
      expect(await ledger.unshown(9)).toEqual([]);
    });
  });
}
