import { expect, test } from "vitest";
import { mergeMemory } from "../../../src/access/lease/holding.ts";
import { noWithdrawals } from "../../../src/access/lease/withdrawal.ts";
import { aHolding, aShare } from "../../builders/a-share.ts";
import { at, hours } from "../../builders/times.ts";

const [viewers, admins] = ["eks-access:viewers", "eks-access:admins"];
const none = { holdings: [], withdrawals: noWithdrawals };
const old = aHolding({ shares: [aShare({ id: "r-old" })] });
const backup = { holdings: [old], withdrawals: noWithdrawals };

test("restored groups are remembered as the backup has them", () => {
  expect(mergeMemory(none, backup, () => null).holdings).toEqual([old]);
});

test("groups from before the backup do not become ours", () => {
  expect(mergeMemory(none, backup, () => []).holdings).toEqual([]);
});

test("of an existing entry only the restored groups are ours, with their leases", () => {
  const shares = [aShare({ id: "r-view", groups: [viewers] }), aShare({ id: "r-admin", groups: [admins] })];
  const both = aHolding({ added: [admins, viewers], shares });

  expect(mergeMemory(none, { ...backup, holdings: [both] }, () => [admins]).holdings).toEqual([
    { ...both, entryAdded: false, added: [admins], shares: [shares[1]] },
  ]);
});

test("the live memory stays, and its own lease wins over the backup's of the same id", () => {
  const share = aShare({ id: "r-old", endsAt: at(hours(9)).toISOString() });
  const live = aHolding({ arn: old.arn.toUpperCase(), added: [admins], shares: [share, aShare({ id: "r-new" })] });

  expect(mergeMemory({ ...none, holdings: [live] }, backup, () => null).holdings).toEqual([
    { ...live, added: [admins, viewers], shares: [share, aShare({ id: "r-new" })] },
  ]);
});

test("both memories of withdrawals count", () => {
  const withdrawal = (id: string) => ({ id, at: at(0).toISOString(), endsAt: at(hours(1)).toISOString() });
  const of = (id: string, notBefore: string | null) => ({
    ...none,
    withdrawals: { list: [withdrawal(id)], notBefore },
  });

  expect(mergeMemory(of("r-1", null), of("r-2", at(1).toISOString()), () => null).withdrawals).toEqual({
    list: [withdrawal("r-1"), withdrawal("r-2")],
    notBefore: at(1).toISOString(),
  });
});
