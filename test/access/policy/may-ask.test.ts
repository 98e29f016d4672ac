import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { permanentSeconds } from "../../../src/access/lease/lease-record.ts";
import { type Level, matchesArnPattern, type Rule, type WorkingHours } from "../../../src/access/policy/cluster.ts";
import { mayAsk, type PolicyQuestion, refuseRequest } from "../../../src/access/policy/may-ask.ts";
import { clusterRule, levelsFor, noRequesterFacts } from "../../../src/access/policy/rule.ts";
import { type Holder, readHolder } from "../../../src/access/principal.ts";
import { aCluster, aLevel } from "../../builders/a-cluster.ts";
import { engineerArn } from "../../builders/a-request.ts";
import { at } from "../../builders/times.ts";

/** A Sunday, the day of the story. */
const now = at(0);
const office: WorkingHours = { zone: "UTC", days: [1, 2, 3, 4, 5], from: 540, to: 1080, outside: "refuse" };

function aRule(change: Partial<Rule> = {}): Rule {
  return { ...clusterRule, name: "engineers look", approvals: null, ...change };
}

function holder(arn: string): Holder {
  const reading = readHolder(arn);
  if (reading.type === "invalid") throw new Error(reading.message);
  return reading.principal;
}

function asking(rules: readonly Rule[], change: Partial<PolicyQuestion> = {}): PolicyQuestion {
  const cluster = aCluster({ rules });
  const wish = { cluster, level: aLevel(), principal: holder(engineerArn), durationSeconds: 3600 };
  return { ...wish, requester: "U0ENGINEER", requesterFacts: noRequesterFacts, ...change };
}

describe("a rule lets", () => {
  test.each<[string, Partial<Rule>, Partial<PolicyQuestion>]>([
    ["everybody, where it names nobody", {}, {}],
    ["a person whom it names", { who: ["U0ENGINEER"] }, {}],
    [
      "the members of a user group",
      { who: ["S0ENGINEERS"] },
      { requesterFacts: { memberships: ["S0ENGINEERS"], linked: null } },
    ],
    [
      "everybody of an e-mail domain",
      { who: ["@example.com"] },
      { requesterFacts: { memberships: ["@example.com"], linked: null } },
    ],
    ["a principal of an account", { principals: { ...clusterRule.principals, accounts: ["111122223333"] } }, {}],
    [
      "a principal of one of two patterns",
      { principals: { ...clusterRule.principals, arns: ["arn:aws:iam::*:role/*", "arn:aws:iam::*:user/eng*"] } },
      {},
    ],
    [
      "what the members of a user group can approve, however many they are",
      { approvals: 2, approvers: ["U0ENGINEER", "S0PLATFORM"] },
      {},
    ],
    [
      "the linked principal",
      { principals: { ...clusterRule.principals, linkedOnly: true } },
      { requesterFacts: { memberships: [], linked: engineerArn } },
    ],
    ["its longest time", { maxDurationSeconds: 3600 }, {}],
    [
      "permanent access, where it says so",
      { permanent: true, maxDurationSeconds: 60 },
      { durationSeconds: permanentSeconds },
    ],
    ["at any time where outside its hours it only warns", { hours: { ...office, outside: "warn" } }, {}],
    [
      "at any time where outside its hours it takes one approval more",
      { hours: { ...office, outside: "one-more-approval" } },
      {},
    ],
  ])("%s", (_, rule, change) => {
    expect(mayAsk(asking([aRule(rule)], change), now)).toMatchObject({
      type: "allowed",
      rule: { name: "engineers look" },
    });
  });

  test("a person who asked within the hours, also after them", () => {
    expect(mayAsk(asking([aRule({ hours: office })]), null).type).toBe("allowed");
  });
});

