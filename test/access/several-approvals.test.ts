import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { approvalFlaw } from "../../src/access/approvals.ts";
import { decideClick } from "../../src/access/decide.ts";
import { sealedEnd } from "../../src/access/lease/cluster-leases.ts";
import type { Cluster } from "../../src/access/policy/cluster.ts";
import { clusterRule, noRequesterFacts } from "../../src/access/policy/rule.ts";
import type { AccessRequest, Decision } from "../../src/access/record.ts";
import type { DecisionPublicKeys } from "../../src/access/seal.ts";
import { sealDecision } from "../../src/access/seals.ts";
import { rememberingSeals } from "../../src/operations/bounds.ts";
import { aCluster } from "../builders/a-cluster.ts";
import { aDecision, aPreviewedRequest, changed, digestNow, type RequestChange, revise } from "../builders/a-request.ts";
import { keys, otherKeys } from "../builders/keys.ts";
import { at, hours, minutes } from "../builders/times.ts";
import { cpuTimeOf } from "../cpu-time.ts";

const people = ["U0APPROVER", "U0APPROVER2", "U0THIRD", "U0FOURTH"];

/** A cluster whose rule needs this number of approvals. */
function wanting(approvals: number, change: Partial<Cluster> = {}): Cluster {
  return aCluster({ approvers: people, rules: [{ ...clusterRule, name: "several", approvals }], ...change });
}

const two = wanting(2);
const request = aPreviewedRequest({}, null, two);

/** The record after these people clicked Approve, one each minute. */
function approvedBy(names: readonly string[], cluster = two, asked: AccessRequest = request): AccessRequest {
  return names.reduce<AccessRequest>((record, by, index) => {
    const click = { verdict: "approved", by, digest: record.preview?.digest ?? "", why: "" } as const;
    const decided = decideClick(record, cluster, click, keys.decision, at(minutes(2 + index)));
    return decided.type === "decided" ? decided.after : record;
  }, asked);
}

function verdictOn(record: AccessRequest, cluster = two, by: DecisionPublicKeys = keys.decision) {
  const [viewer] = cluster.levels;
  if (!viewer) throw new Error("The builder's cluster offers no level.");
  return approvalFlaw(record, cluster, viewer, digestNow(record, null, cluster), by, at(hours(24)));
}

/** Sealed by our key with any content: only a fault of ours could make it. */
function sealed(change: Partial<Decision>): Decision {
  const digest = request.preview?.digest ?? "";
  const { seal: _, ...unsealed } = aDecision({ digest, ...change });
  return sealDecision(unsealed, request.id, keys.decision);
}

