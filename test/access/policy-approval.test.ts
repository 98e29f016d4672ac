import { describe, expect, test } from "vitest";
import { approvalFlaw } from "../../src/access/approvals.ts";
import { type DecisionFacts, decideClick, isApprovable, othersWhoMayApprove } from "../../src/access/decide.ts";
import type { Cluster, Rule, WorkingHours } from "../../src/access/policy/cluster.ts";
import { clusterRule, noRequesterFacts, type RequesterFacts } from "../../src/access/policy/rule.ts";
import type { AccessRequest } from "../../src/access/record.ts";
import { digestOfChange, sealDecision } from "../../src/access/seals.ts";
import { aCluster } from "../builders/a-cluster.ts";
import { aPreviewedRequest, changed } from "../builders/a-request.ts";
import { keys } from "../builders/keys.ts";
import { at, hours, minutes } from "../builders/times.ts";

const engineers: RequesterFacts = { memberships: ["S0ENGINEERS"], linked: null };

function clusterWith(...rules: readonly Partial<Rule>[]): Cluster {
  return aCluster({ rules: rules.map((rule, index) => ({ ...clusterRule, name: `rule ${index}`, ...rule })) });
}

function facts(
  memberships: Readonly<Record<string, readonly string[]>>,
  requesterFacts = noRequesterFacts,
): DecisionFacts {
  return { memberships: new Map(Object.entries(memberships)), requesterFacts, departed: new Map() };
}

interface Decision {
  readonly when?: Date;
  readonly known?: DecisionFacts;
  readonly verdict?: "approved" | "denied";
}

/** A click of this person. */
function decide(by: string, request: AccessRequest, cluster: Cluster, decision: Decision = {}) {
  const { when = at(minutes(2)), known, verdict = "approved" } = decision;
  const click = { verdict, by, digest: request.preview?.digest ?? "", why: "" };
  return decideClick(request, cluster, click, keys.decision, when, known);
}

/** The request after it. */
function decided(...click: Parameters<typeof decide>): AccessRequest {
  const verdict = decide(...click);
  return verdict.type === "decided" ? verdict.after : expect.fail(verdict.code);
}

/** The worker's verdict: without Slack it uses the sealed facts, as src/worker/reconcile/document-way.ts does. */
function verdictOn(record: AccessRequest, cluster: Cluster) {
  const [level] = cluster.levels;
  if (!level) throw new Error("The builder's cluster offers no level.");
  const requesterFacts = record.approvals.at(-1)?.requester ?? noRequesterFacts;
  const digest = digestOfChange({ ...record, requesterFacts }, cluster, level, {
    base: null,
    way: "aws-auth",
    leases: [],
  });
  return approvalFlaw(record, cluster, level, digest, keys.decision, at(hours(24 * 365)));
}

describe("if a user group approves", () => {
  const cluster = clusterWith({ approvers: ["S0PLATFORM"] });
  const request = aPreviewedRequest({}, null, cluster);
  const member = { known: facts({ U0SOMEBODY: ["S0PLATFORM"] }) };

  test("a member can approve, and the worker trusts the seal", () => {
    const after = decided("U0SOMEBODY", request, cluster, member);

    expect(after.approvals).toMatchObject([{ memberships: ["S0PLATFORM"] }]);
    expect(verdictOn(after, cluster)).toBeNull();
  });

  test("a person outside the group can't", () => {
    const known = facts({ U0SOMEBODY: ["S0ENGINEERS"] });

    expect(decide("U0SOMEBODY", request, cluster, { known })).toEqual({ type: "refused", code: "not-an-approver" });
  });

  test("an attacker with Redis can't add a member", () => {
    const own = clusterWith({ approvers: ["S0PLATFORM", "U0APPROVER"] });
    const asked = aPreviewedRequest({}, null, own);
    const after = decided("U0APPROVER", asked, own);
    const [approval] = after.approvals;
    const forged = { ...after, approvals: approval ? [{ ...approval, memberships: ["S0PLATFORM"] }] : [] };

    expect(verdictOn(forged, own)).toBe("the approval does not carry our seal");
  });

  test("the approval stops counting when the policy names another group", () => {
    const after = decided("U0SOMEBODY", request, cluster, member);

    expect(verdictOn(after, clusterWith({ approvers: ["S0OTHERS"] }))).toBe(
      "its approver is no longer an approver of the cluster",
    );
  });

  test("the approval of a former member is dropped at the next approval", () => {
    const two = clusterWith({ approvers: ["S0PLATFORM"], approvals: 2 });
    const asked = aPreviewedRequest({}, null, two);
    const first = decided("U0LEAVER", asked, two, { known: facts({ U0LEAVER: ["S0PLATFORM"] }) });

    const second = decided("U0SOMEBODY", first, two, { ...member, when: at(minutes(3)) });

    expect(second).toMatchObject({ state: "pending", approvals: [{ by: "U0SOMEBODY" }] });
  });
});