describe("the policy refuses", () => {
  const linkedOnly = { ...clusterRule.principals, linkedOnly: true };

  test.each<[string, Partial<Rule>, Partial<PolicyQuestion>, string, string]>([
    [
      "somebody whom no rule names",
      { who: ["U0ONCALL"] },
      {},
      "no-rule",
      "The policy does not let you ask for viewer on staging.",
    ],
    [
      "somebody who is in another group",
      { who: ["S0OTHERS"] },
      { requesterFacts: { memberships: ["S0ENGINEERS"], linked: null } },
      "no-rule",
      "The policy does not let you ask for viewer on staging.",
    ],
    [
      "a level that no rule names",
      { levels: ["admin"] },
      {},
      "no-rule",
      "The policy does not let you ask for viewer on staging.",
    ],
    ["longer than the rule", { maxDurationSeconds: 1800 }, {}, "too-long", "viewer on staging lasts at most 30m."],
    [
      "permanent access that the rule does not name",
      {},
      { durationSeconds: permanentSeconds },
      "not-permanent",
      "viewer on staging lasts at most 8h.",
    ],
    [
      "what is permanent in all but name",
      { maxDurationSeconds: 3600 },
      { durationSeconds: permanentSeconds * 0.9 },
      "not-permanent",
      "viewer on staging lasts at most 1h.",
    ],
    [
      "a principal of another account",
      { principals: { ...clusterRule.principals, accounts: ["222233334444"] } },
      {},
      "principal-not-allowed",
      "viewer on staging is for 222233334444 only, not for 111122223333.",
    ],
    [
      "a principal of no pattern",
      { principals: { ...clusterRule.principals, arns: ["arn:aws:iam::*:role/dev-*"] } },
      {},
      "principal-not-allowed",
      `viewer on staging is for arn:aws:iam::*:role/dev-* only, not for ${engineerArn}.`,
    ],
    [
      "somebody who is not linked",
      { principals: linkedOnly },
      {},
      "not-linked",
      "viewer on staging is only for your linked principal. Link yours with /eks-access link.",
    ],
    [
      "somebody else's principal",
      { principals: linkedOnly },
      { requesterFacts: { memberships: [], linked: "arn:aws:iam::111122223333:role/mine" } },
      "not-linked",
      "viewer on staging is only for your linked principal. Yours is arn:aws:iam::111122223333:role/mine.",
    ],
    [
      "a Sunday",
      { hours: office },
      {},
      "outside-hours",
      "viewer on staging takes requests only Mon to Fri, 09:00 to 18:00 (UTC).",
    ],
    [
      "what nobody else could approve",
      { approvers: ["U0ENGINEER"] },
      {},
      "too-few-approvers",
      "viewer on staging needs an approval, but no other person can approve. Ask an operator to add an approver.",
    ],
    [
      "what too few others could approve",
      { approvals: 2, approvers: ["U0ENGINEER", "U0APPROVER"] },
      {},
      "too-few-approvers",
      "viewer on staging needs 2 approvals, but only 1 other can approve. Ask an operator to add an approver.",
    ],
  ])("%s", (_, rule, change, code, message) => {
    expect(mayAsk(asking([aRule(rule)], change), now)).toMatchObject({ type: "refused", code, message });
  });

  test("any request on a quiet cluster, with the reason", () => {
    const cluster = aCluster({ rules: [aRule()], quiet: "the books are closed until the 5th." });

    expect(mayAsk(asking([], { cluster }), now)).toMatchObject({
      code: "quiet",
      message: "staging takes no requests now: the books are closed until the 5th.",
    });
  });
});

