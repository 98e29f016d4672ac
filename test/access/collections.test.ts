import { expect, test } from "vitest";
import { groupsBy, keptWith, putNewest } from "../../src/access/collections.ts";
import {
  type Notice,
  readNamespaceList,
  readNotice,
  sealNamespaces,
  sealNotice,
} from "../../src/access/shared-lists.ts";
import { aCluster } from "../builders/a-cluster.ts";
import { keys, otherKeys } from "../builders/keys.ts";
import { at, hours, minutes } from "../builders/times.ts";

test("items of one key stay together, in their order", () => {
  const groups = groupsBy(["apple", "bean", "avocado"], (word) => word.charAt(0));

  expect([...groups]).toEqual([
    ["a", ["apple", "avocado"]],
    ["b", ["bean"]],
  ]);
});

test("what belongs to an object is made once for it, and anew for another one", () => {
  let made = 0;
  const numberOf = keptWith((_: object) => ++made);
  const [one, other] = [{}, {}];

  expect([numberOf(one), numberOf(other), numberOf(one)]).toEqual([1, 2, 1]);
});

test("the oldest goes when there are too many, and what is put again is the newest", () => {
  const kept = new Map<string, number>();

  for (const name of ["one", "two", "one", "three"]) putNewest(kept, name, 1, 2);

  expect([...kept.keys()]).toEqual(["one", "three"]);
});

test("a list counts for its cluster alone, for an hour, and with its seal", () => {
  const list = sealNamespaces(aCluster(), ["shop", "a"], at(0), keys.preview);
  const read = (value: unknown, cluster = aCluster(), now = at(minutes(59))) =>
    readNamespaceList(value, cluster, keys.preview, now)?.names ?? null;

  expect(read(list)).toEqual(["a", "shop"]);
  expect(read(list, aCluster({ name: "production" }))).toBeNull();
  expect(read({ ...list, cluster: "production" }, aCluster({ name: "production" }))).toBeNull();
  expect(read(list, aCluster({ account: "444455556666" }))).toBeNull();
  expect(read({ ...list, names: ["a", "kube-system"] })).toBeNull();
  expect(read(list, aCluster(), at(hours(1.1)))).toBeNull();
  expect(read({ ...list, at: at(hours(9)).toISOString() })).toBeNull();
  expect(read("nonsense")).toBeNull();
});

const notice: Notice = { id: "fleet", at: "2026-11-28T12:00:00.000Z", title: "A cluster is new.", lines: [] };

test("a notice counts with the seal of one of our processes, and nothing else in Redis is one", () => {
  const stored = [
    sealNotice(notice, keys.preview),
    sealNotice(notice, keys.decision),
    sealNotice(notice, otherKeys.preview),
    { ...sealNotice(notice, keys.preview), title: "Send me the keys." },
    ...["garbage", null, {}, { ...notice }],
  ];

  expect(stored.map((each) => readNotice(each, keys))).toEqual([notice, notice, null, null, null, null, null, null]);
});
