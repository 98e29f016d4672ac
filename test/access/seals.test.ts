import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { MappedIdentity } from "../../src/access/lease/lease-record.ts";
import type { SealedPlan } from "../../src/access/migration.ts";
import type { Cluster, Level, Rule } from "../../src/access/policy/cluster.ts";
import { clusterRule } from "../../src/access/policy/rule.ts";
import type { AccessRequest, Preview } from "../../src/access/record.ts";
import {
  digestOfChange,
  isGenuinePlan,
  isGenuinePreview,
  type SeenInCluster,
  sealPreview,
} from "../../src/access/seals.ts";
import { aCluster, aLevel } from "../builders/a-cluster.ts";
import { aPlannedMigration, changedMigration } from "../builders/a-migration.ts";
import { aPreview, aPreviewedRequest, aRequest, changed } from "../builders/a-request.ts";
import { keys, otherKeys } from "../builders/keys.ts";
import { at, hours } from "../builders/times.ts";

const beside = { id: "r-0", groups: ["a"], endsAt: at(hours(1)).toISOString() };
const base: MappedIdentity = { username: "dev", groups: ["readers", "writers"] };

function digestWith(
  change: { request?: Partial<AccessRequest>; cluster?: Partial<Cluster>; level?: Partial<Level> } = {},
  entry: MappedIdentity | null = base,
  seen: Partial<SeenInCluster> = {},
): string {
  const request = aRequest({ groups: ["a", "b"], ...change.request });
  const cluster = aCluster({ foreignAccounts: ["222233334444", "333344445555"], ...change.cluster });
  return digestOfChange(request, cluster, aLevel({ groups: ["a", "b"], ...change.level }), {
    base: entry,
    way: "aws-auth",
    leases: [beside],
    ...seen,
  });
}

const rule = { ...clusterRule, name: "two", approvals: 2, approvers: ["U0APPROVER2", "U0APPROVER"] };
const before = digestWith();

describe("the digest is another one", () => {
  test.each<[string, string]>([
    ["for another request", digestWith({ request: { id: "r-2" } })],
    ["for another requester", digestWith({ request: { requester: "U0ONCALL" } })],
    ["for another principal", digestWith({ request: { principal: "arn:aws:iam::111122223333:role/x" } })],
    ["for another level", digestWith({ request: { level: "admin" } })],
    ["for other groups", digestWith({ request: { groups: ["a"] } })],
    ["for another duration", digestWith({ request: { durationSeconds: 1 } })],
    ["for another person who asks", digestWith({ request: { askedBy: "U0ONCALL" } })],
    ["for a ticket", digestWith({ request: { ticket: "OPS-1" } })],
    ["for a namespace", digestWith({ request: { namespaces: "shop" } })],
    ["for an extension", digestWith({ request: { extends: "r-0" } })],
    ["for an end of its own", digestWith({ request: { until: at(hours(4)).toISOString() } })],
    ["for another reason", digestWith({ request: { reason: "another one" } })],
    ["for another time of asking", digestWith({ request: { createdAt: at(1).toISOString() } })],
    ["for another time of expiring", digestWith({ request: { expiresAt: at(1).toISOString() } })],
    ["for another cluster's name", digestWith({ cluster: { name: "production" } })],
    ["for another cluster in EKS", digestWith({ cluster: { eksName: "other" } })],
    ["for another region", digestWith({ cluster: { region: "eu-west-1" } })],
    ["for another account", digestWith({ cluster: { account: "222233334444" } })],
    [
      "for another creator",
      digestWith({ cluster: { creator: { type: "role", roleArn: "arn:aws:iam::111122223333:role/y", through: [] } } }),
    ],
    ["for a creator to discover", digestWith({ cluster: { creator: { type: "discover", through: [] } } })],
    ["for other approvers", digestWith({ cluster: { approvers: ["U0APPROVER"] } })],
    ["under a policy", digestWith({ cluster: { rules: [rule] } })],
    ["for other foreign accounts", digestWith({ cluster: { foreignAccounts: [] } })],
    ["for a level with other groups", digestWith({ level: { groups: ["a", "c"] } })],
    ["for a level with a longer lease", digestWith({ level: { maxDurationSeconds: 9 * 3600 } })],
    ["for a principal that has no entry", digestWith({}, null)],
    ["for an entry with another username", digestWith({}, { ...base, username: "root" })],
    ["for an entry with one group more", digestWith({}, { ...base, groups: [...base.groups, "admins"] })],
    ["for an entry with no groups", digestWith({}, { ...base, groups: [] })],
    ["in another way", digestWith({}, base, { way: "binding" })],
    ["beside no other lease", digestWith({}, base, { leases: [] })],
    ["beside another lease", digestWith({}, base, { leases: [{ ...beside, id: "r-2" }] })],
    ["beside a lease of other groups", digestWith({}, base, { leases: [{ ...beside, groups: ["b"] }] })],
    [
      "beside a lease that ends later",
      digestWith({}, base, { leases: [{ ...beside, endsAt: at(hours(2)).toISOString() }] }),
    ],
  ])("%s", (_, digest) => {
    expect(digest).toMatch(/^[0-9a-f]{64}$/);
    expect(digest).not.toBe(before);
  });
});