describe("if two people must approve", () => {
  test("the first approval leaves the request open, and says how many it takes", () => {
    const after = approvedBy(["U0APPROVER"]);

    expect(after).toMatchObject({ state: "pending", approvalsWanted: 2, lease: null, version: request.version + 1 });
    expect(after.approvals.map(({ by }) => by)).toEqual(["U0APPROVER"]);
  });

  test("the worker ignores an approval of a person whom the last approval no longer names as an approver", () => {
    const after = approvedBy(["U0APPROVER", "U0APPROVER2"]);
    const [first, last] = after.approvals;
    const alone = approvedBy(["U0APPROVER2"]).approvals[0];
    if (!first || !last || !alone) throw new Error("Somebody's approval was refused.");

    expect(last.stillApprovers).toEqual(["U0APPROVER", "U0APPROVER2"]);
    expect(verdictOn(after)).toBeNull();
    expect(verdictOn({ ...after, approvals: [first, alone] })).toBe(
      "the last approval does not say that everybody who approved is still an approver",
    );
    expect(verdictOn({ ...after, approvals: [first, { ...last, stillApprovers: [] }] })).toEqual(expect.any(String));
  });

  test("one that a person with Redis wrote twenty thousand times counts once, and keeps no worker busy", () => {
    const { approvals, ...after } = approvedBy(["U0APPROVER"]);
    const many = { ...after, approvals: Array(20_000).fill(approvals[0]) } as AccessRequest;

    const took = cpuTimeOf(() =>
      expect(verdictOn(many, two, rememberingSeals(keys.decision))).toBe("one approver counts twice in it"),
    );

    expect(took).toBeLessThan(1_500);
  });

  test("the second one schedules the lease, and the lease is counted from it", () => {
    const after = approvedBy(["U0APPROVER", "U0APPROVER2"]);

    expect(after.state).toBe("approved");
    expect(after.lease?.endsAt).toBe(at(minutes(3) + hours(4)).toISOString());
    expect(sealedEnd(after)).toBe(after.lease?.endsAt);
    expect(verdictOn(after)).toBeNull();
  });

  test("each person counts once, however often they click, and by whichever of their ids", () => {
    const click = { verdict: "approved", digest: request.preview?.digest ?? "", why: "" } as const;
    const memberships = new Map([["W0SAME", ["U0APPROVER"]]]);
    const known = { memberships, requesterFacts: noRequesterFacts, departed: new Map() };

    const again = ["U0APPROVER", "W0SAME"].map((by) =>
      decideClick(approvedBy(["U0APPROVER"]), two, { ...click, by }, keys.decision, at(minutes(9)), known),
    );

    expect(again).toEqual([1, 2].map(() => ({ type: "refused", code: "approved-already" })));
  });

  test.each(["U0APPROVER", "U0APPROVER2"])("%s denies after the first approval, and that is the end of it", (by) => {
    const click = { verdict: "denied", by, digest: request.preview?.digest ?? "", why: "not now" } as const;

    const denied = decideClick(approvedBy(["U0APPROVER"]), two, click, keys.decision, at(minutes(9)));

    expect(denied).toMatchObject({ type: "decided", after: { state: "denied", lease: null, denial: { by } } });
  });

  test("the approval of a former approver is dropped", () => {
    const fewer = wanting(2, { approvers: ["U0APPROVER2", "U0THIRD"] });

    const after = approvedBy(["U0APPROVER2"], fewer, approvedBy(["U0APPROVER"]));

    expect(after.state).toBe("pending");
    expect(after.approvals.map(({ by }) => by)).toEqual(["U0APPROVER2"]);
  });

  test("an approval that an attacker wrote into Redis does not count, and is never reported", () => {
    const [first] = approvedBy(["U0APPROVER"]).approvals;
    const forged = { ...request, approvals: first ? [{ ...first, by: "U0THIRD" }] : [] };

    const after = approvedBy(["U0APPROVER2"], two, forged);

    expect(after.state).toBe("pending");
    expect(after.approvals.map(({ by }) => by)).toEqual(["U0APPROVER2"]);
  });

  test("an approval of an older change does not count for the new one", () => {
    const renewed = revise(approvedBy(["U0APPROVER"]), { reason: "another reason" });
    const preview = renewed.preview && { ...renewed.preview, digest: digestNow(renewed, null, two) };

    const after = approvedBy(["U0APPROVER2"], two, changed(renewed, { preview }));

    expect(after.state).toBe("pending");
    expect(after.approvals.map(({ by }) => by)).toEqual(["U0APPROVER2"]);
  });
});

describe("full control of a cluster", () => {
  const masters = { name: "viewer", groups: ["system:masters"], maxDurationSeconds: 3600 * 8, verify: [] };

  test("takes two people if the policy does not say how many, whatever the cluster's other levels give", () => {
    const first = { ...masters, name: "reader", groups: ["eks-access:viewers"] };
    const cluster = aCluster({ levels: [first, masters], rules: [{ ...clusterRule, name: "root", approvals: null }] });
    const asked = aPreviewedRequest({ groups: masters.groups }, null, cluster);

    expect(approvedBy(["U0APPROVER"], cluster, asked)).toMatchObject({ state: "pending", approvalsWanted: 2 });
    expect(approvedBy(["U0APPROVER", "U0APPROVER2"], cluster, asked).state).toBe("approved");
  });

  test("takes one if the rule says so", () => {
    const cluster = aCluster({ levels: [masters], rules: [{ ...clusterRule, name: "root", approvals: 1 }] });
    const asked = aPreviewedRequest({ groups: masters.groups }, null, cluster);

    expect(approvedBy(["U0APPROVER"], cluster, asked).state).toBe("approved");
  });
});

