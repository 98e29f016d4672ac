import { beforeEach, describe, expect, test } from "vitest";
import { verifyChain } from "../../src/access/audit-event.ts";
import type { EventLedger } from "../../src/ledger/audit-log.ts";
import type { Ledger } from "../../src/ledger/ledger.ts";
import { aRequest, revise } from "../builders/a-request.ts";
import { aChange } from "../builders/an-event.ts";

/** Events. */
export function eventContract(ledgerNow: () => EventLedger & Pick<Ledger, "commit" | "get">): void {
  let ledger: EventLedger & Pick<Ledger, "commit" | "get">;

  beforeEach(() => {
    ledger = ledgerNow();
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
    test("are its own, in order, and the newest ones up to the limit", async () => {
      let request = aRequest();
      await ledger.commit(aChange(request));
      await ledger.commit(aChange(aRequest({ id: "r-2" })));
      for (const type of ["request.previewed", "request.approved", "lease.active"] as const) {
        request = revise(request, {});
        await ledger.commit(aChange(request, type));
      }

      const whole = await ledger.eventsOf("r-1", 10);
      const last = await ledger.eventsOf("r-1", 2);

      expect(whole.map(({ sequence, event }) => [sequence, event.type])).toEqual([
        [1, "request.created"],
        [3, "request.previewed"],
        [4, "request.approved"],
        [5, "lease.active"],
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

  describe("an event without a change", () => {
    test("is in the log, and among those of its request, and the record stays as it is", async () => {
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

    test("leaves nothing for an unknown request", async () => {
      await ledger.note({ ...aChange(aRequest(), "attempt.refused").event, request: "r-made-up" });
      await ledger.commit(aChange(aRequest({ id: "r-made-up" })));

      expect((await ledger.eventsOf("r-made-up", 10)).map(({ event }) => event.type)).toEqual(["request.created"]);
    });
  });
}