describe("where the requester's user group decides about the rule", () => {
  const cluster = clusterWith({ who: ["S0ENGINEERS"], approvals: 1 }, { approvals: 2 });
  const engineer = aPreviewedRequest({ requesterFacts: engineers }, null, cluster);

  test("a member of it needs the one approval of the first rule", () => {
    const after = decided("U0APPROVER", engineer, cluster, { known: facts({}, engineers) });

    expect(after.state).toBe("approved");
    expect(verdictOn(after, cluster)).toBeNull();
  });

  test("a person whom Redis alone names as a member is checked again before an approval", () => {
    expect(decide("U0APPROVER", engineer, cluster, { known: facts({}) })).toEqual({
      type: "refused",
      code: "requester-differs",
    });
  });

  test("a person whose link differs from the one at the preview is checked again before an approval", () => {
    const linked = { ...engineers, linked: "arn:aws:iam::111122223333:role/other" };

    expect(decide("U0APPROVER", engineer, cluster, { known: facts({}, linked) })).toEqual({
      type: "refused",
      code: "requester-differs",
    });
  });

  test("the worker ignores the record's own facts, because the approvals have them sealed", () => {
    const outsider = aPreviewedRequest({}, null, cluster);
    const first = decided("U0APPROVER", outsider, cluster, { known: facts({}) });

    const forged = changed(first, { state: "approved", requesterFacts: engineers, approvalsWanted: 1 });

    expect(verdictOn(forged, cluster)).toBe("1 person has approved it; it needs 2");
  });
});

describe("an approval of one's own request", () => {
  const request = (cluster: Cluster) => aPreviewedRequest({ requester: "U0APPROVER" }, null, cluster);

  test.each(["U0APPROVER", "W0SAME"])("by %s is refused, whatever else the rule says", (by) => {
    const cluster = clusterWith({});
    const known = facts({ W0SAME: ["U0APPROVER"] });

    expect(decide(by, request(cluster), cluster, { known })).toEqual({ type: "refused", code: "self-approval" });
  });

  test("counts if the rule allows it", () => {
    const cluster = clusterWith({ selfApproval: true, levels: ["viewer"] });
    const after = decided("U0APPROVER", request(cluster), cluster);

    expect(after.state).toBe("approved");
    expect(verdictOn(after, cluster)).toBeNull();
    expect(verdictOn(after, clusterWith({ levels: ["viewer"] }))).toEqual(expect.any(String));
  });

  test("is refused to a person who is no approver, even if the rule allows it", () => {
    const cluster = clusterWith({ selfApproval: true, levels: ["viewer"] });
    const asked = aPreviewedRequest({}, null, cluster);

    expect(decide("U0ENGINEER", asked, cluster)).toEqual({ type: "refused", code: "self-approval" });
  });
});

