import { describe, expect, test } from "vitest";
import { approvalFlaw, type Click } from "../../src/access/approvals.ts";
import { type DecisionFacts, decideClick, othersWhoMayApprove, refuseDecision } from "../../src/access/decide.ts";
import type { MappedIdentity } from "../../src/access/lease/lease-record.ts";
import { judgeCancel, judgeRevoke } from "../../src/access/lease/revoke.ts";
import type { Cluster } from "../../src/access/policy/cluster.ts";
import { actsOf, maySeeRequest } from "../../src/access/policy/permissions.ts";
import { clusterRule, noRequesterFacts } from "../../src/access/policy/rule.ts";
import type { AccessRequest, Decision } from "../../src/access/record.ts";
import { isGenuinePreview, sealDecision, sealPreview } from "../../src/access/seals.ts";
import { aCluster, aLevel } from "../builders/a-cluster.ts";
import {
  aLeasedRequest,
  anApprovedRequest,
  aPreviewedRequest,
  aRequest,
  changed,
  digestNow,
  engineerArn,
} from "../builders/a-request.ts";
import { keys, otherKeys } from "../builders/keys.ts";
import { at, hours, minutes } from "../builders/times.ts";

/** The worker's verdict on a record from Redis. */
function verdictOn(
  request: AccessRequest,
  cluster = aCluster(),
  base: MappedIdentity | null = null,
  now = at(minutes(5)),
) {
  const [viewer] = cluster.levels;
  if (!viewer) throw new Error("The builder's cluster offers no level.");
  return approvalFlaw(request, cluster, viewer, digestNow(request, base, cluster), keys.decision, now);
}

const approved = anApprovedRequest();
const [decision = neverGiven()] = approved.approvals;

function neverGiven(): never {
  throw new Error("The builder's request is not approved.");
}

test("an unedited approval is valid", () => {
  expect(verdictOn(approved)).toBeNull();
});

describe("an attacker with Redis gains nothing by changing", () => {
  test.each<[string, Partial<AccessRequest>]>([
    ["the request's id", { id: "r-2" }],
    ["who asked", { requester: "U0ONCALL" }],
    ["the principal", { principal: "arn:aws:iam::111122223333:user/intruder" }],
    ["the level", { level: "admin" }],
    ["the groups", { groups: ["system:masters"] }],
    ["the groups, by one more", { groups: ["eks-access:viewers", "eks-access:admins"] }],
    ["the duration", { durationSeconds: hours(8) }],
    ["the reason", { reason: "another one" }],
    ["when it was asked for", { createdAt: at(-60).toISOString() }],
    ["when it expires", { expiresAt: at(hours(48)).toISOString() }],
  ])("%s", (_, change) => {
    expect(verdictOn(changed(approved, change))).toEqual(expect.any(String));
  });

  test.each<[string, Partial<Decision>]>([
    ["who approved", { by: "U0APPROVER2" }],
    ["when it was approved", { at: at(minutes(200)).toISOString() }],
    ["the digest", { digest: "0".repeat(64) }],
    ["the reason of the decision", { why: "as agreed" }],
    ["the seal", { seal: `${keys.decision.ids[0]}.${"A".repeat(86)}` }],
    ["the seal, to none", { seal: "" }],
  ])("%s", (_, change) => {
    const verdict = verdictOn({ ...approved, approvals: [{ ...decision, ...change }] });

    expect(verdict).toBe("the approval does not carry our seal");
  });

  test("a denial into an approval", () => {
    const request = aPreviewedRequest();
    const click = { verdict: "denied", by: "U0APPROVER", digest: request.preview?.digest ?? "", why: "" } as const;
    const denied = decideClick(request, aCluster(), click, keys.decision, at(minutes(2)));
    if (denied.type === "refused") throw new Error(denied.code);

    const verdict = verdictOn({
      ...approved,
      approvals: [{ ...(denied.after.denial ?? expect.fail("no denial")), verdict: "approved" }],
    });

    expect(verdict).toBe("the approval does not carry our seal");
  });

  test("the decision, by one of another request", () => {
    const other = anApprovedRequest({ id: "r-2" });

    expect(verdictOn({ ...approved, approvals: other.approvals })).toEqual(expect.any(String));
  });

  test("the decision, by one sealed with a key of their own", () => {
    const forged = anApprovedRequest({}, { keys: otherKeys });

    expect(verdictOn(forged)).toBe("the approval does not carry our seal");
  });

  test("the decision, by a seal that was made for something else", () => {
    const { seal: _, ...unsealed } = decision;
    const borrowed = keys.memory.seal("annotation", { ...unsealed, request: approved.id });

    expect(verdictOn({ ...approved, approvals: [{ ...decision, seal: borrowed }] })).toEqual(expect.any(String));
  });

  test("the decision, by none", () => {
    expect(verdictOn({ ...approved, approvals: [] })).toBe("it has no approval");
  });
});

