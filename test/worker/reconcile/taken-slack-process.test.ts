import { describe, expect, test } from "vitest";
import { type ApprovalFacts, voidReason } from "../../../src/access/lease/decide-lease.ts";
import type { Cluster } from "../../../src/access/policy/cluster.ts";
import { clusterRule } from "../../../src/access/policy/rule.ts";
import type { ApprovedRequest } from "../../../src/access/record.ts";
import { digestOfChange, sealDecision } from "../../../src/access/seals.ts";
import { aCluster, aLevel } from "../../builders/a-cluster.ts";
import { anApprovedRequest, engineerArn } from "../../builders/a-request.ts";
import { keys } from "../../builders/keys.ts";
import { at, minutes } from "../../builders/times.ts";

/**
 * An attacker with the Slack process has the seal keys, and says who clicked. What the worker believes is its own configuration:
 * here the intruder has a configuration of his own, and seals by it.
 */
const masters = aLevel({ name: "viewer", groups: ["system:masters"], maxDurationSeconds: 1_000 * 3_600 });
const generous = aCluster({ levels: [masters, { ...masters, name: "root" }], foreignAccounts: ["999900001111"] });

/** A request with an approval whose seal and digest hold, by the intruder's configuration or by the worker's own. */
function sealedBy(by: string, change: Partial<ApprovedRequest>, cluster: Cluster): ApprovedRequest {
  const request = { ...anApprovedRequest(), ...change };
  const level = cluster.levels.find(({ name }) => name === request.level);
  if (!level) throw new Error(`The intruder's configuration has no level ${request.level}.`);
  const [first] = request.approvals;
  if (!first) throw new Error("The builder approves.");
  const { seal: _, ...said } = first;
  const approvedAt = at(minutes(2)).toISOString();
  const digest = digestOfChange(request, cluster, level, { base: null, way: "aws-auth", leases: [] });
  const decision = { ...said, by, at: approvedAt, digest };
  return { ...request, approvals: [sealDecision(decision, request.id, keys.decision)] };
}

const reasonOf = (request: ApprovedRequest, cluster: Cluster = aCluster(), links: ApprovalFacts["links"] = new Map()) =>
  voidReason(
    { cluster, way: "aws-auth", baseFor: () => null, keys: keys.decision, now: at(minutes(5)), links },
    request,
  );

test("who has taken the Slack process can decide in the name of an approver: that is left to them", () => {
  expect(reasonOf(sealedBy("U0APPROVER", {}, aCluster()))).toBeNull();
});

describe("who has taken the Slack process gets nothing by sealing", () => {
  test.each<[string, Partial<ApprovedRequest>, string]>([
    ["a level that the cluster does not offer", { level: "root", groups: ["system:masters"] }, "does not offer root"],
    ["groups that the level does not have", { groups: ["system:masters"] }, "what the level gives has changed"],
    ["a duration beyond the level's", { durationSeconds: 900 * 3_600 }, "lasts at most 8h"],
    ["a lease for good", { durationSeconds: 100 * 365 * 86_400 }, "lasts at most 8h"],
    ["a principal of another account", { principal: "arn:aws:iam::999900001111:user/guest" }, "999900001111"],
    ["the cluster's creator", { principal: "arn:aws:iam::111122223333:role/cluster-creator" }, "created staging"],
    ["what is no principal at all", { principal: "arn:aws:iam::111122223333:root" }, "root"],
    ["a requester whom no approver is other than", { requester: "U0APPROVER" }, "approve their own request"],
  ])("%s", (_, change, message) => {
    expect(reasonOf(sealedBy("U0APPROVER", change, generous))).toContain(message);
    const own = aCluster();
    const isOffered = own.levels.some(({ name }) => name === (change.level ?? "viewer"));
    // Also where the digest is the one that the worker itself would make of it.
    if (isOffered) expect(reasonOf(sealedBy("U0APPROVER", change, own))).toContain(message);
  });

  test("an approval of a person who is no approver", () => {
    const theirs = aCluster({ approvers: ["U0STRANGER"] });

    expect(reasonOf(sealedBy("U0STRANGER", {}, theirs))).toContain("no longer an approver");
    expect(reasonOf(sealedBy("U0STRANGER", {}, aCluster()))).toContain("no longer an approver");
  });

  test("one approval where two have to approve", () => {
    const two = aCluster({ rules: [{ ...clusterRule, approvals: 2 }] });

    expect(reasonOf(sealedBy("U0APPROVER", {}, aCluster()), two)).not.toBeNull();
    expect(reasonOf(sealedBy("U0APPROVER", {}, two), two)).toContain("1 person has approved it; it needs 2");
  });

  test("an approval outside the hours in which the policy allows one", () => {
    const hours = { zone: "UTC", days: [1, 2, 3, 4, 5, 6, 7], from: 0, to: 60, outside: "refuse" as const };
    const night = aCluster({ rules: [{ ...clusterRule, name: "at night", hours }] });

    expect(reasonOf(sealedBy("U0APPROVER", {}, night), night)).toContain("outside the policy's hours");
  });

  test("full control for everyone with a role", () => {
    const own = aCluster({ levels: [{ ...masters, maxDurationSeconds: 8 * 3_600 }] });
    const allowing = { ...own, rules: [{ ...clusterRule, name: "open", shared: "warn" as const, approvals: 1 }] };
    const change = { groups: masters.groups, principal: "arn:aws:iam::111122223333:role/developers" };

    expect(reasonOf(sealedBy("U0APPROVER", change, allowing), allowing)).toBeNull();
    expect(reasonOf(sealedBy("U0APPROVER", change, allowing), own)).toContain("for one person only");
    expect(reasonOf(sealedBy("U0APPROVER", change, own), own)).toContain("for one person only");
  });

  test("access for the approver, who linked its principal since, unless the policy lets people approve their own", () => {
    const links = new Map([["U0APPROVER", [engineerArn]]]);
    const trusting = aCluster({ rules: [{ ...clusterRule, selfApproval: true }] });

    expect(reasonOf(sealedBy("U0APPROVER", {}, aCluster()), aCluster(), links)).toContain(
      "its approver uses the principal",
    );
    expect(reasonOf(sealedBy("U0APPROVER", {}, trusting), trusting, links)).toBeNull();
  });

  test("an access policy by aws-auth, where its text would be a group", () => {
    const groups = ["policy AmazonEKSViewPolicy"];
    const own = aCluster({ levels: [aLevel({ name: "viewer", groups })] });

    expect(reasonOf(sealedBy("U0APPROVER", { groups }, own), own)).toContain("takes no access policies");
  });

  test("anything on a cluster that went quiet", () => {
    const quiet = aCluster({ quiet: "a release" });

    expect(reasonOf(sealedBy("U0APPROVER", {}, quiet), quiet)).toContain("takes no requests now");
  });
});
