import { describe, expect, test } from "vitest";
import type { Migration } from "../../../src/access/migration.ts";
import type { Cluster } from "../../../src/access/policy/cluster.ts";
import {
  actsOf,
  mayLink,
  maySeeClusterMap,
  maySeeRequest,
  migrationActsOf,
  refuseRescue,
} from "../../../src/access/policy/permissions.ts";
import { clusterRule, isResponsibleFor } from "../../../src/access/policy/rule.ts";
import { aCluster } from "../../builders/a-cluster.ts";
import { aMigration, aPlannedMigration } from "../../builders/a-migration.ts";
import { aDecision, aLeasedRequest, anApprovedRequest, aPreviewedRequest, aRequest } from "../../builders/a-request.ts";
import { anEmergency } from "../../builders/an-emergency.ts";
import { at, hours, minutes } from "../../builders/times.ts";

const cluster = aCluster({ onCall: ["U0ONCALL"] });
const personOf = (user: string, memberships: readonly string[] = []) => ({ user, memberships });

const acts = (request: Parameters<typeof actsOf>[0], user: string, now = at(minutes(5))) =>
  actsOf(request, cluster, personOf(user), now);

describe("what a person may do", () => {
  test.each([
    ["who asked, before it is decided", aPreviewedRequest(), "U0ENGINEER", ["cancel"]],
    ["an approver, before it is decided", aPreviewedRequest(), "U0APPROVER", ["approve", "deny"]],
    ["an approver, before there is a change to see", aRequest(), "U0APPROVER", []],
    ["an approver, of the own request", aPreviewedRequest({ requester: "U0APPROVER" }), "U0APPROVER", ["cancel"]],
    ["who is on call, before it is decided", aPreviewedRequest(), "U0ONCALL", []],
    ["who holds it, once it is approved", anApprovedRequest(), "U0ENGINEER", ["revoke"]],
    ["who holds it, while it is in force", aLeasedRequest({}), "U0ENGINEER", ["extend", "revoke"]],
    ["an approver, while it is in force", aLeasedRequest({}), "U0APPROVER", ["revoke"]],
    ["who is on call, while it is in force", aLeasedRequest({}), "U0ONCALL", ["revoke"]],
    ["somebody else", aLeasedRequest({}), "U0STRANGER", []],
    ["who holds it, when it is over", aLeasedRequest({ state: "ended" }), "U0ENGINEER", []],
  ])("%s", (_, request, user, expected) => {
    expect(acts(request, user)).toEqual(expected);
  });

  test("is nothing about a lease that is being removed, and nothing after the request has expired", () => {
    const end = { cause: "revoked", by: "U0ONCALL", at: at(0).toISOString(), why: "" } as const;

    expect(acts(aLeasedRequest({ end }), "U0ENGINEER")).toEqual([]);
    expect(acts(aPreviewedRequest(), "U0APPROVER", at(hours(25)))).toEqual([]);
  });

  test("an approver has to review emergency access, and the person who took it can't", () => {
    const broken = anEmergency();

    expect(acts(broken, "U0APPROVER")).toEqual(["review", "revoke"]);
    expect(acts(broken, "U0ENGINEER")).not.toContain("review");
  });

  test("an approver who gave one of several approvals can still deny", () => {
    const { approvals } = anApprovedRequest();

    expect(acts(aPreviewedRequest({ approvals }), "U0APPROVER")).toEqual(["deny"]);
  });

  test("is nothing where the cluster is not configured any more", () => {
    expect(actsOf(aPreviewedRequest(), undefined, personOf("U0APPROVER"), at(0))).toEqual([]);
  });
});

describe("the people who can read a request", () => {
  test.each([
    ["U0ENGINEER", true],
    ["U0APPROVER", true],
    ["U0ONCALL", true],
    ["U0STRANGER", false],
  ])("%s: %s", (user, may) => {
    expect(maySeeRequest(aRequest(), cluster, personOf(user))).toBe(may);
  });

  test("only the requester, if the cluster is not configured any more", () => {
    expect(maySeeRequest(aRequest(), undefined, personOf("U0ENGINEER"))).toBe(true);
    expect(maySeeRequest(aRequest(), undefined, personOf("U0APPROVER"))).toBe(false);
  });

  test("who approves by a rule of the policy answers for the cluster too", () => {
    const rule = { ...clusterRule, name: "admins", levels: ["admin"], approvals: 2, approvers: ["U0SECURITY"] };

    expect(isResponsibleFor(aCluster({ rules: [rule] }), personOf("U0SECURITY"))).toBe(true);
    expect(isResponsibleFor(aCluster(), personOf("U0SECURITY"))).toBe(false);
  });
});

test("a member of a user group that approves may do what its other members may", () => {
  const platform = aCluster({ approvers: ["S0PLATFORM"] });
  const member = personOf("U0MEMBER", ["S0PLATFORM"]);

  expect(actsOf(aPreviewedRequest({}, null, platform), platform, member, at(minutes(5)))).toEqual(["approve", "deny"]);
  expect(maySeeRequest(aRequest(), platform, member)).toBe(true);
  expect(maySeeRequest(aRequest(), platform, personOf("U0MEMBER"))).toBe(false);
});

const closed: Partial<Cluster> = { rules: [{ ...clusterRule, who: ["U0ENGINEER", "S0DEVELOPERS"] }] };
const emergency = { who: ["S0NIGHT"], level: "admin", durationSeconds: 60 };