describe("outside working hours", () => {
  const office: WorkingHours = { zone: "UTC", days: [1, 2, 3, 4, 5, 6, 7], from: 540, to: 600, outside: "refuse" };
  const evening = at(hours(9));

  test("no one can approve if the rule refuses, but approvers can still deny", () => {
    const cluster = clusterWith({ hours: office });
    const asked = aPreviewedRequest({}, null, cluster);

    const approved = decide("U0APPROVER", asked, cluster, { when: evening });
    const denied = decide("U0APPROVER", asked, cluster, { when: evening, verdict: "denied" });

    expect(approved).toEqual({ type: "refused", code: "outside-hours" });
    expect(denied.type).toBe("decided");
  });

  test("no approval counts that a Slack process seals then all the same", () => {
    const cluster = clusterWith({ hours: office });
    const after = decided("U0APPROVER", aPreviewedRequest({}, null, cluster), cluster);
    const [first] = after.approvals;
    if (!first) throw new Error("It was not approved.");
    const { seal: _, ...said } = first;
    const late = { ...said, at: evening.toISOString() };

    expect(verdictOn(after, cluster)).toBeNull();
    expect(
      verdictOn({ ...after, approvals: [sealDecision(late, after.id, keys.decision)] } as AccessRequest, cluster),
    ).toBe("its approval came outside the policy's hours");
  });

  test("it takes one approval more if the rule says so, by the sealed time", () => {
    const cluster = clusterWith({ hours: { ...office, outside: "one-more-approval" } });
    const asked = aPreviewedRequest({}, null, cluster);
    const late = decided("U0APPROVER", asked, cluster, { when: evening });
    const early = decided("U0APPROVER", asked, cluster);

    expect(late).toMatchObject({ state: "pending", approvalsWanted: 2 });
    expect(early.state).toBe("approved");
    expect(verdictOn(changed(late, { state: "approved" }), cluster)).toEqual(expect.any(String));
    expect(verdictOn(decided("U0APPROVER2", late, cluster, { when: evening }), cluster)).toBeNull();
    expect(verdictOn(early, cluster)).toBeNull();
  });
});

test("an approval stops counting where no rule lets the requester ask any more", () => {
  const request = aPreviewedRequest({}, null, clusterWith({}));
  const after = decided("U0APPROVER", request, clusterWith({}), { known: facts({}) });

  expect(verdictOn(after, clusterWith({}))).toBeNull();
  expect(verdictOn(after, clusterWith({ who: ["U0SOMEBODY"] }))).toBe(
    "the policy does not let the requester ask for viewer on staging any more",
  );
});

describe.each<[string, Cluster]>([
  ["no rule lets the requester ask any more", clusterWith({ who: ["U0SOMEBODY"] })],
  ["the cluster offers the level no more", aCluster({ levels: [] })],
])("where %s,", (_, now) => {
  const request = aPreviewedRequest({}, null, clusterWith({}));
  const known = facts({});
  const deny = (by: string) => decide(by, request, now, { known, verdict: "denied" });

  test("no one can approve, everyone reads why, and no one is asked to", () => {
    for (const by of ["U0APPROVER", "U0SOMEBODY"])
      expect(decide(by, request, now, { known })).toMatchObject({ type: "refused", code: "no-rule" });
    expect([isApprovable(request, now), othersWhoMayApprove(request, now)]).toEqual([false, []]);
  });

  test("an approver of the cluster can still deny, and no one else", () => {
    expect(deny("U0APPROVER")).toMatchObject({ type: "decided", after: { state: "denied", approvals: [] } });
    expect(deny("U0SOMEBODY")).toMatchObject({ type: "refused", code: "not-an-approver" });
    expect(deny("U0ENGINEER")).toMatchObject({ type: "refused", code: "self-approval" });
  });
});

test("a quiet cluster takes no approval, but still a denial", () => {
  const cluster = aCluster({ quiet: "the books are closed" });
  const asked = aPreviewedRequest({}, null, cluster);

  expect(decide("U0APPROVER", asked, cluster)).toEqual({ type: "refused", code: "quiet" });
  expect(decide("U0APPROVER", asked, cluster, { verdict: "denied" }).type).toBe("decided");
});
