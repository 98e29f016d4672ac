import { describe, expect, test } from "vitest";
import { approvalFlaw } from "../../src/access/approvals.ts";
import { decideReview, emergencyFlaw, remindOfReview } from "../../src/access/emergency.ts";
import { sealedEnd } from "../../src/access/lease/cluster-leases.ts";
import type { AccessRequest, ApprovedRequest, Decision, Review } from "../../src/access/record.ts";
import { dueAt } from "../../src/access/request.ts";
import { digestOfRequest, hasForgedReview, sealDecision, withoutForgedReview } from "../../src/access/seals.ts";
import { aLease, anApprovedRequest, digestNow } from "../builders/a-request.ts";
import { anEmergency, anEmergencyCluster } from "../builders/an-emergency.ts";
import { keys, otherKeys } from "../builders/keys.ts";
import { at, hours, minutes } from "../builders/times.ts";

const broken = anEmergency();
const cluster = anEmergencyCluster();
const days = (count: number) => hours(24 * count);

function adminOf({ levels } = cluster) {
  const level = levels.find(({ name }) => name === "admin");
  if (!level) throw new Error("The builder's cluster offers no admin.");
  return level;
}

function verdictOn(record: AccessRequest, under = cluster, now = at(minutes(5))) {
  return emergencyFlaw(record, under, adminOf(under), keys.decision, now);
}

describe("a person who takes emergency access", () => {
  test("gets the lease at once, counted from then, and the worker trusts the seal", () => {
    expect(broken).toMatchObject({ state: "approved", lease: { state: "scheduled" }, emergency: { review: null } });
    expect(sealedEnd(broken)).toBe(at(minutes(2) + hours(1)).toISOString());
    expect(verdictOn(broken)).toBeNull();
  });

  test.each([
    [60, "valid"],
    [61, "void"],
    [50 * 365 * 24 * 3_600, "void"],
  ])("dated %i s ahead of the worker's clock: %s", (seconds, verdict) => {
    const [declaration] = broken.approvals;
    const now = new Date(Date.parse(declaration?.at ?? "") - seconds * 1000);

    expect(verdictOn(broken, cluster, now) === null ? "valid" : "void").toBe(verdict);
  });

  test("gets it on a quiet cluster too", () => {
    expect(verdictOn(broken, anEmergencyCluster({ quiet: "the books are closed" }))).toBeNull();
  });
});

describe("an attacker with Redis gains nothing by", () => {
  const [declaration] = broken.approvals;
  const declared = (change: Partial<Decision>): readonly Decision[] =>
    declaration ? [{ ...declaration, ...change }] : [];
  const sealed = ({ seal: _, ...said }: Decision) => sealDecision(said, broken.id, keys.decision);

  test.each<[string, AccessRequest]>([
    ["a broken glass without a word of anybody", { ...broken, approvals: [] }],
    ["one with a key of their own", anEmergency({}, otherKeys)],
    ["naming another person", { ...broken, requester: "U0INTRUDER" }],
    [
      "naming another person in both places",
      { ...broken, requester: "U0INTRUDER", approvals: declared({ by: "U0INTRUDER" }) },
    ],
    ["making somebody a member of a group", { ...broken, approvals: declared({ memberships: ["S0ONCALL"] }) }],
    ["another principal", { ...broken, principal: "arn:aws:iam::111122223333:user/intruder" }],
    ["other groups", { ...broken, groups: ["system:masters"] }],
    ["a longer time", { ...broken, durationSeconds: hours(8) }],
    ["a later time", { ...broken, approvals: declared({ at: at(hours(3)).toISOString() }) }],
    ["the id of another request", { ...broken, id: "r-2" }],
    ["an approval of the same person in its place", { ...broken, approvals: declared({ verdict: "approved" }) }],
    [
      "an approval that the same person really gave",
      { ...broken, approvals: declared({ verdict: "approved" }).map(sealed) },
    ],
    [
      "later facts about the requester beside the declaration",
      {
        ...broken,
        approvals: [
          ...broken.approvals,
          ...declared({ at: at(minutes(3)).toISOString(), requester: { memberships: ["S0ONCALL"], linked: null } }),
        ],
      },
    ],
  ])("%s", (_, record) => {
    expect(verdictOn(record)).toEqual(expect.any(String));
  });

  test("turning an approved request into an emergency", () => {
    const approved = { ...anApprovedRequest(), emergency: broken.emergency };

    expect(emergencyFlaw(approved, cluster, adminOf(), keys.decision, at(minutes(5)))).toEqual(expect.any(String));
  });

  test("turning an emergency into an approved request", () => {
    const asked = { ...broken, emergency: null };

    expect(
      approvalFlaw(asked, cluster, adminOf(), digestNow(asked, null, cluster), keys.decision, at(minutes(5))),
    ).toBe("it has no approval");
  });
});

