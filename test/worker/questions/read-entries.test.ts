import { expect, test } from "vitest";
import { AccessError } from "../../../src/access/access-error.ts";
import type { AccessEntry } from "../../../src/access-entry/entry-tags.ts";
import { readEntries } from "../../../src/worker/questions/look-at-cluster.ts";
import { anEntry } from "../../builders/an-entry.ts";

const limits = { most: 100, width: 3, withinMs: 10_000 };
const arns = (count: number) =>
  Array.from({ length: count }, (_, index) => `arn:aws:iam::111122223333:role/r${String(index).padStart(2, "0")}`);
const namesOf = (entries: readonly AccessEntry[]) => entries.map(({ principalArn }) => principalArn).sort();
const throttled = () => new AccessError("aws-throttled", "AWS throttled eks:DescribeAccessEntry");

/** Answers for each entry once the event loop came round, and counts how many are asked for at once. */
function service(answer: (arn: string) => AccessEntry | null | Error = (principalArn) => anEntry({ principalArn })) {
  const seen = { asked: [] as string[], atOnce: 0, most: 0 };
  const describe = async (arn: string) => {
    seen.asked.push(arn);
    seen.atOnce += 1;
    seen.most = Math.max(seen.most, seen.atOnce);
    await new Promise((resolve) => setImmediate(resolve));
    seen.atOnce -= 1;
    const answered = answer(arn);
    if (answered instanceof Error) throw answered;
    return answered;
  };
  return { seen, describe };
}

test("all are read, a few at a time", async () => {
  const { seen, describe } = service();

  const reading = await readEntries({ describe }, arns(20), limits);

  expect({ ...reading, entries: namesOf(reading.entries) }).toEqual({ entries: arns(20), unread: 0, why: null });
  expect(seen.most).toBe(3);
});

test("one that is gone meanwhile counts as read", async () => {
  const { describe } = service(() => null);

  expect(await readEntries({ describe }, arns(2), limits)).toEqual({ entries: [], unread: 0, why: null });
});

test("reads at most the limit, the first ones, and says how many are left", async () => {
  const { seen, describe } = service();

  const reading = await readEntries({ describe }, arns(30), { ...limits, most: 10 });

  expect(seen.asked).toEqual(arns(10));
  expect(reading).toMatchObject({ unread: 20, why: expect.stringContaining("The worker asks about at most 10") });
});

test("where EKS throttles some, fewer are read at once, and all of them", async () => {
  let times = 2;
  const { seen, describe } = service((principalArn) => (times-- > 0 ? throttled() : anEntry({ principalArn })));

  const reading = await readEntries({ describe }, arns(9), limits);

  expect(namesOf(reading.entries)).toEqual(arns(9));
  expect(reading.why).toBeNull();
  expect(seen.asked).toHaveLength(11);
});

test("where EKS throttles every lane the reading ends, and what was read is kept", async () => {
  const { seen, describe } = service((arn) => (arn > "arn:aws:iam::111122223333:role/r03" ? throttled() : anEntry()));

  const reading = await readEntries({ describe }, arns(50), limits);

  expect(reading.entries).toHaveLength(4);
  expect(reading).toMatchObject({ unread: 46, why: "AWS throttled eks:DescribeAccessEntry. Try again in a minute." });
  expect(seen.asked.length).toBeLessThan(10);
});

test("what trying again can't remedy ends the reading at once, with its remedy", async () => {
  const denied = new AccessError("access-entry-denied", "AWS refused it");
  const { seen, describe } = service((principalArn) =>
    principalArn.endsWith("r00") ? denied : anEntry({ principalArn }),
  );

  const reading = await readEntries({ describe }, arns(50), limits);

  expect(namesOf(reading.entries)).toEqual(arns(3).slice(1));
  expect(reading).toMatchObject({ unread: 48, why: expect.stringContaining("access-entries-policy.json") });
  expect(seen.asked).toEqual(arns(3));
});

test("the person who asks is not kept waiting by an answer that does not come", async () => {
  const never = new Promise<null>(() => {});
  const describe = (arn: string) => (arn.endsWith("r02") ? never : Promise.resolve(anEntry({ principalArn: arn })));

  const reading = await readEntries({ describe }, arns(5), { ...limits, withinMs: 50 });

  expect(reading.entries).toHaveLength(4);
  expect(reading).toMatchObject({
    unread: 1,
    why: "AWS did not answer in time. Try again in a minute.",
  });
});
