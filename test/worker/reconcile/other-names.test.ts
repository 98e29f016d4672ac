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

const entriesWith = (describe: (arn: string) => Promise<AccessEntry>, listed = arns) => ({
  list: async () => listed,
  describe,
});

test("of many access entries a bounded number is read, and the rest is counted", async () => {
  const { entries, unread } = await otherNames(
    entriesWith(async (arn) => entryOf(arn)),
    () => true,
  );

  expect(entries[0]).toEqual({ arn: arns[0], username: "sso:{{SessionNameRaw}}" });
  expect([entries.length, unread]).toEqual([50, 10]);
});

test("an entry that can't be read counts as unread, and fails no preview", async () => {
  const read = async (arn: string) => (arn === arns[0] ? Promise.reject(new Error("throttled")) : entryOf(arn));
  const names = await otherNames(entriesWith(read, arns.slice(0, 2)), () => true);

  expect(names).toMatchObject({ entries: [{ arn: arns[1] }], unread: 1 });
});

test("none is read where no request gives a new username", async () => {
  const read = () => Promise.reject(new Error("not to be read"));

  expect(await otherNames(entriesWith(read), () => false)).toEqual({ entries: [], unread: 0 });
});
