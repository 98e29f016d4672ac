import { describe, expect, test } from "vitest";
import { checkApproval } from "../../src/access/approvals.ts";
import { type DecisionFacts, decideClick } from "../../src/access/decide.ts";
import type { Cluster } from "../../src/access/policy/cluster.ts";
import { clusterRule, noRequesterFacts } from "../../src/access/policy/rule.ts";
import type { AccessRequest } from "../../src/access/record.ts";
import { aCluster } from "../builders/a-cluster.ts";
import { aPreviewedRequest, digestNow, engineerArn } from "../builders/a-request.ts";
import { keys } from "../builders/keys.ts";
import { at, minutes } from "../builders/times.ts";

/** Everyone also has a link in another account, which does not count in this one. */
const elsewhere = "arn:aws:iam::444455556666:role/engineer";
const two = aCluster({ rules: [{ ...clusterRule, name: "two", approvals: 2 }] });
const own = aCluster({ rules: [{ ...clusterRule, name: "own", selfApproval: true }] });

function clicked(by: string, links: Readonly<Record<string, string>>, request: AccessRequest, cluster: Cluster) {
  const known = { memberships: new Map(), requesterFacts: noRequesterFacts, departed: new Map() };
  const facts: DecisionFacts = {
    ...known,
    links: new Map(Object.entries(links).map(([user, arn]) => [user, [elsewhere, arn]])),
  };
  const click = { verdict: "approved", by, digest: request.preview?.digest ?? "", why: "" } as const;
  return decideClick(request, cluster, click, keys.decision, at(minutes(2)), facts);
}

function verdictOn(request: AccessRequest, cluster: Cluster) {
  const [level] = cluster.levels;
  if (!level) throw new Error("The builder's cluster offers no level.");
  return checkApproval(request, cluster, level, digestNow(request, null, cluster), keys.decision, at(minutes(5)));
}

function afterOf(decided: ReturnType<typeof clicked>): AccessRequest {
  return decided.type === "decided" ? decided.after : expect.fail(decided.code);
}

describe("a person who is linked with the principal that gets access", () => {
  const request = aPreviewedRequest({}, null, two);

  test("does not approve it, although another person asks", () => {
    const decided = clicked(
      "U0APPROVER",
      { U0APPROVER: engineerArn.toUpperCase().replace("ARN:AWS:IAM", "arn:aws:iam") },
      request,
      two,
    );

    expect(decided).toEqual({ type: "refused", code: "own-principal" });
  });

  test("may deny it", () => {
    const known = { memberships: new Map(), requesterFacts: noRequesterFacts, departed: new Map() };
    const facts = { ...known, links: new Map([["U0APPROVER", [engineerArn]]]) };
    const click = { verdict: "denied", by: "U0APPROVER", digest: request.preview?.digest ?? "", why: "" } as const;

    expect(decideClick(request, two, click, keys.decision, at(minutes(2)), facts).type).toBe("decided");
  });

  test("may approve it if the rule lets people approve their own requests", () => {
    const asked = aPreviewedRequest({}, null, own);

    const after = afterOf(clicked("U0APPROVER", { U0APPROVER: engineerArn }, asked, own));

    expect(after.state).toBe("approved");
    expect(verdictOn(after, own)).toEqual({ type: "valid" });
  });

  test("does not count any more if they were linked after they approved", () => {
    const one = afterOf(clicked("U0APPROVER", {}, request, two));

    const after = afterOf(clicked("U0APPROVER2", { U0APPROVER: engineerArn }, one, two));

    expect(after).toMatchObject({ state: "pending", approvals: [{ by: "U0APPROVER2" }] });
  });
});

test("an approver's link is sealed with the decision, and the worker refuses the approval because of it", () => {
  const cluster = aCluster();
  const request = aPreviewedRequest({}, null, cluster);
  const other = afterOf(clicked("U0APPROVER", { U0APPROVER: `${engineerArn}-2` }, request, cluster));
  const [approval] = other.approvals;
  // A cluster whose rule lets the Slack process accept it.
  const lenient = aCluster({ rules: [{ ...clusterRule, selfApproval: true }] });
  const linked = afterOf(clicked("U0APPROVER", { U0APPROVER: engineerArn }, request, lenient));

  expect(approval?.linked).toBe(`${engineerArn}-2`);
  expect(verdictOn(other, cluster)).toEqual({ type: "valid" });
  expect(verdictOn(linked, cluster)).toEqual({
    type: "void",
    message: "its approver uses the principal that gets access",
  });
});