describe("an attacker with Redis who waits for one approval gains nothing by", () => {
  const [first] = approvedBy(["U0APPROVER"]).approvals;
  const one = first ?? sealed({});
  const forged = (approvals: readonly Decision[], change: RequestChange = {}) =>
    changed(approvedBy(["U0APPROVER", "U0APPROVER2"]), { approvals, ...change });

  test.each<[string, AccessRequest]>([
    ["calling it enough", forged([one])],
    ["calling it enough, and saying that one is wanted", forged([one], { approvalsWanted: 1 })],
    ["putting it there twice", forged([one, one])],
    ["putting it there a second time with another name", forged([one, { ...one, by: "U0APPROVER2" }])],
    ["putting it there a second time with another time", forged([one, { ...one, at: at(minutes(3)).toISOString() }])],
    ["making one up", forged([one, { ...one, by: "U0APPROVER2", seal: `${keys.decision.ids[0]}.${"A".repeat(86)}` }])],
    ["making one up with a key of their own", forged([one, approvalOf("U0APPROVER2", otherKeys)])],
    ["adding one of another request", forged([one, otherRequests("U0APPROVER2")])],
    [
      "adding a denial as an approval",
      forged([one, { ...sealed({ by: "U0APPROVER2", verdict: "denied" }), verdict: "approved" }]),
    ],
    ["changing the principal after it", forged([one], { principal: "arn:aws:iam::111122223333:user/intruder" })],
  ])("%s", (_, record) => {
    expect(verdictOn(record)).toEqual(expect.any(String));
  });

  test.each<[string, readonly Decision[], string]>([
    [
      "the same person sealed twice",
      [sealed({}), sealed({ at: at(minutes(5)).toISOString() })],
      "one approver counts twice in it",
    ],
    [
      "the same person by another id of the organization",
      [sealed({}), sealed({ by: "W0SAME", memberships: ["U0APPROVER"], stillApprovers: ["U0APPROVER", "W0SAME"] })],
      "one approver counts twice in it",
    ],
    ["the requester among them", [one, sealed({ by: "U0ENGINEER" })], "people can't approve their own request"],
    [
      "the requester by another id, as a member of the approvers",
      [one, sealed({ by: "W0SAME", memberships: ["U0ENGINEER", "U0APPROVER2"] })],
      "people can't approve their own request",
    ],
    [
      "an approver who gets the access",
      [one, sealed({ by: "U0APPROVER2", linked: request.principal })],
      "its approver uses the principal that gets access",
    ],
    [
      "approvals of what the policy knew about the requester at two times",
      [
        sealed({ requester: { memberships: ["S0ENGINEERS"], linked: null } }),
        sealed({ by: "U0APPROVER2", requester: noRequesterFacts, stillApprovers: ["U0APPROVER", "U0APPROVER2"] }),
      ],
      "the request, the policy, the principal's entry or a role's rights are not what was approved",
    ],
    [
      "somebody who may not approve",
      [one, sealed({ by: "U0ONCALL" })],
      "its approver is no longer an approver of the cluster",
    ],
    ["too few of them", [one], "1 person has approved it; it needs 2"],
  ])("nor does a fault of ours give anything: %s", (_, approvals, message) => {
    expect(verdictOn(forged(approvals))).toBe(message);
  });

  function approvalOf(by: string, from = keys, asked = request): Decision {
    const click = { verdict: "approved", by, digest: asked.preview?.digest ?? "", why: "" } as const;
    const decided = decideClick(asked, two, click, from.decision, at(minutes(3)));
    if (decided.type === "refused") throw new Error(decided.code);
    return decided.after.approvals.at(-1) ?? expect.fail("no approval");
  }

  function otherRequests(by: string): Decision {
    return approvalOf(by, keys, aPreviewedRequest({ id: "r-2" }, null, two));
  }
});

test("nothing is ever valid without as many different people as the policy asks for, none of them the requester", () => {
  const wanted = fc.integer({ min: 1, max: 4 });
  const clicks = fc.array(fc.constantFrom(...people, "U0ENGINEER", "U0ONCALL"), { maxLength: 8 });

  fc.assert(
    fc.property(wanted, clicks, fc.nat(7), (approvals, names, repeated) => {
      const cluster = wanting(approvals);
      const asked = aPreviewedRequest({}, null, cluster);
      const record = approvedBy(names, cluster, asked);
      const different = new Set(names.filter((name) => people.includes(name))).size;
      const copy = record.approvals[repeated % Math.max(1, record.approvals.length)];
      const stuffed = { ...record, approvals: [...record.approvals, ...(copy ? [copy] : [])] };

      expect(record.state).toBe(different >= approvals ? "approved" : "pending");
      expect(verdictOn(record, cluster) === null).toBe(different >= approvals);
      expect(verdictOn(stuffed, cluster)).toEqual(expect.any(String));
    }),
    { numRuns: 200 },
  );
});
