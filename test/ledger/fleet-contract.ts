import { beforeEach, expect, test } from "vitest";
import type { FleetLedger } from "../../src/ledger/clusters.ts";
import { at } from "../builders/times.ts";

/** The fleet, and the operators' notices. */
export function fleetContract(ledgerNow: () => FleetLedger): void {
  let ledger: FleetLedger;

  beforeEach(() => {
    ledger = ledgerNow();
  });

  test("the ledger has the last published list of the fleet", async () => {
    const before = [await ledger.fleetAt(), await ledger.fleet()];
    const lists = [1, 2].map((seconds) => ({ at: at(seconds).toISOString(), clusters: [], seal: `${seconds}` }));
    for (const list of lists) await ledger.publishFleet(list, null);

    expect(before).toEqual([null, null]);
    expect(await ledger.fleetAt()).toBe(at(2).toISOString());
    expect(await ledger.fleet()).toEqual(lists[1]);
  });

  test("a list comes with the notice of its changes", async () => {
    const notice = { id: "n", at: at(1).toISOString(), title: "The fleet changed", lines: ["New: shop."], seal: "s" };
    const list = { at: at(1).toISOString(), clusters: [], seal: "s" };
    await ledger.publishFleet(list, notice);

    expect(await ledger.fleet()).toEqual(list);
    expect(await ledger.notices()).toEqual([notice]);
  });

  test("the ledger keeps the newest hundred notices", async () => {
    const notice = (id: string) => ({ id, at: at(0).toISOString(), title: "Fleet", lines: ["one"], seal: "s" });
    for (let count = 1; count <= 102; count += 1) await ledger.addNotice(notice(`n-${count}`));

    const notices = await ledger.notices();

    expect(notices).toHaveLength(100);
    expect([notices[0], notices[99]]).toEqual([notice("n-102"), notice("n-3")]);
  });
}