describe("a lease that everyone with a role gets", () => {
  const role = "arn:aws:iam::111122223333:role/developers";
  const center = "arn:aws:iam::111122223333:role/AWSReservedSSO_Admins_0123456789abcdef";
  const alice = "arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_Admins_0123456789abcdef/alice@example.com";
  const masters = aLevel({ name: "root", groups: ["system:masters"] });
  const bound = aLevel({ name: "rooted", groups: ["ClusterRole cluster-admin"] });
  const lesser = aLevel({ name: "viewer" });

  const verdictOn = (rule: Rule, level: Level, arn: string, levels: readonly Level[] = [lesser, masters]) =>
    mayAsk(asking([], { cluster: aCluster({ rules: [rule], levels }), level, principal: holder(arn) }), now);

  test.each<[string, Rule, Level, string, "allowed" | "refused"]>([
    ["full control without a policy: refused", clusterRule, masters, role, "refused"],
    ["full control by a rule that says nothing: refused", aRule(), masters, role, "refused"],
    ["full control by a rule that warns: allowed", aRule({ shared: "warn" }), masters, role, "allowed"],
    ["full control for a permission set: refused", aRule(), masters, center, "refused"],
    ["less by a rule that says nothing: allowed", aRule(), lesser, role, "allowed"],
    ["less without a policy: allowed", clusterRule, lesser, role, "allowed"],
    ["less by a rule that refuses: refused", aRule({ shared: "refuse" }), lesser, role, "refused"],
    ["full control for an IAM user: allowed", aRule({ shared: "refuse" }), masters, engineerArn, "allowed"],
  ])("%s", (_, rule, level, arn, type) => {
    expect(verdictOn(rule, level, arn)).toMatchObject(type === "refused" ? { type, code: "shared" } : { type });
  });

  test.each(["system:masters", "policy AmazonEKSClusterAdminPolicy", "ClusterRole cluster-admin"])(
    "%s is full control",
    (given) => {
      const level = aLevel({ name: "root", groups: [given] });

      expect(verdictOn(aRule(), level, role, [level])).toMatchObject({ type: "refused", code: "shared" });
    },
  );

  test("one session of the role is one person, where the level binds roles", () => {
    expect(verdictOn(aRule(), bound, center, [bound])).toMatchObject({ type: "refused", code: "shared" });
    expect(verdictOn(aRule(), bound, alice, [bound])).toMatchObject({ type: "allowed" });
  });

  test.each<[string, Rule, Level, string, readonly Level[], string]>([
    [
      "an IAM user, or a rule that warns",
      aRule(),
      masters,
      role,
      [lesser, masters],
      'root on staging is for one person only: everyone who can assume developers would get it. Ask for an IAM user. An operator can allow it with shared: warn in the rule "engineers look".',
    ],
    [
      "a policy, where the file has none",
      clusterRule,
      masters,
      role,
      [lesser, masters],
      "root on staging is for one person only: everyone who can assume developers would get it. Ask for an IAM user. An operator can allow it with shared: warn in a rule of the policy.",
    ],
    [
      "one's own session, where the level binds roles",
      aRule(),
      bound,
      center,
      [bound],
      'rooted on staging is for one person only: everyone with the permission set Admins in account 111122223333 would get it. Ask for your own session, or for an IAM user. An operator can allow it with shared: warn in the rule "engineers look".',
    ],
    [
      "a level that binds roles, where another one does",
      aRule(),
      masters,
      center,
      [masters, bound],
      'root on staging is for one person only: everyone with the permission set Admins in account 111122223333 would get it. Ask for rooted with your own session, or for an IAM user. An operator can allow it with shared: warn in the rule "engineers look".',
    ],
    [
      "no session, where people choose its name",
      aRule({ shared: "refuse" }),
      lesser,
      role,
      [lesser, bound],
      'viewer on staging is for one person only: everyone who can assume developers would get it. Ask for an IAM user. An operator can allow it with shared: warn in the rule "engineers look".',
    ],
  ])("a refusal names what to ask for instead: %s", (_, rule, level, arn, levels, message) => {
    expect(verdictOn(rule, level, arn, levels)).toMatchObject({ code: "shared", message });
  });

  test("emergency access is not refused", () => {
    const cluster = aCluster({ rules: [aRule({ shared: "refuse" })], levels: [masters] });

    expect(refuseRequest(asking([], { cluster, level: masters, principal: holder(role) }))).toBeNull();
  });
});

