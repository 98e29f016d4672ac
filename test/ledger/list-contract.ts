import { beforeEach, describe, expect, test } from "vitest";
import type { ListPage, RequestLedger } from "../../src/ledger/ledger.ts";
import type { ListOf } from "../../src/ledger/lists.ts";
import { aLease, aLeasedRequest, anApprovedRequest, aRequest, revise } from "../builders/a-request.ts";
import { aChange } from "../builders/an-event.ts";
import { at, hours } from "../builders/times.ts";

const of = (change: Partial<ListOf>): ListOf => ({
  list: "all",
  clusters: [],
  requester: null,
  match: "any",
  ...change,
});

const idsOf = ({ requests, total }: ListPage) => ({ ids: requests.map(({ id }) => id), total });

/** What `/eks-access list` reads, page by page. */
export function listContract(ledgerNow: () => RequestLedger): void {
  let ledger: RequestLedger;

  const list = async (change: Partial<ListOf>, offset = 0, limit = 10) =>
    idsOf(await ledger.list(of(change), offset, limit));

  describe("a list", () => {
    beforeEach(async () => {
      ledger = ledgerNow();
      const leased = (id: string, hour: number) => {
        const request = aLeasedRequest({ state: "active", endsAt: at(hours(hour)).toISOString() });
        return { ...request, id, version: 1, createdAt: at(hours(hour)).toISOString() };
      };
      const records = [
        aRequest({ id: "p-2", createdAt: at(hours(2)).toISOString() }),
        aRequest({ id: "p-1", createdAt: at(hours(1)).toISOString(), requester: "U0ONCALL" }),
        aRequest({ id: "p-elsewhere", createdAt: at(hours(3)).toISOString(), cluster: "production" }),
        leased("g-9", 9),
        { ...leased("g-8", 8), requester: "U0ONCALL" },
        { ...leased("g-elsewhere", 7), cluster: "production", requester: "U0ONCALL" },
        aRequest({ id: "old", createdAt: at(hours(-1)).toISOString(), state: "denied" }),
      ];
      for (const record of records) await ledger.commit(aChange(record));
    });

    test("of all has closed requests too, the newest first", async () => {
      expect(await list({ clusters: ["staging"] })).toEqual({ ids: ["g-9", "g-8", "p-2", "p-1", "old"], total: 5 });
    });

    test("of pending requests begins with the longest waiting", async () => {
      expect(await list({ list: "pending", clusters: ["staging", "production"] })).toEqual({
        ids: ["p-1", "p-2", "p-elsewhere"],
        total: 3,
      });
    });

    test("of leases begins with the first to end", async () => {
      expect(await list({ list: "leased", clusters: ["production", "staging"] })).toEqual({
        ids: ["g-elsewhere", "g-8", "g-9"],
        total: 3,
      });
    });

    test("has approved leases that are not applied yet, and loses ended ones", async () => {
      const approved = anApprovedRequest({ id: "a-1", version: 1, cluster: "development" });
      await ledger.commit(aChange(approved));
      const before = await list({ list: "leased", clusters: ["development"] });
      const { lease } = approved;

      await ledger.commit(
        aChange(revise(approved, { lease: lease && aLease(lease, { state: "failed" }) }), "lease.failed"),
      );

      expect(before).toEqual({ ids: ["a-1"], total: 1 });
      expect(await list({ list: "leased", clusters: ["development"] })).toEqual({ ids: [], total: 0 });
      expect(await list({ list: "leased", clusters: ["development"], requester: approved.requester })).toEqual({
        ids: ["g-9"],
        total: 1,
      });
    });

    test("has a person's own of every cluster, each once", async () => {
      const own = { clusters: ["staging"], requester: "U0ONCALL" };

      expect(await list({ list: "leased", ...own })).toEqual({ ids: ["g-elsewhere", "g-8", "g-9"], total: 3 });
      expect(await list({ list: "pending", ...own })).toEqual({ ids: ["p-1", "p-2"], total: 2 });
      expect(await list({ list: "leased", requester: "U0ONCALL" })).toEqual({ ids: ["g-elsewhere", "g-8"], total: 2 });
    });

    test("of a person in one cluster has no others", async () => {
      const own = { clusters: ["staging"], requester: "U0ENGINEER", match: "both" } as const;

      expect(await list(own)).toEqual({ ids: ["g-9", "p-2", "old"], total: 3 });
      expect(await list({ ...own, requester: "U0NOBODY" })).toEqual({ ids: [], total: 0 });
      const older = { requester: "U0NOBODY", olderIds: ["U0ENGINEER"] };
      expect(await list({ ...own, ...older })).toEqual(await list(own));
      expect(await list({ ...own, list: "pending" })).toEqual({ ids: ["p-2"], total: 1 });
    });

    test.each<Partial<ListOf>>([
      { clusters: ["staging"] },
      { clusters: ["staging", "nowhere"] },
      { clusters: ["staging"], requester: "U0ENGINEER", match: "both" },
    ])("is read page by page, and shows how long it is: %j", async (filter) => {
      const whole = await list(filter);

      const pages = [
        await list(filter, 0, 2),
        await list(filter, 2, 2),
        await list(filter, 4, 2),
        await list(filter, 6, 2),
      ];

      expect(pages.flatMap(({ ids }) => ids)).toEqual(whole.ids);
      expect(pages.map(({ total }) => total)).toEqual(pages.map(() => whole.ids.length));
    });

    test("of nothing is empty", async () => {
      expect(await list({})).toEqual({ ids: [], total: 0 });
    });
  });
}
