import { beforeEach, describe, expect, test } from "vitest";
import type { Ledger } from "../../src/ledger/ledger.ts";
import type { MessageLedger } from "../../src/ledger/messages.ts";
import { aRequest, revise } from "../builders/a-request.ts";
import { aChange } from "../builders/an-event.ts";

/** The contents of messages. */
export function messageContract(ledgerNow: () => MessageLedger & Pick<Ledger, "commit">): void {
  let ledger: MessageLedger & Pick<Ledger, "commit">;

  beforeEach(() => {
    ledger = ledgerNow();
  });

  describe("what is not shown yet", () => {
    test("is every record with a newest version that no message shows", async () => {
      const first = aRequest();
      await ledger.commit(aChange(first));
      const second = aRequest({ id: "r-2" });
      await ledger.commit(aChange(second));

      await ledger.markShown("r-2", { version: 1, message: null, copies: [], direct: null, milestones: [] });

      expect(await ledger.unshown(10)).toEqual(["r-1"]);
    });

    test("is a record again as soon as it changes", async () => {
      const first = aRequest();
      await ledger.commit(aChange(first));
      await ledger.markShown("r-1", { version: 1, message: null, copies: [], direct: null, milestones: [] });

      await ledger.commit(aChange(revise(first, { state: "cancelled" })));

      expect(await ledger.unshown(10)).toEqual(["r-1"]);
    });

    test("is also a record that a late messenger overwrote with an older version", async () => {
      const first = aRequest();
      await ledger.commit(aChange(first));
      await ledger.commit(aChange(revise(first, { state: "cancelled" })));
      await ledger.markShown("r-1", { version: 2, message: null, copies: [], direct: null, milestones: [] });

      await ledger.markShown("r-1", { version: 1, message: null, copies: [], direct: null, milestones: [] });

      expect(await ledger.unshown(10)).toEqual(["r-1"]);
    });

    test("remembers the place of the message and its direct messages", async () => {
      const shown = {
        version: 1,
        message: { channel: "C0ACCESS", ts: "1.2" },
        copies: [],
        direct: { channel: "D0ENGINEER", ts: "1.5" },
        milestones: ["active", "ended"],
      };
      await ledger.commit(aChange(aRequest()));

      await ledger.markShown("r-1", shown);

      expect(await ledger.shown("r-1")).toEqual(shown);
      expect(await ledger.shown("r-2")).toBeNull();
    });

    test("is never an id that the ledger does not know", async () => {
      await ledger.markShown("unknown", { version: 1, message: null, copies: [], direct: null, milestones: [] });

      expect(await ledger.unshown(10)).toEqual([]);
    });
  });

  test("the ledger remembers the entries of each thread, in order", async () => {
    await ledger.addThreadEntries("r-1", ["approved", "active"]);
    await ledger.addThreadEntries("r-2", ["expired"]);
    await ledger.addThreadEntries("r-1", ["ended"]);

    expect(await ledger.threadEntryNames("r-1")).toEqual(["approved", "active", "ended"]);
    expect(await ledger.threadEntryNames("r-3")).toEqual([]);
  });

  test("the ledger remembers which channel must show a record again, until it does", async () => {
    await ledger.rememberOutdated("r-1", "C0ACCESS");
    await ledger.rememberOutdated("r-2", "C0OTHER");
    await ledger.rememberOutdated("r-1", null);

    expect(await ledger.outdated()).toEqual(new Map([["r-2", "C0OTHER"]]));
    expect([await ledger.outdatedIn("r-1"), await ledger.outdatedIn("r-2")]).toEqual([null, "C0OTHER"]);
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
    expect([...(await ledger.homesOf(null)).keys()].toSorted()).toEqual(["U0ENGINEER", "U0ONCALL"]);
  });
}
