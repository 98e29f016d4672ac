import { describe, expect, test } from "vitest";
import { actsOf, maySeeRequest } from "../../../src/access/policy/permissions.ts";
import { clusterRule, isResponsibleFor } from "../../../src/access/policy/rule.ts";
import { aCluster } from "../../builders/a-cluster.ts";
import { aLeasedRequest, anApprovedRequest, aPreviewedRequest, aRequest } from "../../builders/a-request.ts";
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