describe("an approval does not count", () => {
  test("after its approver stops being an approver", () => {
    const verdict = verdictOn(approved, aCluster({ approvers: ["U0APPROVER2"] }));

    expect(verdict).toBe("its approver is no longer an approver of the cluster");
  });

  test("if the policy's level has other groups than the approver saw", () => {
    const cluster = aCluster({ levels: [aLevel({ groups: ["eks-access:viewers", "eks-access:admins"] })] });

    expect(verdictOn(approved, cluster)).toEqual(expect.any(String));
  });

  test("if the principal's own entry in aws-auth changed", () => {
    const base = { username: "admin", groups: ["system:masters"] };

    const verdict = verdictOn(approved, aCluster(), base);

    expect(verdict).toBe("the request, the policy, the principal's entry or a role's rights are not what was approved");
  });

  // Sealed by us, so these can only come from a fault of ours: the worker still does not act on them.
  test("where the approver is the requester", () => {
    const cluster = aCluster({ approvers: ["U0ENGINEER"] });
    const request = aPreviewedRequest({}, null, cluster);
    const unsealed = { ...sealless(decision), by: "U0ENGINEER", digest: request.preview?.digest ?? "" };
    const own = { ...unsealed, seal: keys.decision.seal("decision", { ...unsealed, request: request.id }) };

    const verdict = verdictOn({ ...request, approvals: [own] }, cluster);

    expect(verdict).toBe("people can't approve their own request");
  });

  test("if it came after the request expired", () => {
    const unsealed = { ...sealless(decision), at: at(hours(24)).toISOString() };
    const late = { ...unsealed, seal: keys.decision.seal("decision", { ...unsealed, request: approved.id }) };

    const verdict = verdictOn({ ...approved, approvals: [late] }, aCluster(), null, at(hours(24)));

    expect(verdict).toBe("its approval came after it had expired");
  });
});

function sealless({ seal: _, ...unsealed }: Decision): Omit<Decision, "seal"> {
  return unsealed;
}

describe("an approval that is dated ahead of the worker's clock", () => {
  const approvedAt = Date.parse(decision.at);

  test.each([0, 1, 60])("by %i s counts: clocks differ", (seconds) => {
    const now = new Date(approvedAt - seconds * 1000);

    expect(verdictOn(approved, aCluster(), null, now)).toBeNull();
  });

  test.each([61, 3_600, 50 * 365 * 24 * 3_600])("by %i s does not count, and says what to do", (seconds) => {
    const now = new Date(approvedAt - seconds * 1000);

    expect(verdictOn(approved, aCluster(), null, now)).toBe(
      "an approval is dated more than a minute ahead of the worker's clock: set the clocks of both processes by NTP",
    );
  });

  test("does not count if its time is unreadable, even sealed", () => {
    const { seal: _, ...unsealed } = decision;
    const timeless = sealDecision({ ...unsealed, at: "tomorrow" }, approved.id, keys.decision);

    expect(verdictOn({ ...approved, approvals: [timeless] })).toEqual(expect.any(String));
  });
});

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

function verdictFor(request: AccessRequest, cluster: Cluster) {
  const [level] = cluster.levels;
  if (!level) throw new Error("The builder's cluster offers no level.");
  return approvalFlaw(request, cluster, level, digestNow(request, null, cluster), keys.decision, at(minutes(5)));
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
    expect(verdictFor(after, own)).toBeNull();
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
  expect(verdictFor(other, cluster)).toBeNull();
  expect(verdictFor(linked, cluster)).toBe("its approver uses the principal that gets access");
});

/** `U0APPROVER2` asks for `U0ENGINEER`. */
const askedBy = "U0APPROVER2";
const cluster = aCluster();
const now = at(minutes(3));
const valid = (request: AccessRequest) =>
  approvalFlaw(request, cluster, aLevel(), digestNow(request), keys.decision, now);

