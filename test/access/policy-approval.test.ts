import { describe, expect, test } from "vitest";
import { checkApproval } from "../../src/access/approvals.ts";
import { type DecisionFacts, decideClick } from "../../src/access/decide.ts";
import type { Cluster, Rule, WorkingHours } from "../../src/access/policy/cluster.ts";
import { clusterRule, noRequesterFacts, type RequesterFacts } from "../../src/access/policy/rule.ts";
import type { AccessRequest } from "../../src/access/record.ts";
import { digestOfChange } from "../../src/access/seals.ts";
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

function click(by: string, request: AccessRequest) {
  return { verdict: "approved", by, digest: request.preview?.digest ?? "", why: "" } as const;
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
  return checkApproval(record, cluster, level, digest, keys.decision, at(hours(24 * 365)));
}

describe("if a user group approves", () => {
  const cluster = clusterWith({ approvers: ["S0PLATFORM"] });
  const request = aPreviewedRequest({}, null, cluster);
  const approve = (known: DecisionFacts, when = at(minutes(2))) =>
    decideClick(request, cluster, click("U0SOMEBODY", request), keys.decision, when, known);

  test("a member can approve, and the worker trusts the seal", () => {
    const decided = approve(facts({ U0SOMEBODY: ["S0PLATFORM"] }));

    expect(decided).toMatchObject({ type: "decided", decision: { memberships: ["S0PLATFORM"] } });
    expect(decided.type === "decided" && verdictOn(decided.after, cluster)).toEqual({ type: "valid" });
  });

  test("a person outside the group can't", () => {
    expect(approve(facts({ U0SOMEBODY: ["S0ENGINEERS"] }))).toEqual({ type: "refused", code: "not-an-approver" });
  });

  test("an attacker with Redis can't add a member", () => {
    const own = clusterWith({ approvers: ["S0PLATFORM", "U0APPROVER"] });
    const asked = aPreviewedRequest({}, null, own);
    const decided = decideClick(asked, own, click("U0APPROVER", asked), keys.decision, at(minutes(2)));
    if (decided.type === "refused") throw new Error(decided.code);
    const [approval] = decided.after.approvals;
    const forged = { ...decided.after, approvals: approval ? [{ ...approval, memberships: ["S0PLATFORM"] }] : [] };

    expect(verdictOn(forged, own)).toEqual({ type: "void", message: "the approval does not carry our seal" });
  });

  test("the approval stops counting when the policy names another group", () => {
    const decided = approve(facts({ U0SOMEBODY: ["S0PLATFORM"] }));

    expect(decided.type === "decided" && verdictOn(decided.after, clusterWith({ approvers: ["S0OTHERS"] }))).toEqual({
      type: "void",
      message: "its approver is no longer an approver of the cluster",
    });
  });

  test("the approval of a former member is dropped at the next approval", () => {
    const two = clusterWith({ approvers: ["S0PLATFORM"], approvals: 2 });
    const asked = aPreviewedRequest({}, null, two);
    const first = decideClick(
      asked,
      two,
      click("U0LEAVER", asked),
      keys.decision,
      at(minutes(2)),
      facts({ U0LEAVER: ["S0PLATFORM"] }),
    );
    if (first.type === "refused") throw new Error(first.code);

    const second = decideClick(
      first.after,
      two,
      click("U0SOMEBODY", asked),
      keys.decision,
      at(minutes(3)),
      facts({ U0SOMEBODY: ["S0PLATFORM"] }),
    );

    expect(second).toMatchObject({ type: "decided", after: { state: "pending", approvals: [{ by: "U0SOMEBODY" }] } });
  });
});

describe("where the requester's user group decides about the rule", () => {
  const cluster = clusterWith({ who: ["S0ENGINEERS"], approvals: 1 }, { approvals: 2 });
  const engineer = aPreviewedRequest({ requesterFacts: engineers }, null, cluster);

  test("a member of it needs the one approval of the first rule", () => {
    const decided = decideClick(
      engineer,
      cluster,
      click("U0APPROVER", engineer),
      keys.decision,
      at(minutes(2)),
      facts({}, engineers),
    );

    expect(decided).toMatchObject({ type: "decided", after: { state: "approved" } });
    expect(decided.type === "decided" && verdictOn(decided.after, cluster)).toEqual({ type: "valid" });
  });

  test("a person whom Redis alone names as a member is checked again before an approval", () => {
    const decided = decideClick(
      engineer,
      cluster,
      click("U0APPROVER", engineer),
      keys.decision,
      at(minutes(2)),
      facts({}),
    );

    expect(decided).toEqual({ type: "refused", code: "requester-differs" });
  });

  test("the worker ignores the record's own facts, because the approvals have them sealed", () => {
    const outsider = aPreviewedRequest({}, null, cluster);
    const first = decideClick(
      outsider,
      cluster,
      click("U0APPROVER", outsider),
      keys.decision,
      at(minutes(2)),
      facts({}),
    );
    if (first.type === "refused") throw new Error(first.code);

    const forged = changed(first.after, { state: "approved", requesterFacts: engineers, approvalsWanted: 1 });

    expect(verdictOn(forged, cluster)).toEqual({ type: "void", message: "1 person has approved it; it needs 2" });
  });
});

