import { expect, test } from "vitest";
import { otherNames } from "../../../src/worker/reconcile/entry-state.ts";

const username = "sso:{{SessionNameRaw}}";
const arns = Array.from({ length: 60 }, (_, index) => `arn:aws:iam::111122223333:role/role-${index}`);

const entriesWith = (usernameOf: (arn: string) => Promise<string>, listed = arns) => ({
  list: async () => listed,
  identityOf: async (arn: string) => ({ username: await usernameOf(arn), groups: [] }),
});

test("of many access entries a bounded number is read, and the rest is counted", async () => {
  const { entries, unread } = await otherNames(
    entriesWith(async () => username),
    () => true,
  );

  expect(entries[0]).toEqual({ arn: arns[0], username });
  expect([entries.length, unread]).toEqual([50, 10]);
});

test("an entry that can't be read counts as unread, and fails no preview", async () => {
  const read = async (arn: string) => (arn === arns[0] ? Promise.reject(new Error("throttled")) : username);
  const names = await otherNames(entriesWith(read, arns.slice(0, 2)), () => true);

  expect(names).toMatchObject({ entries: [{ arn: arns[1] }], unread: 1 });
});

test("none is read where no request gives a new username", async () => {
  const read = () => Promise.reject(new Error("not to be read"));

  expect(await otherNames(entriesWith(read), () => false)).toEqual({ entries: [], unread: 0 });
});
