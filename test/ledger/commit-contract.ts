import { beforeEach, describe, expect, test } from "vitest";
import type { Ledger } from "../../src/ledger/ledger.ts";
import { anApprovedRequest, aPreviewedRequest, aRequest, revise } from "../builders/a-request.ts";
import { aTrouble } from "../builders/a-trouble.ts";
import { aChange } from "../builders/an-event.ts";
import { at, hours, minutes } from "../builders/times.ts";

/** One wins, and a record and its event are one step. */
export function commitContract(ledgerNow: () => Ledger): void {
  let ledger: Ledger;

  beforeEach(() => {
    ledger = ledgerNow();
  });

  describe("a commit", () => {
    test("of the first version is there to read, whole", async () => {
      const request = anApprovedRequest({ version: 1, reason: "naïve “quotes” & <tags> 🚀\nsecond line" });

      const result = await ledger.commit(aChange(request));

      expect(result).toEqual({ type: "committed" });
      expect(await ledger.get(request.id)).toEqual(request);
    });

    test("takes exactly the next version, and a conflict returns the present record", async () => {
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

    test("of two at once lets one win, and the loser gets the winner's record", async () => {
      const first = aPreviewedRequest();
      await ledger.commit(aChange(first));
      const writers = ["U0APPROVER", "U0APPROVER2", "U0ONCALL"].map((by) =>
        revise(first, { voided: { by: [by], message: "" } }),
      );

      const results = await Promise.all(writers.map((after) => ledger.commit(aChange(after, "request.approved"))));

      const current = await ledger.get(first.id);
      expect(results.filter((result) => result.type === "committed")).toHaveLength(1);
      expect(results.filter((result) => result.type === "conflict")).toEqual([
        { type: "conflict", current },
        { type: "conflict", current },
      ]);
    });

    test("without an event moves the record on by the same comparison, and leaves the log as it is", async () => {
      const request = anApprovedRequest({ version: 1 });
      await ledger.commit(aChange(request));
      const retried = revise(request, { trouble: aTrouble() });

      const result = await ledger.commit({ after: retried, event: null });
      const late = await ledger.commit({ after: revise(request, { trouble: aTrouble({ attempts: 2 }) }), event: null });

      expect(result).toEqual({ type: "committed" });
      expect(late).toEqual({ type: "conflict", current: retried });
      expect(await ledger.get(request.id)).toEqual(retried);
      expect(await ledger.due(at(minutes(2)), 10)).toEqual([retried]);
      expect(await ledger.unshown(10)).toEqual([request.id]);
      expect(await ledger.events(1, 10)).toHaveLength(1);
      expect(await ledger.eventsOf(request.id, 10)).toHaveLength(1);
    });

    test("that lost leaves neither its event nor its place in an index", async () => {
      await ledger.commit(aChange(aRequest()));

      await ledger.commit(aChange(aRequest({ requester: "U0ONCALL", cluster: "production" }), "request.denied"));

      expect((await ledger.events(1, 10)).map(({ event }) => event.type)).toEqual(["request.created"]);
      expect(await ledger.ofRequester("U0ONCALL", 10)).toEqual([]);
      expect(await ledger.duePendingOf("production", at(hours(1_000)), 10)).toEqual([]);
    });

    test("that makes the record of another change is no repetition of it, so its event is not lost", async () => {
      await ledger.commit(aChange(aRequest()));
      const next = aRequest({ version: 2 });
      await ledger.commit({ ...aChange(next), event: null });

      const undone = await ledger.commit(aChange(next, "record.undone"));
      const without = await ledger.commit({ ...aChange(next), event: null });

      expect(undone).toEqual({ type: "conflict", current: next });
      expect(without).toEqual({ type: "committed" });
    });

    test("of a new request fails if the requester has too many pending ones, also of several at once", async () => {
      const asked = ["r-1", "r-2", "r-3", "r-4"].map((id) => ({ ...aChange(aRequest({ id })), maxPending: 2 }));

      const results = await Promise.all(asked.map((change) => ledger.commit(change)));
      const other = await ledger.commit({ ...aChange(aRequest({ id: "r-5", requester: "U0OTHER" })), maxPending: 2 });

      expect(results.filter(({ type }) => type === "committed")).toHaveLength(2);
      expect(results).toContainEqual({ type: "conflict", current: null });
      expect(other).toEqual({ type: "committed" });
      expect(await ledger.events(1, 9)).toHaveLength(3);
    });

    test("of a new request for another person counts for the person who asks, and both find it", async () => {
      const [requester, askedBy] = ["U0ENGINEER", "U0ALICE"];
      const asked = ["r-1", "r-2"].map((id) => ({ ...aChange(aRequest({ id, requester, askedBy })), maxPending: 1 }));
      const own = aRequest({ id: "r-3", requester });
      const mine = (user: string) => ({ list: "all", clusters: [], requester: user, match: "any" }) as const;

      const [first, second] = [
        await ledger.commit(asked[0] ?? expect.fail()),
        await ledger.commit(asked[1] ?? expect.fail()),
      ];
      const ofOther = await ledger.commit({ ...aChange(own), maxPending: 1 });

      expect([first.type, second.type, ofOther.type]).toEqual(["committed", "conflict", "committed"]);
      expect((await ledger.list(mine(askedBy), 0, 9)).requests.map(({ id }) => id)).toEqual(["r-1"]);
      expect((await ledger.list({ ...mine(askedBy), clusters: ["staging"], match: "both" }, 0, 9)).total).toBe(1);
      expect((await ledger.list(mine(requester), 0, 9)).total).toBe(2);
      expect(await ledger.ofRequester(askedBy, 9)).toEqual([]);
    });
  });
}
