import { beforeEach, describe, expect, test } from "vitest";
import type { RequestLedger } from "../../src/ledger/ledger.ts";
import { aLeasedRequest, anApprovedRequest, aPreviewedRequest, aRequest, revise } from "../builders/a-request.ts";
import { aChange } from "../builders/an-event.ts";
import { at, hours } from "../builders/times.ts";
import { listContract } from "./list-contract.ts";

/** Records by their time, cluster and person. */
export function indexContract(ledgerNow: () => RequestLedger): void {
  let ledger: RequestLedger;

  beforeEach(() => {
    ledger = ledgerNow();
  });

  describe("what is due", () => {
    test.each([
      ["a request that waits for its preview, from its beginning", aRequest(), at(0)],
      ["a request that waits for a decision, when it expires", aPreviewedRequest(), at(hours(24))],
    ])("is %s", async (_, request, due) => {
      await ledger.commit(aChange(request));

      const before = await ledger.due(new Date(due.getTime() - 1), 10);
      const then = await ledger.due(due, 10);

      expect(before).toEqual([]);
      expect(then).toEqual([request]);
    });

    test("is an approved request whatever the time is", async () => {
      await ledger.commit(aChange(anApprovedRequest({ version: 1 })));

      const due = await ledger.due(at(-hours(1_000)), 10);

      expect(due.map(({ id }) => id)).toEqual(["r-1"]);
    });

    test("is never a request that is closed, also where it was due before", async () => {
      const request = aRequest();
      await ledger.commit(aChange(request));

      await ledger.commit(
        aChange(aRequest({ ...request, state: "denied", version: request.version + 1 }), "request.denied"),
      );

      expect(await ledger.due(at(hours(10_000)), 10)).toEqual([]);
    });

    test("comes with the longest due first, and at most the asked number", async () => {
      const waits = [3, 1, 2].map((hour) => aRequest({ id: `r-${hour}`, createdAt: at(hours(hour)).toISOString() }));
      for (const request of waits) await ledger.commit(aChange(request));

      const due = await ledger.due(at(hours(5)), 2);

      expect(due.map(({ id }) => id)).toEqual(["r-1", "r-2"]);
    });

    test("comes without what the caller knows to be due since then, and with the next in its place", async () => {
      const waits = [1, 2, 3].map((hour) => aRequest({ id: `r-${hour}`, createdAt: at(hours(hour)).toISOString() }));
      for (const request of waits) await ledger.commit(aChange(request));
      const known = new Map([
        ["r-1", at(hours(1)).getTime()],
        ["r-2", at(hours(9)).getTime()],
      ]);

      const due = await ledger.due(at(hours(5)), 2, (id, dueAt) => known.get(id) === dueAt);

      expect(due.map(({ id }) => id)).toEqual(["r-2", "r-3"]);
    });
  });

  describe("the open requests of a cluster", () => {
    test("with open leases are those of this cluster alone, however many wait", async () => {
      const records = [
        aRequest({ id: "pending" }),
        aLeasedRequest({ state: "scheduled" }, { id: "scheduled", version: 1 }),
        aLeasedRequest({ state: "active" }, { id: "active", version: 1 }),
        aLeasedRequest({ state: "ended" }, { id: "ended", version: 1 }),
        aLeasedRequest({ state: "failed" }, { id: "failed", version: 1 }),
        aRequest({ id: "expired", state: "expired" }),
        aLeasedRequest({ state: "active" }, { id: "elsewhere", version: 1, cluster: "production" }),
      ];
      for (const record of records) await ledger.commit(aChange(record));

      const leased = await ledger.leasedOf("staging");

      expect(leased.map(({ id }) => id).sort()).toEqual(["active", "scheduled"]);
      expect(await ledger.leasedOf("nowhere")).toEqual([]);
    });

    test("that are pending and due come the longest due first, of this cluster alone, at most the asked number", async () => {
      const createdAt = (hour: number) => ({ createdAt: at(hours(hour)).toISOString() });
      const records = [
        aRequest({ id: "second", ...createdAt(2) }),
        aRequest({ id: "first", ...createdAt(1) }),
        aRequest({ id: "third", ...createdAt(3) }),
        aPreviewedRequest({ id: "previewed", version: 1, ...createdAt(1) }),
        aLeasedRequest({ state: "scheduled" }, { id: "leased", version: 1 }),
        aRequest({ id: "elsewhere", cluster: "production", ...createdAt(1) }),
      ];
      for (const record of records) await ledger.commit(aChange(record));

      const due = (now: number, limit = 10) => ledger.duePendingOf("staging", at(hours(now)), limit);

      expect((await due(2.5)).map(({ id }) => id)).toEqual(["first", "second"]);
      expect((await due(4, 2)).map(({ id }) => id)).toEqual(["first", "second"]);
      expect(await due(0)).toEqual([]);
    });
  });

  describe("the requests of a person", () => {
    test("come newest first, at most the asked number, closed ones too", async () => {
      for (const hour of [2, 3, 1]) {
        const createdAt = at(hours(hour)).toISOString();
        await ledger.commit(aChange(aRequest({ id: `r-${hour}`, createdAt, state: "denied" })));
      }
      await ledger.commit(aChange(aRequest({ id: "of-somebody-else", requester: "U0ONCALL" })));

      const own = await ledger.ofRequester("U0ENGINEER", 2);

      expect(own.map(({ id }) => id)).toEqual(["r-3", "r-2"]);
    });
  });

  listContract(ledgerNow);

  describe("the leases whose access should be gone", () => {
    test("are those past their end or revoked, the longest first, until their access is gone", async () => {
      const open = { state: "active" } as const;
      const late = aLeasedRequest({ ...open, endsAt: at(hours(3)).toISOString() }, { id: "r-2", version: 1 });
      const revoked = aLeasedRequest(
        {
          ...open,
          endsAt: at(hours(9)).toISOString(),
          end: { cause: "revoked", by: "U0", at: at(hours(2)).toISOString(), why: "" },
        },
        { id: "r-3", version: 1 },
      );
      const later = aLeasedRequest({ ...open, endsAt: at(hours(9)).toISOString() }, { id: "r-4", version: 1 });
      for (const request of [late, revoked, later, aRequest()]) await ledger.commit(aChange(request));

      const before = await ledger.overdue(at(hours(3) - 1), 10);
      const then = await ledger.overdue(at(hours(3)), 10);
      const first = await ledger.overdue(at(hours(3)), 1);
      const over = { state: "ended", endedAt: at(hours(4)).toISOString() } as const;
      await ledger.commit(aChange(revise(revoked, { lease: { ...revoked.lease, ...over } as typeof revoked.lease })));

      expect(before.map(({ id }) => id)).toEqual(["r-3"]);
      expect(then).toEqual([revoked, late]);
      expect(first).toEqual([revoked]);
      expect((await ledger.overdue(at(hours(3)), 10)).map(({ id }) => id)).toEqual(["r-2"]);
    });
  });

  describe("how many there are", () => {
    test("is counted for each state of requests and of their leases", async () => {
      const leased = aLeasedRequest({ state: "active" }, { id: "r-2", version: 1 });
      const ended = { state: "ended", end: { cause: "revoked", by: "U0", at: at(1).toISOString(), why: "" } } as const;
      await ledger.commit(aChange(aRequest()));
      await ledger.commit(aChange(leased));
      await ledger.commit(aChange(aLeasedRequest({ state: "active" }, { id: "r-3", version: 1 })));
      const before = await ledger.counts();

      await ledger.commit(aChange(aRequest({ version: 2, state: "denied" }), "request.denied"));
      await ledger.commit(aChange(revise(leased, { lease: { ...leased.lease, ...ended } as typeof leased.lease })));

      expect(Object.fromEntries(before)).toEqual({ pending: 1, "approved/active": 2 });
      expect(Object.fromEntries(await ledger.counts())).toEqual({
        denied: 1,
        "approved/active": 1,
        "approved/ended/revoked": 1,
      });
    });

    test("is not changed by a commit that loses, nor by the next version in the same state", async () => {
      await ledger.commit(aChange(aRequest()));

      await ledger.commit(aChange(aRequest({ version: 2, reason: "another" })));
      await ledger.commit(aChange(aRequest({ version: 2, state: "denied" })));

      expect(Object.fromEntries(await ledger.counts())).toEqual({ pending: 1 });
    });

    test("is counted for each cluster while they are open", async () => {
      await ledger.commit(aChange(aRequest()));
      await ledger.commit(aChange(aRequest({ id: "r-2" })));
      await ledger.commit(aChange(aRequest({ id: "r-3", cluster: "production" })));

      await ledger.commit(aChange(aRequest({ id: "r-2", version: 2, state: "denied" })));
      await ledger.commit(aChange(aRequest({ id: "r-3", version: 2, state: "expired", cluster: "production" })));

      expect(Object.fromEntries(await ledger.openByCluster())).toEqual({ staging: 1 });
    });
  });
}