test.each<[string, Partial<Cluster>, string, readonly string[], boolean]>([
  ["may ask for a level there", closed, "U0ENGINEER", [], true],
  ["is of a group that may", closed, "U0SOMEBODY", ["S0DEVELOPERS"], true],
  ["approves there", closed, "U0APPROVER", [], true],
  ["is on call for it", { ...closed, onCall: ["S0ONCALL"] }, "U0SOMEBODY", ["S0ONCALL"], true],
  ["may break its glass", { ...closed, breakGlass: emergency }, "U0SOMEBODY", ["S0NIGHT"], true],
  ["confirms links", closed, "U0ADMIN", [], true],
  ["is named nowhere", { ...closed, breakGlass: emergency }, "U0SOMEBODY", ["S0ONCALL"], false],
  ["is anybody, where anybody may ask", {}, "U0SOMEBODY", [], true],
])("a person who %s: do they see what is in aws-auth?", (_name, change, user, memberships, told) => {
  expect(maySeeClusterMap(aCluster(change), { user, memberships }, ["U0ADMIN"])).toBe(told);
});

const role = (account: string, rest = "developers") => `arn:aws:iam::${account}:role/${rest}`;
const operator = { type: "role", roleArn: role("111122223333", "infra/operator"), through: [] } as const;
const clusters = [aCluster({ foreignAccounts: ["444455556666"], operator })];

test.each([
  ["of a cluster's own account", role("111122223333"), role("111122223333")],
  ["of an account that a cluster takes", role("444455556666"), role("444455556666")],
  ["with its path", role("111122223333", "team/developers"), role("111122223333")],
  ["as a session", "arn:aws:sts::111122223333:assumed-role/developers/jane", role("111122223333")],
  ["with white space around it", ` ${role("111122223333")} `, role("111122223333")],
])("a person can be linked with a role %s, in the form that aws-auth has", (_, given, arn) => {
  expect(mayLink(given, clusters)).toMatchObject({ type: "linkable", principal: { arn } });
});

test.each([
  ["what is no principal", "jane", "not-a-principal"],
  ["the root of an account", "arn:aws:iam::111122223333:root", "not-a-principal"],
  ["the creator of a cluster", role("111122223333", "cluster-creator"), "creator"],
  ["the creator's session", "arn:aws:sts::111122223333:assumed-role/cluster-creator/me", "creator"],
  ["the operator's session", "arn:aws:sts::111122223333:assumed-role/operator/me", "operator"],
  ["a principal of an account that no cluster takes", role("999988887777"), "unknown-account"],
  ["a principal of another partition", "arn:aws-cn:iam::111122223333:role/developers", "unknown-account"],
])("no one can be linked with %s", (_, given, code) => {
  expect(mayLink(given, clusters)).toMatchObject({ type: "refused", code });
});

test("a cluster accepts a principal of its own partition", () => {
  const creator = { type: "role", roleArn: "arn:aws-cn:iam::111122223333:role/cluster-creator", through: [] } as const;
  const cluster = aCluster({ region: "cn-north-1", creator });

  expect(mayLink("arn:aws-cn:iam::111122223333:role/developers", [cluster])).toMatchObject({ type: "linkable" });
});

test("a rescue makes no administrator of the operator", () => {
  const breakGlass = { who: ["U0ONCALL"], level: "viewer", durationSeconds: 3600 };
  const asked = { by: "U0ONCALL", durationSeconds: 60 };
  const cluster = aCluster({ operator, breakGlass });

  expect(refuseRescue(cluster, { ...asked, role: operator.roleArn })).toContain("is the operator of staging");
  expect(refuseRescue(cluster, { ...asked, role: role("111122223333") })).toBeNull();
});

describe("about a migration", () => {
  const cluster = aCluster({ onCall: ["U0ONCALL2"] });
  const actsAbout = (user: string, migration = aPlannedMigration(), now = at(minutes(5)), of = cluster) =>
    migrationActsOf(migration, of, { user, memberships: [] }, now);
  const approval = aDecision({ digest: aPlannedMigration().plan?.digest ?? "" });
  const trouble = {
    code: "unexpected",
    message: "",
    at: "",
    attempts: 1,
    retryAt: at(hours(1)).toISOString(),
    causes: [],
  };

  test.each([
    ["an approver", "U0APPROVER", ["approve", "deny", "stop"]],
    ["whoever asked", "U0ONCALL", ["stop"]],
    ["who is on call", "U0ONCALL2", ["stop"]],
    ["anybody else", "U0ENGINEER", []],
  ])("what %s can do about a migration that waits for a decision", (_, user, acts) => {
    expect(actsAbout(user)).toEqual(acts);
  });

  test.each<[string, Migration, Date?, Cluster?]>([
    ["one approved it already", aPlannedMigration({ approvals: [approval] })],
    ["the worker has not planned it", aMigration()],
    ["it has expired", aPlannedMigration(), at(hours(24))],
    ["the cluster is quiet", aPlannedMigration(), at(0), { ...cluster, quiet: "release" }],
  ])("no one approves where %s", (_, migration, now = at(0), of = cluster) => {
    expect(actsAbout("U0APPROVER", migration, now, of)).not.toContain("approve");
  });

  test("a running migration can be stopped, and tried again if it fails; an ended one allows nothing", () => {
    expect(actsAbout("U0APPROVER", aPlannedMigration({ state: "running" }))).toEqual(["stop"]);
    expect(actsAbout("U0ONCALL", aPlannedMigration({ state: "running", trouble }))).toEqual(["retry", "stop"]);
    expect(actsAbout("U0APPROVER", aPlannedMigration({ state: "done", trouble }))).toEqual([]);
  });

  test("a migration of a cluster that left the configuration allows no act", () => {
    expect(migrationActsOf(aPlannedMigration(), undefined, { user: "U0ONCALL", memberships: [] }, at(0))).toEqual([]);
  });
});
