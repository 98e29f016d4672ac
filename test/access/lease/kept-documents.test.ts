import { expect, test } from "vitest";
import {
  type KeptData,
  type KeptDocument,
  readKept,
  readRescueTags,
  withKeptDocument,
  writeRescueTags,
} from "../../../src/access/lease/kept-documents.ts";
import { memoryKeys } from "../../../src/access/seal.ts";
import { aSecret, keys, otherKeys } from "../../builders/keys.ts";
import { at } from "../../builders/times.ts";

const document = (change: Partial<KeptDocument> = {}): KeptDocument => ({
  at: at(0).toISOString(),
  data: { mapRoles: "- rolearn: a\n" },
  leases: null,
  ...change,
});
const kept = (texts: KeptData, change: Partial<KeptDocument>) =>
  withKeptDocument("staging", texts, document(change), keys.memory);
const read = (texts: KeptData | null, name: "last" | "before" = "last") =>
  readKept("staging", texts ?? {}, name, keys.memory);

const first = kept({}, {}) ?? {};

test("a kept document is read back, for its cluster and by our keys alone", () => {
  expect(read(first)).toEqual(document());
  expect(readKept("production", first, "last", keys.memory)).toBeNull();
  expect(readKept("staging", first, "last", otherKeys.memory)).toBeNull();
});

test("a kept document is read back with every key that a ConfigMap can have", () => {
  const data = Object.fromEntries([
    ["mapRoles", "- rolearn: a\n"],
    ["__proto__", "a"],
  ]);

  expect(read(kept({}, { data }))).toEqual(document({ data }));
});

test("an edited or foreign text is no document of ours", () => {
  const text = first["last.json"] ?? "";

  for (const other of [text.replace("rolearn: a", "rolearn: b"), text.replace("2026", "2027"), "{", "null", ""]) {
    expect(read({ "last.json": other })).toBeNull();
  }
});

test("one kept document is not read as the other", () => {
  const second = kept(first, { data: { mapRoles: "- rolearn: b\n" } }) ?? {};
  const { "last.json": last = "", "before.json": before = "" } = second;
  const swapped = { "last.json": before, "before.json": last };

  expect(read(swapped)).toBeNull();
  expect(read(swapped, "before")).toBeNull();
});

test("the same document is not written again, and another one keeps the one before it", () => {
  const data = { mapRoles: "- rolearn: b\n" };
  const second = kept(first, { data, at: at(60).toISOString() }) ?? {};

  expect(kept(first, { at: at(60).toISOString() })).toBeNull();
  expect(read(second)).toEqual(document({ data, at: at(60).toISOString() }));
  expect(read(second, "before")).toEqual(document());
});

test("the same document is sealed again by a newer key, so that a rescue still finds it when the older key is gone", () => {
  const [older, newer] = [aSecret("older"), aSecret("newer")];
  const written = withKeptDocument("staging", {}, document(), memoryKeys([older])) ?? {};

  const rotated = withKeptDocument("staging", written, document(), memoryKeys([newer, older])) ?? {};

  expect(readKept("staging", rotated, "last", memoryKeys([newer]))).toEqual(document());
  expect(withKeptDocument("staging", rotated, document(), memoryKeys([newer, older]))).toBeNull();
});

test("a memory of leases that changed alone does not push out the document before", () => {
  const second = kept(first, { data: { mapRoles: "- rolearn: b\n" } }) ?? {};
  const third = kept(second, { data: { mapRoles: "- rolearn: b\n" }, leases: "{}" }) ?? {};

  expect(read(third)).toMatchObject({ leases: "{}" });
  expect(read(third, "before")).toEqual(document());
});

test("where there is no room for both the newest alone is kept, and none where that has none", () => {
  const data = (size: number) => ({ mapRoles: "#".repeat(size) });
  const large = kept({}, { data: data(600_000) }) ?? {};

  expect(Object.keys(kept(large, { data: data(700_000) }) ?? {})).toEqual(["last.json"]);
  expect(kept(large, { data: data(1_000_000) })).toBeNull();
});

const cluster = "arn:aws:eks:eu-central-1:111122223333:cluster/staging";
const role = "arn:aws:iam::111122223333:role/rescuers/rescuer";
const as = "arn:aws:sts::111122223333:assumed-role/operators/jane@example.com";
const lease = { id: "r-7k2m9x4q", by: "U0ONCALL", as, endsAt: "2026-11-24T22:00:00.000Z" };
const tags = writeRescueTags(cluster, role, lease, keys.memory);

test("an entry's tags name the person of the rescue and its end, in characters that EKS takes", () => {
  expect(readRescueTags(cluster, role, { ...tags, team: "a" }, keys.memory)).toEqual(lease);
  for (const [key, value] of Object.entries(tags)) {
    expect(key).toMatch(/^[\w .:/=+@-]{1,128}$/);
    expect(value).toMatch(/^[\w .:/=+@-]{1,256}$/);
  }
});

test.each([
  ["a later end", cluster, role, { "eks-access/rescue": "r-7k2m9x4q U0ONCALL 2099-11-24T22:00:00.000Z" }],
  ["another id", cluster, role, { "eks-access/rescue": "r-99999999 U0ONCALL 2026-11-24T22:00:00.000Z" }],
  ["another role", cluster, `${role}s`, {}],
  ["another cluster", `${cluster}s`, role, {}],
  ["another identity", cluster, role, { "eks-access/rescue-as": as.replace("jane", "joe") }],
  ["no seal", cluster, role, { "eks-access/rescue-seal": "" }],
])("tags with %s are not trusted", (_, inCluster, principal, change) => {
  expect(readRescueTags(inCluster, principal, { ...tags, ...change }, keys.memory)).toBeNull();
});

test("an entry without tags is no rescue", () => {
  expect(readRescueTags(cluster, role, {}, keys.memory)).toBeNull();
});