describe("the worker stops trusting it", () => {
  test.each<[string, Parameters<typeof anEmergencyCluster>[0]]>([
    ["once the policy allows no emergency access", { breakGlass: null }],
    ["once the policy lets others do it", { breakGlass: { who: ["U0ONCALL"], level: "admin", durationSeconds: 3600 } }],
    [
      "once the policy gives another level",
      { breakGlass: { who: ["U0ENGINEER"], level: "viewer", durationSeconds: 3600 } },
    ],
    ["once the policy gives less time", { breakGlass: { who: ["U0ENGINEER"], level: "admin", durationSeconds: 60 } }],
    [
      "once the level has other groups",
      { levels: anEmergencyCluster().levels.map((each) => ({ ...each, groups: ["others"] })) },
    ],
  ])("%s", (_, change) => {
    expect(verdictOn(broken, anEmergencyCluster(change))).toEqual(expect.any(String));
  });

  // Sealed by us, so it can only come from a fault of ours.
  test.each([
    ["of a person whom the policy does not name", "U0STRANGER", "U0STRANGER"],
    ["of a person whom it names, for another one", "U0ENGINEER", "U0STRANGER"],
  ])("if the seal is %s", (_, by, requester) => {
    const record = { ...broken, requester };
    const digest = digestOfRequest(record, cluster, adminOf());
    const { seal: _seal, ...said } = { ...record.approvals[0], by, memberships: [], digest } as Decision;

    expect(verdictOn({ ...record, approvals: [sealDecision(said, record.id, keys.decision)] })).toBe(
      "the policy no longer gives the requester emergency access",
    );
  });
});

describe("an emergency is reviewed", () => {
  const person = (user: string, memberships: readonly string[] = []) => ({ user, memberships });

  test("by an approver, once", () => {
    const reviewed = decideReview(broken, cluster, person("U0APPROVER"), keys.decision, at(hours(2)));

    expect(reviewed).toMatchObject({
      type: "decided",
      after: {
        version: broken.version + 1,
        emergency: { review: { by: "U0APPROVER", at: at(hours(2)).toISOString() } },
      },
    });
    expect(
      reviewed.type === "decided" &&
        decideReview(reviewed.after, cluster, person("U0APPROVER2"), keys.decision, at(hours(3))),
    ).toEqual({
      type: "refused",
      code: "reviewed-already",
    });
  });

  test("with a note that no one can change in Redis", () => {
    const verdict = decideReview(broken, cluster, person("U0APPROVER"), keys.decision, at(hours(2)), "all is well");
    const { emergency, ...request } = verdict.type === "decided" ? verdict.after : expect.unreachable();
    const withNote = (why: string | undefined) =>
      ({ ...request, emergency: { ...emergency, review: { ...emergency?.review, why } } }) as AccessRequest;

    const forged = ["all is well", "another", "", undefined].map((why) =>
      hasForgedReview(withNote(why), keys.decision, at(hours(3))),
    );

    expect(emergency?.review?.why).toBe("all is well");
    expect(forged).toEqual([false, true, true, true]);
  });

  test.each<[string, string, AccessRequest]>([
    ["U0ENGINEER", "own", broken],
    ["U0ONCALL", "not-an-approver", broken],
    ["U0APPROVER", "nothing-to-review", anApprovedRequest()],
  ])("not by %s: %s", (user, code, request) => {
    expect(decideReview(request, cluster, person(user), keys.decision, at(hours(2)))).toEqual({
      type: "refused",
      code,
    });
  });

  test("not by the person who took it, even if they are an approver", () => {
    const own = anEmergency({ requester: "U0APPROVER" });

    expect(decideReview(own, cluster, person("U0APPROVER"), keys.decision, at(0))).toEqual({
      type: "refused",
      code: "own",
    });
  });
});

