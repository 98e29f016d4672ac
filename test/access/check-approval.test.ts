import { describe, expect, test } from "vitest";
import { checkApproval } from "../../src/access/approvals.ts";
import { decideClick } from "../../src/access/decide.ts";
import type { MappedIdentity } from "../../src/access/lease/lease-record.ts";
import type { AccessRequest, Decision } from "../../src/access/record.ts";
import { sealDecision } from "../../src/access/seals.ts";
import { aCluster, aLevel } from "../builders/a-cluster.ts";
import { anApprovedRequest, aPreviewedRequest, changed, digestNow } from "../builders/a-request.ts";
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
  return checkApproval(request, cluster, viewer, digestNow(request, base, cluster), keys.decision, now);
}

const approved = anApprovedRequest();
const [decision = neverGiven()] = approved.approvals;

function neverGiven(): never {
  throw new Error("The builder's request is not approved.");
}

test("an unedited approval is valid", () => {
  expect(verdictOn(approved)).toEqual({ type: "valid" });
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
    expect(verdictOn(changed(approved, change))).toMatchObject({ type: "void" });
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

    expect(verdict).toEqual({ type: "void", message: "the approval does not carry our seal" });
  });

  test("a denial into an approval", () => {
    const request = aPreviewedRequest();
    const click = { verdict: "denied", by: "U0APPROVER", digest: request.preview?.digest ?? "", why: "" } as const;
    const denied = decideClick(request, aCluster(), click, keys.decision, at(minutes(2)));
    if (denied.type === "refused") throw new Error(denied.code);

    const verdict = verdictOn({ ...approved, approvals: [{ ...denied.decision, verdict: "approved" }] });

    expect(verdict).toEqual({ type: "void", message: "the approval does not carry our seal" });
  });

  test("the decision, by one of another request", () => {
    const other = anApprovedRequest({ id: "r-2" });

    expect(verdictOn({ ...approved, approvals: other.approvals })).toMatchObject({ type: "void" });
  });

  test("the decision, by one sealed with a key of their own", () => {
    const forged = anApprovedRequest({}, { keys: otherKeys });

    expect(verdictOn(forged)).toEqual({ type: "void", message: "the approval does not carry our seal" });
  });

  test("the decision, by a seal that was made for something else", () => {
    const { seal: _, ...unsealed } = decision;
    const borrowed = keys.memory.seal("annotation", { ...unsealed, request: approved.id });

    expect(verdictOn({ ...approved, approvals: [{ ...decision, seal: borrowed }] })).toMatchObject({ type: "void" });
  });

  test("the decision, by none", () => {
    expect(verdictOn({ ...approved, approvals: [] })).toEqual({ type: "void", message: "it has no approval" });
  });
});

describe("an approval does not count", () => {
  test("after its approver stops being an approver", () => {
    const verdict = verdictOn(approved, aCluster({ approvers: ["U0APPROVER2"] }));

    expect(verdict).toEqual({ type: "void", message: "its approver is no longer an approver of the cluster" });
  });

  test("if the policy's level has other groups than the approver saw", () => {
    const cluster = aCluster({ levels: [aLevel({ groups: ["eks-access:viewers", "eks-access:admins"] })] });

    expect(verdictOn(approved, cluster)).toMatchObject({ type: "void" });
  });

  test("if the principal's own entry in aws-auth changed", () => {
    const base = { username: "admin", groups: ["system:masters"] };

    const verdict = verdictOn(approved, aCluster(), base);

    expect(verdict).toEqual({
      type: "void",
      message: "the request, the policy or the principal's entry in aws-auth is not what was approved",
    });
  });

  // Sealed by us, so these can only come from a fault of ours: the worker still does not act on them.
  test("where the approver is the requester", () => {
    const cluster = aCluster({ approvers: ["U0ENGINEER"] });
    const request = aPreviewedRequest({}, null, cluster);
    const unsealed = { ...sealless(decision), by: "U0ENGINEER", digest: request.preview?.digest ?? "" };
    const own = { ...unsealed, seal: keys.decision.seal("decision", { ...unsealed, request: request.id }) };

    const verdict = verdictOn({ ...request, approvals: [own] }, cluster);

    expect(verdict).toEqual({ type: "void", message: "people can't approve their own request" });
  });

  test("if it came after the request expired", () => {
    const unsealed = { ...sealless(decision), at: at(hours(24)).toISOString() };
    const late = { ...unsealed, seal: keys.decision.seal("decision", { ...unsealed, request: approved.id }) };

    const verdict = verdictOn({ ...approved, approvals: [late] }, aCluster(), null, at(hours(24)));

    expect(verdict).toEqual({ type: "void", message: "its approval came after it had expired" });
  });
});

function sealless({ seal: _, ...unsealed }: Decision): Omit<Decision, "seal"> {
  return unsealed;
}

describe("an approval that is dated ahead of the worker's clock", () => {
  const approvedAt = Date.parse(decision.at);

  test.each([0, 1, 60])("by %i s counts: clocks differ", (seconds) => {
    const now = new Date(approvedAt - seconds * 1000);

    expect(verdictOn(approved, aCluster(), null, now)).toEqual({ type: "valid" });
  });

  test.each([61, 3_600, 50 * 365 * 24 * 3_600])("by %i s does not count, and says what to do", (seconds) => {
    const now = new Date(approvedAt - seconds * 1000);

    expect(verdictOn(approved, aCluster(), null, now)).toEqual({
      type: "void",
      message:
        "an approval is dated more than a minute ahead of the worker's clock: set the clocks of both processes by NTP",
    });
  });

  test("does not count if its time is unreadable, even sealed", () => {
    const { seal: _, ...unsealed } = decision;
    const timeless = sealDecision({ ...unsealed, at: "tomorrow" }, approved.id, keys.decision);

    expect(verdictOn({ ...approved, approvals: [timeless] })).toMatchObject({ type: "void" });
  });
});
