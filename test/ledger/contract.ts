import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { verifyChain } from "../../src/audit/event.ts";
import type { Ledger } from "../../src/ledger/ledger.ts";
import { revise } from "../../src/request/request.ts";
import { aGrantedRequest, anApprovedRequest, aPreviewedRequest, aRequest } from "../builders/a-request.ts";
import { aChange } from "../builders/an-event.ts";
import { at, hours } from "../builders/times.ts";

export interface OpenLedger {
  readonly ledger: Ledger;
  /** Leaves nothing behind. */
  close: () => Promise<void>;
}

/** What every implementation of src/ledger/ledger.ts must do. `make` gives an empty one. */
export function ledgerContract(make: () => Promise<OpenLedger>): void {
  let open: OpenLedger;
  let ledger: Ledger;

  beforeEach(async () => {
    open = await make();
    ledger = open.ledger;
  });

  afterEach(() => open.close());

  describe("a commit", () => {
    test("of the first version is there to read, whole", async () => {
      const request = anApprovedRequest({ version: 1, reason: "naïve “quotes” & <tags> 🚀\nsecond line" });

      const result = await ledger.commit(aChange(request));

      expect(result).toEqual({ type: "committed" });
      expect(await ledger.get(request.id)).toEqual(request);
    });

    test("takes exactly the next version, and a conflict tells the record as it stands", async () => {
      const first = aRequest();
      await ledger.commit(aChange(first));

      const again = await ledger.commit(aChange({ ...first, reason: "another one" }));
      const skipped = await ledger.commit(aChange({ ...first, version: 3 }));
      const next = await ledger.commit(aChange(revise(first, { state: "cancelled" })));

      expect(again).toEqual({ type: "conflict", current: first });
      expect(skipped).toEqual({ type: "conflict", current: first });
      expect(next).toEqual({ type: "committed" });
    });

    test("of a later version where there is no record is a conflict with nothing", async () => {
      const result = await ledger.commit(aChange(aRequest({ version: 2 })));

      expect(result).toEqual({ type: "conflict", current: null });
      expect(await ledger.get("r-1")).toBeNull();
    });

    test("of two at once lets one win, and the loser sees who did", async () => {
      const first = aPreviewedRequest();
      await ledger.commit(aChange(first));
      const writers = ["U0APPROVER", "U0APPROVER2", "U0ONCALL"].map((by) =>
        revise(first, { voided: { by, message: "" } }),
      );

      const results = await Promise.all(writers.map((after) => ledger.commit(aChange(after, "request.approved"))));

      const current = await ledger.get(first.id);
      expect(results.filter((result) => result.type === "committed")).toHaveLength(1);
      expect(results.filter((result) => result.type === "conflict")).toEqual([
        { type: "conflict", current },
        { type: "conflict", current },
      ]);
    });

    test("that lost leaves neither its event nor its place in an index", async () => {
      await ledger.commit(aChange(aRequest()));

      await ledger.commit(aChange(aRequest({ requester: "U0ONCALL", cluster: "production" }), "request.denied"));

      expect((await ledger.events(1, 10)).map(({ event }) => event.type)).toEqual(["request.created"]);
      expect(await ledger.ofRequester("U0ONCALL", 10)).toEqual([]);
      expect(await ledger.openOf("production")).toEqual([]);
    });

    test("that is sent again after its answer was lost is told as committed, and is in the log once", async () => {
      const change = aChange(aRequest());
      await ledger.commit(change);

      const again = await ledger.commit(change);

      expect(again).toEqual({ type: "committed" });
      expect(await ledger.events(1, 10)).toHaveLength(1);
    });
  });

  describe("what is due", () => {
    test.each([
      ["a request that waits for its preview, from its beginning", aRequest(), at(0)],
      ["a request that waits for a decision, when it lapses", aPreviewedRequest(), at(hours(24))],
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

      await ledger.commit(aChange(revise(request, { state: "denied" }), "request.denied"));

      expect(await ledger.due(at(hours(10_000)), 10)).toEqual([]);
    });

    test("comes with the longest due first, and no more than asked for", async () => {
      const waits = [3, 1, 2].map((hour) => aRequest({ id: `r-${hour}`, createdAt: at(hours(hour)).toISOString() }));
      for (const request of waits) await ledger.commit(aChange(request));

      const due = await ledger.due(at(hours(5)), 2);

      expect(due.map(({ id }) => id)).toEqual(["r-1", "r-2"]);
    });
  });

  describe("the open requests of a cluster", () => {
    test("are those that are not closed, of this cluster alone", async () => {
      const records = [
        aRequest({ id: "pending" }),
        anApprovedRequest({ id: "approved", version: 1 }),
        aGrantedRequest({ state: "active" }, { id: "active", version: 1 }),
        aGrantedRequest({ state: "ended" }, { id: "ended", version: 1 }),
        aGrantedRequest({ state: "failed" }, { id: "failed", version: 1 }),
        aRequest({ id: "lapsed", state: "lapsed" }),
        aRequest({ id: "elsewhere", cluster: "production" }),
      ];
      for (const record of records) await ledger.commit(aChange(record));

      const open = await ledger.openOf("staging");

      expect(open.map(({ id }) => id).sort()).toEqual(["active", "approved", "pending"]);
    });
  });

  describe("the requests of a person", () => {
    test("come newest first, no more than asked for, and closed ones too", async () => {
      for (const hour of [2, 3, 1]) {
        const createdAt = at(hours(hour)).toISOString();
        await ledger.commit(aChange(aRequest({ id: `r-${hour}`, createdAt, state: "denied" })));
      }
      await ledger.commit(aChange(aRequest({ id: "of-somebody-else", requester: "U0ONCALL" })));

      const own = await ledger.ofRequester("U0ENGINEER", 2);

      expect(own.map(({ id }) => id)).toEqual(["r-3", "r-2"]);
    });
  });

  describe("what is not shown yet", () => {
    test("is every record whose newest version no message shows", async () => {
      const first = aRequest();
      await ledger.commit(aChange(first));
      const second = aRequest({ id: "r-2" });
      await ledger.commit(aChange(second));

      await ledger.markShown("r-2", { version: 1, message: null, told: [] });

      expect(await ledger.unshown(10)).toEqual(["r-1"]);
    });

    test("is a record again as soon as it changes", async () => {
      const first = aRequest();
      await ledger.commit(aChange(first));
      await ledger.markShown("r-1", { version: 1, message: null, told: [] });

      await ledger.commit(aChange(revise(first, { state: "cancelled" })));

      expect(await ledger.unshown(10)).toEqual(["r-1"]);
    });

    test("is a record too over whose newest version a late messenger wrote an older one", async () => {
      const first = aRequest();
      await ledger.commit(aChange(first));
      await ledger.commit(aChange(revise(first, { state: "cancelled" })));
      await ledger.markShown("r-1", { version: 2, message: null, told: [] });

      await ledger.markShown("r-1", { version: 1, message: null, told: [] });

      expect(await ledger.unshown(10)).toEqual(["r-1"]);
    });

    test("remembers where the message stands and what was told", async () => {
      const shown = { version: 1, message: { channel: "C0ACCESS", ts: "1.2" }, told: ["active", "ended"] };
      await ledger.commit(aChange(aRequest()));

      await ledger.markShown("r-1", shown);

      expect(await ledger.shown("r-1")).toEqual(shown);
      expect(await ledger.shown("r-2")).toBeNull();
    });

    test("is never an id that the ledger does not know", async () => {
      await ledger.markShown("unknown", { version: 1, message: null, told: [] });

      expect(await ledger.unshown(10)).toEqual([]);
    });
  });

  describe("the audit log", () => {
    test("is an unbroken chain in the order of the commits, read page by page", async () => {
      for (let index = 1; index <= 7; index += 1) {
        await ledger.commit(aChange(aRequest({ id: `r-${index}` })));
      }

      const pages = [await ledger.events(1, 3), await ledger.events(4, 3), await ledger.events(7, 3)];

      expect(pages.map((page) => page.length)).toEqual([3, 3, 1]);
      expect(pages.flat().map(({ event }) => event.request)).toEqual(
        [1, 2, 3, 4, 5, 6, 7].map((index) => `r-${index}`),
      );
      expect(verifyChain(pages.flat())).toMatchObject({ type: "whole", count: 7 });
      expect(await ledger.events(8, 3)).toEqual([]);
    });
  });

  describe("a turn", () => {
    test("is taken by one of all who ask at once, and by its own name", async () => {
      const taken = await Promise.all([1, 2, 3].map(() => ledger.takeTurn("inspect", 60_000)));
      const another = await ledger.takeTurn("adopt", 60_000);

      expect(taken.filter(Boolean)).toHaveLength(1);
      expect(another).toBe(true);
    });

    test("comes again after its time", async () => {
      await ledger.takeTurn("inspect", 20);

      const again = await vi.waitUntil(() => ledger.takeTurn("inspect", 60_000), { timeout: 5_000, interval: 5 });

      expect(again).toBe(true);
    });
  });

  test("the ledger tells which clusters' own memories it has read", async () => {
    await ledger.markAdopted("staging");

    expect(await ledger.adopted(["production", "staging"])).toEqual(new Set(["staging"]));
    expect(await ledger.adopted([])).toEqual(new Set());
  });

  test("the ledger remembers the last principal of a person", async () => {
    await ledger.linkPrincipal("U0ENGINEER", "arn:aws:iam::111122223333:user/old");

    await ledger.linkPrincipal("U0ENGINEER", "arn:aws:iam::111122223333:user/new");

    expect(await ledger.principalOf("U0ENGINEER")).toBe("arn:aws:iam::111122223333:user/new");
    expect(await ledger.principalOf("U0ONCALL")).toBeNull();
  });

  test("the ledger remembers who the worker was last", async () => {
    const identity = { arn: "arn:aws:iam::111122223333:role/worker", account: "111122223333", at: at(0).toISOString() };
    const before = await ledger.workerIdentity();

    await ledger.setWorkerIdentity(identity);

    expect(before).toBeNull();
    expect(await ledger.workerIdentity()).toEqual(identity);
  });
}