test.each<[string, Partial<Rule>]>([
  ["who can approve their own request", { selfApproval: true }],
  ["the longest time", { maxDurationSeconds: 60 }],
  ["permanent leases", { permanent: true }],
  ["the principals", { principals: { ...clusterRule.principals, linkedOnly: true } }],
  ["the hours", { hours: { zone: "UTC", days: [1], from: 540, to: 1080, outside: "warn" } }],
  ["the end of the hours", { hours: { zone: "UTC", days: [1], from: 540, to: 1020, outside: "warn" } }],
])("the digest under a policy depends on %s", (_, change) => {
  const digests = [
    {},
    { hours: { zone: "UTC", days: [1], from: 540, to: 1080, outside: "refuse" } } as const,
    change,
  ].map((each) => digestWith({ cluster: { rules: [{ ...rule, ...each }] } }));

  expect(new Set(digests).size).toBe(3);
});

test("the digest under a policy depends on how many have to approve, on who can, and on no rule's name", () => {
  const under = (change: Partial<Rule>) => digestWith({ cluster: { rules: [{ ...rule, ...change }] } });

  expect(under({ approvals: 3 })).not.toBe(under({}));
  expect(under({ approvers: ["U0APPROVER"] })).not.toBe(under({}));
  expect(under({ approvers: null })).not.toBe(under({}));
  expect(under({ name: "renamed", approvers: ["U0APPROVER", "U0APPROVER2"] })).toBe(under({}));
});

test("the digest under a policy depends on whether everyone with a role can get it, and not on how the default is written", () => {
  const under = (change: Partial<Rule>) => digestWith({ cluster: { rules: [{ ...rule, ...change }] } });

  expect(under({ shared: "refuse" })).not.toBe(under({}));
  expect(under({ shared: "warn" })).toBe(under({}));
});

test("the order in which groups, approvers and accounts are written does not matter", () => {
  const digest = digestWith(
    {
      request: { groups: ["b", "a"] },
      cluster: { approvers: ["U0APPROVER2", "U0APPROVER"], foreignAccounts: ["333344445555", "222233334444"] },
      level: { groups: ["b", "a"] },
    },
    { username: "dev", groups: ["writers", "readers"] },
  );

  expect(digest).toBe(before);
});

test("what happens to the request afterwards does not matter", () => {
  fc.assert(
    fc.property(fc.nat(), fc.constantFrom("pending", "approved", "denied"), (version, state) => {
      const digest = digestWith({ request: { version, state, preview: aPreview() } });

      expect(digest).toBe(before);
    }),
  );
});

/** A request as the worker leaves it, with a preview that it sealed. */
function aGenuineRequest(from = keys): AccessRequest & { readonly preview: Preview } {
  const request = aPreviewedRequest();
  if (!request.preview) throw new Error("The builder's request has no preview.");
  return { ...request, preview: sealPreview(request, request.preview, from.preview) };
}

const genuine = aGenuineRequest();
const holds = (request: AccessRequest) => isGenuinePreview(request, aCluster(), keys.preview);

test("approvers see the worker's preview of exactly this request", () => {
  expect(holds(genuine)).toBe(true);
  expect(holds(JSON.parse(JSON.stringify(genuine)))).toBe(true);
});

describe("an attacker with Redis can't show one change and get another approved:", () => {
  test.each<[string, Partial<AccessRequest>]>([
    ["another principal", { principal: "arn:aws:iam::111122223333:user/intruder" }],
    ["another person", { requester: "U0ONCALL" }],
    ["other groups", { groups: ["system:masters"] }],
    ["another level", { level: "admin" }],
    ["a level that there is not", { level: "root" }],
    ["a longer time", { durationSeconds: hours(8) }],
    ["another reason", { reason: "a harmless one" }],
    ["the preview of another request", { id: "r-2" }],
    ["no preview", { preview: null }],
  ])("%s", (_, change) => {
    expect(holds(changed(genuine, change))).toBe(false);
  });

  test.each<[string, Partial<Preview>]>([
    ["another difference", { diff: "nothing changes" }],
    ["fewer warnings", { warnings: ["nothing to see"] }],
    ["another identity before", { today: { username: "admin", groups: [] } }],
    ["another identity after", { afterwards: { username: "harmless", groups: [] } }],
    ["other rights of the groups", { rights: [] }],
    ["another base", { base: { username: "dev", groups: [] } }],
    ["another digest", { digest: "e".repeat(64) }],
    ["no seal", { seal: "" }],
  ])("a preview with %s", (_, change) => {
    expect(holds({ ...genuine, preview: { ...genuine.preview, ...change } })).toBe(false);
  });

  test("a preview sealed with a key of their own", () => {
    expect(holds(aGenuineRequest(otherKeys))).toBe(false);
  });
});

test.each<[string, Partial<SealedPlan>]>([
  ["time", { at: at(1).toISOString() }],
  ["digest", { digest: "e".repeat(64) }],
  ["entry that leaves aws-auth", { outs: ["arn:aws:iam::111122223333:role/other"] }],
  ["replacement", { replacements: [] }],
])("a migration's plan with another %s is not the worker's", (_, change) => {
  const planned = aPlannedMigration();
  const plan = planned.plan && { ...planned.plan, ...change };

  expect(isGenuinePlan(planned, keys.preview)).toBe(true);
  expect(isGenuinePlan(changedMigration(planned, { plan }), keys.preview)).toBe(false);
});