describe("a review counts", () => {
  const verdict = decideReview(broken, cluster, { user: "U0APPROVER", memberships: [] }, keys.decision, at(hours(2)));
  const { emergency: noted } = verdict.type === "decided" ? verdict.after : broken;
  const reviewed = { ...broken, version: broken.version + 1, emergency: noted ?? broken.emergency };
  const withReview = (change: object, request: ApprovedRequest = reviewed): AccessRequest => {
    const { emergency } = reviewed;
    return { ...request, emergency: { ...emergency, review: { ...emergency.review, ...change } as Review } };
  };

  test("as it was given", () => {
    expect(withoutForgedReview(reviewed, keys.decision, at(hours(2)))).toBe(reviewed);
  });

  test("a minute ahead of this process's clock, and not more: clocks differ", () => {
    expect(hasForgedReview(reviewed, keys.decision, at(hours(2) - 60))).toBe(false);
    expect(hasForgedReview(reviewed, keys.decision, at(hours(2) - 61))).toBe(true);
  });

  test.each<[string, AccessRequest]>([
    ["by somebody else", withReview({ by: "U0APPROVER2" })],
    ["at another time", withReview({ at: at(hours(3)).toISOString() })],
    ["of another request", withReview({}, { ...broken, id: "r-2" })],
    [
      "by an approver of another cluster, whose name the record had",
      withReview({}, { ...broken, cluster: "production" }),
    ],
    ["that carries an empty seal", withReview({ seal: "" })],
    ["that another installation sealed", withReview({ seal: reviewed.emergency?.review?.seal.replace(/^./, "x") })],
  ])("but not one %s: the emergency still needs a review", (_, request) => {
    expect(hasForgedReview(request, keys.decision, at(hours(2)))).toBe(true);
    expect(withoutForgedReview(request, keys.decision, at(hours(2))).emergency).toMatchObject({ review: null });
  });
});

describe("without a review", () => {
  const over = { ...broken, lease: aLease(broken.lease, { state: "ended" }) };
  const firstDay = at(minutes(2) + days(1));

  test("a reminder comes each day, also after its end", () => {
    const first = remindOfReview(over, firstDay);
    const second = first && remindOfReview(first, new Date(firstDay.getTime() + 24 * 3600 * 1000));

    expect(dueAt(over)).toBe(firstDay.getTime());
    expect(remindOfReview(over, new Date(firstDay.getTime() - 1))).toBeNull();
    expect(first).toMatchObject({ version: over.version + 1, emergency: { reminders: 1 } });
    expect(second).toMatchObject({ emergency: { reminders: 2 } });
  });

  test("one reminder comes for all missed days", () => {
    const late = remindOfReview(over, at(days(10)));

    expect(late).toMatchObject({ emergency: { reminders: 1, remindAt: at(days(11)).toISOString() } });
  });

  test("and none after the review", () => {
    const reviewed = { ...over, emergency: { ...over.emergency, review: { by: "U0APPROVER", at: "", seal: "" } } };

    expect(dueAt(reviewed)).toBeNull();
    expect(remindOfReview(reviewed, at(days(10)))).toBeNull();
  });

  test("a lease that ends before is still removed at its end", () => {
    const endsAt = at(hours(1)).toISOString();
    const active = { ...broken, lease: aLease(broken.lease, { state: "active", endsAt }) };

    expect(dueAt(active)).toBe(at(hours(1)).getTime());
  });
});