describe("access that one person asks for another", () => {
  test.each(["U0ENGINEER", askedBy])("is not approved or denied by %s", (by) => {
    const request = aPreviewedRequest({ askedBy });
    const ofApprovers = aCluster({ approvers: ["U0ENGINEER", askedBy, "U0APPROVER"] });

    for (const verdict of ["approved", "denied"] as const) {
      const click = { verdict, by, digest: request.preview?.digest ?? "" };
      expect(refuseDecision(request, ofApprovers, click, now)).toBe("self-approval");
    }
    expect(othersWhoMayApprove(request, ofApprovers)).toEqual(["U0APPROVER"]);
  });

  test("is void with an approval of the person who asked, also if the Slack process sealed it", () => {
    const approved = anApprovedRequest();
    const [approval] = approved.approvals;

    expect(valid({ ...approved, askedBy: approval?.by ?? "" })).toBe("people can't approve their own request");
  });

  test.each([
    ["another person", { askedBy: "U0ONCALL" }],
    ["no one", { askedBy: null }],
  ])("is void, if Redis says that %s asked", (_, forged) => {
    const approved = anApprovedRequest({ askedBy });

    expect(valid(approved)).toBeNull();
    expect(valid({ ...approved, ...forged })).toEqual(expect.any(String));
  });

  test("can't be shown to approvers as another person's request", () => {
    const request = aPreviewedRequest({ askedBy });
    const shown = { ...request, preview: sealPreview(request, request.preview ?? expect.fail(), keys.preview) };

    expect(isGenuinePreview(shown, cluster, keys.preview)).toBe(true);
    expect(isGenuinePreview({ ...shown, askedBy: null }, cluster, keys.preview)).toBe(false);
  });

  test.each(["U0ENGINEER", askedBy])("can be seen, cancelled and ended by %s", (user) => {
    const person = { user, memberships: [] };
    const notTheirs = aCluster({ approvers: ["U0APPROVER"] });

    expect(judgeCancel(aPreviewedRequest({ askedBy }), person).type).toBe("decided");
    expect(judgeRevoke(aLeasedRequest({}, { askedBy }), notTheirs, person, "", now).type).toBe("decided");
    expect(maySeeRequest(aPreviewedRequest({ askedBy }), notTheirs, person)).toBe(true);
  });

  test("is extended by the person who has it alone", () => {
    const request = aLeasedRequest({}, { askedBy });
    const acts = (user: string) => actsOf(request, cluster, { user, memberships: [] }, now);

    expect(acts("U0ENGINEER")).toContain("extend");
    expect(acts(askedBy)).not.toContain("extend");
  });
});

const request = aPreviewedRequest();
const digest = request.preview?.digest ?? "";

function aClick(change: Partial<Click> = {}): Click {
  return { verdict: "approved", by: "U0APPROVER", digest, why: "", ...change };
}

test.each(["approved", "denied"] as const)("a click of an approver decides: %s, sealed for this request", (verdict) => {
  const click = aClick({ verdict, why: "as agreed" });

  const decided = decideClick(request, aCluster(), click, keys.decision, at(minutes(2)));

  const { after } = decided.type === "decided" ? decided : expect.fail(decided.code);
  const { seal, ...unsealed } = after.denial ?? after.approvals.at(-1) ?? expect.fail("no decision");
  expect(unsealed).toMatchObject({
    verdict,
    by: "U0APPROVER",
    at: "2026-03-01T09:02:00.000Z",
    digest,
    why: "as agreed",
  });
  expect(keys.decision.isSealed("decision", { ...unsealed, request: request.id }, seal)).toBe(true);
  expect(keys.decision.isSealed("decision", { ...unsealed, request: "r-2" }, seal)).toBe(false);
});

describe("a click is refused", () => {
  test.each([
    ["of the requester, who is an approver too", "self-approval", { ...request, requester: "U0APPROVER" }, aClick()],
    ["of somebody who is no approver", "not-an-approver", request, aClick({ by: "U0ONCALL" })],
    ["on a request that is decided already", "already-decided", anApprovedRequest(), aClick()],
    ["on a request that was cancelled", "already-decided", { ...request, state: "cancelled" }, aClick()],
    ["while the worker looks at the cluster", "no-preview", aRequest(), aClick()],
    ["on a message that shows another change", "change-differs", request, aClick({ digest: "0".repeat(64) })],
    ["without a digest", "change-differs", request, aClick({ digest: "" })],
    ["where the time that it expires can't be read", "expired", { ...request, expiresAt: "tomorrow" }, aClick()],
  ] as const)("%s", (_, code, asked, click) => {
    const decided = decideClick(asked, aCluster(), click, keys.decision, at(minutes(2)));

    expect(decided).toEqual({ type: "refused", code });
  });

  test("from the moment when the request expires", () => {
    const justBefore = decideClick(request, aCluster(), aClick(), keys.decision, at(hours(24) - 0.001));
    const then = decideClick(request, aCluster(), aClick(), keys.decision, at(hours(24)));

    expect(justBefore.type).toBe("decided");
    expect(then).toEqual({ type: "refused", code: "expired" });
  });

  test("also for a denial: only approvers can deny", () => {
    const decided = decideClick(
      request,
      aCluster(),
      aClick({ verdict: "denied", by: "U0ENGINEER" }),
      keys.decision,
      at(60),
    );

    expect(decided).toEqual({ type: "refused", code: "self-approval" });
  });
});
