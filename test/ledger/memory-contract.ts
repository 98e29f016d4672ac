import { beforeEach, describe, expect, test, vi } from "vitest";
import { verifyChain } from "../../src/access/audit/event.ts";
import { revise } from "../../src/access/request/request.ts";
import type { Ledger } from "../../src/ledger/ledger.ts";
import { aRequest } from "../builders/a-request.ts";
import { aTrouble } from "../builders/a-trouble.ts";
import { aChange } from "../builders/an-event.ts";
import { at } from "../builders/times.ts";

/** What is shown, what happened, and what else is remembered. */
export function memoryContract(ledgerNow: () => Ledger): void {
  let ledger: Ledger;

  beforeEach(() => {
    ledger = ledgerNow();
  });

  describe("a cluster that can't be worked on", () => {
    const trouble = { ...aTrouble(), since: at(0).toISOString(), configuration: "one" };

    test("is remembered with why and when it is tried again, beside those that can", async () => {
      await ledger.setClusterTrouble("staging", trouble);

      expect(await ledger.clusterTroubles(["staging", "other"])).toEqual(new Map([["staging", trouble]]));
      expect(await ledger.clusterTroubles([])).toEqual(new Map());
    });

    test("is forgotten once it can", async () => {
      await ledger.setClusterTrouble("staging", trouble);

      await ledger.setClusterTrouble("staging", null);

      expect(await ledger.clusterTroubles(["staging"])).toEqual(new Map());
    });
  });

  describe("what is not shown yet", () => {
    test("is every record whose newest version no message shows", async () => {
      const first = aRequest();
      await ledger.commit(aChange(first));
      const second = aRequest({ id: "r-2" });
      await ledger.commit(aChange(second));

      await ledger.markShown("r-2", { version: 1, message: null, copies: [], told: [] });

      expect(await ledger.unshown(10)).toEqual(["r-1"]);
    });

    test("is a record again as soon as it changes", async () => {
      const first = aRequest();
      await ledger.commit(aChange(first));
      await ledger.markShown("r-1", { version: 1, message: null, copies: [], told: [] });

      await ledger.commit(aChange(revise(first, { state: "cancelled" })));

      expect(await ledger.unshown(10)).toEqual(["r-1"]);
    });

    test("is a record too over whose newest version a late messenger wrote an older one", async () => {
      const first = aRequest();
      await ledger.commit(aChange(first));
      await ledger.commit(aChange(revise(first, { state: "cancelled" })));
      await ledger.markShown("r-1", { version: 2, message: null, copies: [], told: [] });

      await ledger.markShown("r-1", { version: 1, message: null, copies: [], told: [] });

      expect(await ledger.unshown(10)).toEqual(["r-1"]);
    });

    test("remembers where the message stands and what was told", async () => {
      const shown = { version: 1, message: { channel: "C0ACCESS", ts: "1.2" }, copies: [], told: ["active", "ended"] };
      await ledger.commit(aChange(aRequest()));

      await ledger.markShown("r-1", shown);

      expect(await ledger.shown("r-1")).toEqual(shown);
      expect(await ledger.shown("r-2")).toBeNull();
    });

    test("is never an id that the ledger does not know", async () => {
      await ledger.markShown("unknown", { version: 1, message: null, copies: [], told: [] });

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

  describe("the events of a request", () => {
    test("are those that tell of it, in order, the last ones where there are more than asked for", async () => {
      let request = aRequest();
      await ledger.commit(aChange(request));
      await ledger.commit(aChange(aRequest({ id: "r-2" })));
      for (const type of ["request.previewed", "request.approved", "grant.active"] as const) {
        request = revise(request, {});
        await ledger.commit(aChange(request, type));
      }

      const whole = await ledger.eventsOf("r-1", 10);
      const last = await ledger.eventsOf("r-1", 2);

      expect(whole.map(({ sequence, event }) => [sequence, event.type])).toEqual([
        [1, "request.created"],
        [3, "request.previewed"],
        [4, "request.approved"],
        [5, "grant.active"],
      ]);
      expect(last).toEqual(whole.slice(2));
    });

    test("are also those that change no record, in the one chain", async () => {
      const { event } = aChange(aRequest());
      const own = { ...event, type: "migration.approved", request: "migration-staging" } as const;
      await ledger.commit(aChange(aRequest()));
      await ledger.append(own);
      await ledger.append({ ...own, actor: "U0APPROVER2" });

      const told = await ledger.eventsOf("migration-staging", 10);

      expect(told.map(({ sequence, event: each }) => [sequence, each.actor])).toEqual([
        [2, own.actor],
        [3, "U0APPROVER2"],
      ]);
      expect(verifyChain(await ledger.events(1, 10))).toMatchObject({ type: "whole", count: 3 });
      expect(await ledger.get("migration-staging")).toBeNull();
    });

    test("are none where no commit won", async () => {
      await ledger.commit(aChange(aRequest({ version: 2 })));

      expect(await ledger.eventsOf("r-1", 10)).toEqual([]);
    });
  });

  describe("an event that tells of no change", () => {
    test("is in the log, and among those of its request, whose record stays as it is", async () => {
      const { event } = aChange(aRequest(), "attempt.refused");
      await ledger.commit(aChange(aRequest()));

      await ledger.note(event);

      expect((await ledger.eventsOf("r-1", 10)).map(({ sequence, event: { type } }) => [sequence, type])).toEqual([
        [1, "request.created"],
        [2, "attempt.refused"],
      ]);
      expect(await ledger.get("r-1")).toMatchObject({ version: 1 });
      expect(verifyChain(await ledger.events(1, 10))).toMatchObject({ type: "whole", count: 2 });
    });

    test("leaves nothing with a request that there is not", async () => {
      await ledger.note({ ...aChange(aRequest(), "attempt.refused").event, request: "r-made-up" });
      await ledger.commit(aChange(aRequest({ id: "r-made-up" })));

      expect((await ledger.eventsOf("r-made-up", 10)).map(({ event }) => event.type)).toEqual(["request.created"]);
    });
  });

  describe("a turn", () => {
    test("is taken by one of all who ask at once, and by its own name", async () => {
      const taken = await Promise.all([1, 2, 3].map(() => ledger.takeTurn("inspect", 60_000)));
      const another = await ledger.takeTurn("adopt", 60_000);

      expect(taken.filter(Boolean)).toHaveLength(1);
      expect(another).toBe(true);
    });

    test("of many that are asked for at once is taken once for each name", async () => {
      const names = Array.from({ length: 50 }, (_, index) => `together-${index}`);

      const taken = await Promise.all([...names, ...names].map((name) => ledger.takeTurn(name, 60_000)));

      expect(taken.slice(0, 50)).toEqual(names.map(() => true));
      expect(taken.slice(50)).toEqual(names.map(() => false));
    });

    test("is one of several, where that is asked for, and they come again after their time", async () => {
      const taken = await Promise.all([1, 2, 3, 4].map(() => ledger.takeTurn("attempts", 60_000, 3)));
      await Promise.all([1, 2, 3].map(() => ledger.takeTurn("short", 20, 3)));

      expect(taken.filter(Boolean)).toHaveLength(3);
      await vi.waitUntil(() => ledger.takeTurn("short", 60_000, 3), { timeout: 5_000, interval: 5 });
    });

    test("comes again after its time", async () => {
      await ledger.takeTurn("inspect", 20);

      const again = await vi.waitUntil(() => ledger.takeTurn("inspect", 60_000), { timeout: 5_000, interval: 5 });

      expect(again).toBe(true);
    });
  });

  test("of the runs over one cluster, whoever begins them, the last one that began is the newest", async () => {
    const [first, second] = [await ledger.beginRun("staging"), await ledger.beginRun("staging")];
    const elsewhere = await ledger.beginRun("payments");

    expect(await ledger.isNewestRun("staging", first)).toBe(false);
    expect(await ledger.isNewestRun("staging", second)).toBe(true);
    expect(await ledger.isNewestRun("payments", elsewhere)).toBe(true);
    expect(await ledger.isNewestRun("nowhere", second)).toBe(false);
  });

  test("the ledger remembers with which approvers each level was good, the newest of each", async () => {
    await ledger.rememberGoodApprovers(new Map());
    await ledger.rememberGoodApprovers(
      new Map([
        ["staging viewer", "one"],
        ["staging admin", "two"],
      ]),
    );
    await ledger.rememberGoodApprovers(new Map([["staging viewer", "three"]]));

    expect(await ledger.goodApprovers()).toEqual(
      new Map([
        ["staging viewer", "three"],
        ["staging admin", "two"],
      ]),
    );
  });

  test("the ledger tells which clusters' own memories it has read", async () => {
    await ledger.markAdopted("staging");

    expect(await ledger.adopted(["production", "staging"])).toEqual(new Set(["staging"]));
    expect(await ledger.adopted([])).toEqual(new Set());
  });

  test("the ledger remembers what each thread tells, in its order", async () => {
    await ledger.addToldInThread("r-1", ["approved", "active"]);
    await ledger.addToldInThread("r-2", ["lapsed"]);
    await ledger.addToldInThread("r-1", ["ended"]);

    expect(await ledger.toldInThread("r-1")).toEqual(["approved", "active", "ended"]);
    expect(await ledger.toldInThread("r-3")).toEqual([]);
  });

  test("the ledger remembers which App Home each person sees, of those who have opened theirs", async () => {
    await ledger.rememberHome("U0ENGINEER", "1.old");
    await ledger.rememberHome("U0ENGINEER", "2.new");
    await ledger.rememberHome("U0ONCALL", "");

    expect(await ledger.homesOf(["U0APPROVER", "U0ENGINEER", "U0ONCALL"])).toEqual(
      new Map([
        ["U0ENGINEER", "2.new"],
        ["U0ONCALL", ""],
      ]),
    );
    expect(await ledger.homesOf([])).toEqual(new Map());
  });

  test("the ledger remembers the last principal of a person, and who said so", async () => {
    const link = {
      arn: "arn:aws:iam::111122223333:user/new",
      seal: { by: null, at: at(0).toISOString(), seal: "00000000.00" },
    };
    await ledger.linkPrincipal("U0ENGINEER", { arn: "arn:aws:iam::111122223333:user/old", seal: null });

    await ledger.linkPrincipal("U0ENGINEER", link);

    expect(await ledger.principalOf("U0ENGINEER")).toBe("arn:aws:iam::111122223333:user/new");
    expect(await ledger.linkOf("U0ENGINEER")).toEqual(link);
    expect(await ledger.principalOf("U0ONCALL")).toBeNull();
    expect(await ledger.linkOf("U0ONCALL")).toBeNull();
  });

  test("the ledger remembers what was found out last about a cluster's creation", async () => {
    const arn = "arn:aws:eks:eu-central-1:111122223333:cluster/staging";
    const creator = "arn:aws:iam::111122223333:role/creator";
    const record = { eventId: "e-1", at: at(0).toISOString(), kind: "AssumedRole", arn: creator, invokedBy: null };
    const before = await ledger.creation(arn);
    await ledger.rememberCreation(arn, { record, seal: "one" });

    await ledger.rememberCreation(arn, { record: { ...record, eventId: "e-2" }, seal: "two" });

    expect(before).toBeNull();
    expect(await ledger.creation(arn)).toEqual({ record: { ...record, eventId: "e-2" }, seal: "two" });
    expect(await ledger.creation(`${arn}-2`)).toBeNull();
  });

  test("the ledger remembers who the worker was last", async () => {
    const identity = { arn: "arn:aws:iam::111122223333:role/worker", account: "111122223333", at: at(0).toISOString() };
    const before = await ledger.workerIdentity();

    await ledger.setWorkerIdentity(identity);

    expect(before).toBeNull();
    expect(await ledger.workerIdentity()).toEqual(identity);
  });
}