describe("of several rules", () => {
  test("the first that names the person and the level decides, also where a later one would say yes", () => {
    const rules = [aRule({ name: "first", who: ["U0ENGINEER"], maxDurationSeconds: 60 }), aRule({ name: "second" })];

    expect(mayAsk(asking(rules), now)).toMatchObject({ type: "refused", rule: { name: "first" } });
    expect(mayAsk(asking(rules, { requester: "U0ONCALL" }), now)).toMatchObject({ rule: { name: "second" } });
  });

  test("a person is offered the levels that some rule gives them", () => {
    const cluster = aCluster({
      rules: [aRule({ who: ["S0ADMINS"], levels: ["admin"] }), aRule({ levels: ["viewer"] })],
    });
    const names = (memberships: readonly string[]) =>
      levelsFor(cluster, { user: "U0ENGINEER", memberships }).map(({ name }) => name);

    expect(names([])).toEqual(["viewer"]);
    expect(names(["S0ADMINS"])).toEqual(["viewer", "admin"]);
  });
});

describe("a pattern of ARNs", () => {
  test.each<[string, string, boolean]>([
    ["arn:aws:iam::111122223333:role/dev", "arn:aws:iam::111122223333:role/dev", true],
    ["arn:aws:iam::111122223333:role/dev", "arn:aws:iam::111122223333:role/dev2", false],
    ["arn:aws:iam::111122223333:role/dev-*", "arn:aws:iam::111122223333:role/DEV-x", true],
    ["arn:aws:iam::*:role/dev-*", "arn:aws:iam::111122223333:role/ops-dev-x", false],
    ["arn:aws:iam::*:role/*-dev", "arn:aws:iam::111122223333:role/a-dev", true],
    ["arn:aws:iam::*:role/*-dev", "arn:aws:iam::111122223333:role/a-dev-b", false],
    ["arn:aws:iam::*:role/a*a", "arn:aws:iam::1:role/a", false],
    ["arn:aws:iam::1:role/a*a", "arn:aws:iam::1:role/a", false],
    ["arn:aws:iam::1:role/a*a", "arn:aws:iam::1:role/aa", true],
    ["arn:aws:iam::1:role/*x*x*", "arn:aws:iam::1:role/ax", false],
    ["arn:aws:iam::1:role/a*b*c", "arn:aws:iam::1:role/abc", true],
    ["*", "arn:aws:iam::1:role/a", true],
  ])("%s fits %s: %s", (pattern, arn, expected) => {
    expect(matchesArnPattern(pattern, arn)).toBe(expected);
  });

  test("fits what a regular expression of it fits", () => {
    const piece = fc.stringMatching(/^[ab:/]{0,4}$/);

    fc.assert(
      fc.property(
        fc.array(piece, { minLength: 1, maxLength: 4 }),
        fc.stringMatching(/^[ab:/]{0,12}$/),
        (pieces, arn) => {
          expect(matchesArnPattern(pieces.join("*"), arn)).toBe(new RegExp(`^${pieces.join(".*")}$`).test(arn));
        },
      ),
    );
  });
});

describe("one session of a role", () => {
  const bound = aLevel({ groups: ["ClusterRole view in default"] });
  const session = holder("arn:aws:sts::111122223333:assumed-role/developers/alice@example.com");
  const role = "arn:aws:iam::111122223333:role/developers";
  const asked = (pinnedSessions: readonly string[], level: Level) => {
    const cluster = aCluster({ levels: [level], pinnedSessions });
    return refuseRequest({ cluster, level, principal: session, durationSeconds: 3600 });
  };

  test("is a person only where people can't choose its name: anyone with the role could take it", () => {
    expect(asked([], bound)).toMatchObject({
      code: "session",
      message: expect.stringContaining("People choose the session names"),
    });
    expect(asked([role], bound)).toBeNull();
  });

  test("gets no groups, which everyone with the role would get", () => {
    expect(asked([role], aLevel())).toMatchObject({ code: "session", message: expect.stringContaining("groups") });
  });
});
