import { expect, test } from "vitest";
import type { AccessEntry } from "../../../src/access-entry/index.ts";
import { otherNames } from "../../../src/worker/reconcile/other-names.ts";

const entryOf = (principalArn: string): AccessEntry => ({
  principalArn,
  arn: principalArn,
  type: "STANDARD",
  username: "sso:{{SessionNameRaw}}",
  groups: [],
  policies: [],
  tags: {},
});
const arns = Array.from({ length: 60 }, (_, index) => `arn:aws:iam::111122223333:role/role-${index}`);

test("of many access entries a bounded number is read, and the rest is counted", async () => {
  const { entries, unread } = await otherNames({ describe: async (arn) => entryOf(arn) }, arns);

  expect(entries[0]).toEqual({ arn: arns[0], username: "sso:{{SessionNameRaw}}" });
  expect([entries.length, unread]).toEqual([50, 10]);
});

test("an entry that can't be read counts as unread, and fails no preview", async () => {
  const describe = async (arn: string) => (arn === arns[0] ? Promise.reject(new Error("throttled")) : entryOf(arn));

  expect(await otherNames({ describe }, arns.slice(0, 2))).toMatchObject({ entries: [{ arn: arns[1] }], unread: 1 });
});
