import { expect, test } from "vitest";
import { signInShare } from "../../src/access/lease/lease.ts";
import {
  type AccessEntry,
  fitsTags,
  readHoldingTags,
  staleTags,
  writeHoldingTags,
} from "../../src/access-entry/entry-tags.ts";
import { aShare } from "../builders/a-share.ts";
import { keys, otherKeys } from "../builders/keys.ts";

const arn = "arn:aws:iam::111122223333:user/engineer";
const madeAt = "2026-03-01T08:00:00.000Z";
const holdingOf = (count: number) => ({
  arn,
  entryAdded: true,
  added: ["eks-access:viewers"],
  shares: Array.from({ length: count }, (_, index) => aShare({ id: `r-${index}` })),
});
const entryWith = (tags: Readonly<Record<string, string>>): AccessEntry => ({
  principalArn: arn,
  arn: "arn:aws:eks:eu-central-1:111122223333:access-entry/payments/user/111122223333/engineer/1",
  type: "STANDARD",
  username: "engineer",
  groups: [],
  policies: [],
  tags,
});

test("our tags are read back as written, whatever other tags there are", () => {
  const tags = writeHoldingTags("payments", holdingOf(3), keys.memory, { madeAt });

  const reading = readHoldingTags("payments", arn, entryWith({ ...tags, team: "platform" }), keys.memory);
  expect(reading).toEqual({ type: "holding", holding: holdingOf(3), openSince: null, madeAt, isOfOlderKey: false });
});

test("since when a claim is open is a part of what is sealed", () => {
  const since = "2026-03-01T09:00:00.000Z";

  const reading = readHoldingTags(
    "payments",
    arn,
    entryWith(writeHoldingTags("payments", holdingOf(3), keys.memory, { madeAt, openSince: since })),
    keys.memory,
  );
  expect(reading).toEqual({ type: "holding", holding: holdingOf(3), openSince: since, madeAt, isOfOlderKey: false });
});

test("EKS takes the tags: their number, their lengths and their characters", () => {
  const tags = writeHoldingTags("payments", holdingOf(20), keys.memory, { madeAt });

  for (const [key, value] of Object.entries(tags)) {
    expect(`${key}${value}`).toMatch(/^[A-Za-z0-9 +\-=._:/@]*$/);
    expect([key.length <= 128, value.length <= 256]).toEqual([true, true]);
  }
  expect(fitsTags(tags, {})).toBe(true);
  expect(fitsTags(writeHoldingTags("payments", holdingOf(60), keys.memory, { madeAt }), {})).toBe(false);
});

test("the leases of 300 people who only sign in by an entry fit into its tags, and are read back", () => {
  const shares = Array.from({ length: 300 }, (_, index) =>
    signInShare({ id: `r-${String(index).padStart(5, "0")}`, endsAt: "2026-03-01T17:00:00.123Z" }),
  );
  const holding = { arn, entryAdded: true, added: [], shares };
  const tags = writeHoldingTags("payments", holding, keys.memory, { madeAt });

  expect(fitsTags(tags, {})).toBe(true);
  expect(readHoldingTags("payments", arn, entryWith(tags), keys.memory)).toMatchObject({ type: "holding", holding });
});

test.each([
  ["of another cluster", "ledgers", arn, keys.memory],
  ["of another principal", "payments", `${arn}-2`, keys.memory],
  ["that another installation sealed", "payments", arn, otherKeys.memory],
] as const)("tags %s are not trusted", (_, cluster, principal, reader) => {
  const tags = writeHoldingTags("payments", holdingOf(1), keys.memory, { madeAt });

  expect(readHoldingTags(cluster, principal, entryWith(tags), reader).type).toBe("untrusted");
});

test.each([
  ["that EKS made at once", "2026-03-01T08:00:01.000Z", "holding"],
  ["by a clock behind ours", "2026-03-01T07:53:01.000Z", "holding"],
  ["by a call that came late", "2026-03-01T08:06:59.000Z", "holding"],
  ["of which EKS does not say when it made it", undefined, "holding"],
  ["that others made later", "2026-03-01T08:07:01.000Z", "untrusted"],
  ["that others made before", "2026-03-01T07:52:59.000Z", "untrusted"],
] as const)("tags count on an entry %s", (_, createdAt, type) => {
  const tags = writeHoldingTags("payments", holdingOf(1), keys.memory, { madeAt });
  const entry = { ...entryWith(tags), ...(createdAt && { createdAt }) };

  expect(readHoldingTags("payments", arn, entry, keys.memory).type).toBe(type);
});

test("tags with a changed or missing piece are not trusted", () => {
  const tags = writeHoldingTags("payments", holdingOf(3), keys.memory, { madeAt });
  const { "eks-access/held-01": _, ...short } = tags;

  expect(readHoldingTags("payments", arn, entryWith(short), keys.memory).type).toBe("untrusted");
  const other = { ...tags, "eks-access/held-00": tags["eks-access/held-01"] ?? "" };
  expect(readHoldingTags("payments", arn, entryWith(other), keys.memory).type).toBe("untrusted");
});

test("pieces of a longer memory than there is now are stale, and no tag of others", () => {
  const long = writeHoldingTags("payments", holdingOf(5), keys.memory, { madeAt });
  const short = writeHoldingTags("payments", holdingOf(1), keys.memory, { madeAt });

  expect(staleTags(short, { ...long, team: "platform", "eks-access/rescue": "1" })).not.toContain("team");
  expect(Object.keys({ ...short }).length + staleTags(short, long).length).toBe(Object.keys(long).length);
});
