import { expect, test } from "vitest";
import { readRescueTags, writeRescueTags } from "../../../src/access/lease/kept-documents.ts";
import { keys } from "../../builders/keys.ts";

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