describe("an approval of one's own request", () => {
  const request = (cluster: Cluster) => aPreviewedRequest({ requester: "U0APPROVER" }, null, cluster);
  const own = (cluster: Cluster) =>
    decideClick(request(cluster), cluster, click("U0APPROVER", request(cluster)), keys.decision, at(minutes(2)));

  test("is refused, whatever else the rule says", () => {
    expect(own(clusterWith({}))).toEqual({ type: "refused", code: "self-approval" });
  });

  test("counts if the rule allows it", () => {
    const cluster = clusterWith({ selfApproval: true, levels: ["viewer"] });
    const decided = own(cluster);

    expect(decided).toMatchObject({ type: "decided", after: { state: "approved" } });
    expect(decided.type === "decided" && verdictOn(decided.after, cluster)).toEqual({ type: "valid" });
    expect(decided.type === "decided" && verdictOn(decided.after, clusterWith({ levels: ["viewer"] }))).toMatchObject({
      type: "void",
    });
  });

  test("is refused to a person who is no approver, even if the rule allows it", () => {
    const cluster = clusterWith({ selfApproval: true, levels: ["viewer"] });
    const asked = aPreviewedRequest({}, null, cluster);

    expect(decideClick(asked, cluster, click("U0ENGINEER", asked), keys.decision, at(minutes(2)))).toEqual({
      type: "refused",
      code: "self-approval",
    });
  });
});

describe("outside working hours", () => {
  const office: WorkingHours = { zone: "UTC", days: [1, 2, 3, 4, 5, 6, 7], from: 540, to: 600, outside: "refuse" };
  const evening = at(hours(9));

  test("no one can approve if the rule refuses, but approvers can still deny", () => {
    const cluster = clusterWith({ hours: office });
    const asked = aPreviewedRequest({}, null, cluster);

    const approved = decideClick(asked, cluster, click("U0APPROVER", asked), keys.decision, evening);
    const denied = decideClick(
      asked,
      cluster,
      { ...click("U0APPROVER", asked), verdict: "denied" },
      keys.decision,
      evening,
    );

    expect(approved).toEqual({ type: "refused", code: "outside-hours" });
    expect(denied.type).toBe("decided");
  });

  test("it takes one approval more if the rule says so, by the sealed time", () => {
    const cluster = clusterWith({ hours: { ...office, outside: "one-more-approval" } });
    const asked = aPreviewedRequest({}, null, cluster);
    const late = decideClick(asked, cluster, click("U0APPROVER", asked), keys.decision, evening);
    const early = decideClick(asked, cluster, click("U0APPROVER", asked), keys.decision, at(minutes(2)));
    if (late.type === "refused" || early.type === "refused") throw new Error("Both may approve.");

    expect(late.after).toMatchObject({ state: "pending", approvalsWanted: 2 });
    expect(early.after.state).toBe("approved");
    expect(verdictOn(changed(late.after, { state: "approved" }), cluster)).toMatchObject({ type: "void" });
    expect(verdictOn(early.after, cluster)).toEqual({ type: "valid" });
  });
});

test("an approval stops counting where no rule lets the requester ask any more", () => {
  const request = aPreviewedRequest({}, null, clusterWith({}));
  const decided = decideClick(
    request,
    clusterWith({}),
    click("U0APPROVER", request),
    keys.decision,
    at(minutes(2)),
    facts({}),
  );
  if (decided.type === "refused") throw new Error(decided.code);

  expect(verdictOn(decided.after, clusterWith({}))).toEqual({ type: "valid" });
  expect(verdictOn(decided.after, clusterWith({ who: ["U0SOMEBODY"] }))).toEqual({
    type: "void",
    message: "the policy does not let the requester ask for viewer on staging any more",
  });
});

describe.each<[string, Cluster]>([
  ["no rule lets the requester ask any more", clusterWith({ who: ["U0SOMEBODY"] })],
  ["the cluster offers the level no more", aCluster({ levels: [] })],
])("where %s,", (_, now) => {
  const request = aPreviewedRequest({}, null, clusterWith({}));
  const decide = (by: string, verdict: "approved" | "denied") =>
    decideClick(request, now, { ...click(by, request), verdict }, keys.decision, at(minutes(2)), facts({}));

  test("no one can approve", () => {
    expect(decide("U0APPROVER", "approved")).toMatchObject({ type: "refused", code: "no-rule" });
  });

  test("an approver of the cluster can still deny, and no one else", () => {
    expect(decide("U0APPROVER", "denied")).toMatchObject({
      type: "decided",
      after: { state: "denied", approvals: [] },
    });
    expect(decide("U0SOMEBODY", "denied")).toMatchObject({ type: "refused", code: "not-an-approver" });
    expect(decide("U0ENGINEER", "denied")).toMatchObject({ type: "refused", code: "self-approval" });
  });
});

test("a quiet cluster takes no approval, but still a denial", () => {
  const cluster = aCluster({ quiet: "the books are closed" });
  const asked = aPreviewedRequest({}, null, cluster);

  expect(decideClick(asked, cluster, click("U0APPROVER", asked), keys.decision, at(minutes(2)))).toEqual({
    type: "refused",
    code: "quiet",
  });
  expect(
    decideClick(asked, cluster, { ...click("U0APPROVER", asked), verdict: "denied" }, keys.decision, at(minutes(2)))
      .type,
  ).toBe("decided");
});
