import { describe, expect, test } from "vitest";
import { DOCUMENT_LIMIT } from "../../../src/access/collections.ts";
import { sealWritten } from "../../../src/access/lease/holding.ts";
import { type Holding, permanentSeconds } from "../../../src/access/lease/lease-record.ts";
import { noWithdrawals, type Withdrawals } from "../../../src/access/lease/withdrawal.ts";
import { sealedClusterOf } from "../../../src/access/policy/cluster.ts";
import { clusterRule } from "../../../src/access/policy/rule.ts";
import type { AccessRequest } from "../../../src/access/record.ts";
import { aCluster } from "../../builders/a-cluster.ts";
import { aLeasedRequest, anApprovedRequest, engineerArn } from "../../builders/a-request.ts";
import { anEmergency, anEmergencyCluster } from "../../builders/an-emergency.ts";
import { keys } from "../../builders/keys.ts";
import { at, hours, minutes } from "../../builders/times.ts";
import { admins, entry, settled, settling } from "./settling.ts";

const ids = (requests: readonly AccessRequest[]) => requests.map((request) => request.id);

/** What the document of a running lease remembers of it. */
function remembered(request: AccessRequest, change: Partial<Holding> = {}): Holding {
  const { id, level, requester, groups } = request;
  const endsAt = request.lease?.endsAt ?? "";
  const share = { id, level, requester, groups, emergency: false, approvers: ["U0APPROVER"], endsAt };
  return { arn: request.principal, entryAdded: true, added: groups, shares: [share], ...change };
}

describe("a broken glass", () => {
  test("is leased without an approval, whatever the entry was and whatever the rules say", () => {
    const cluster = anEmergencyCluster({ rules: [], quiet: "the books are closed" });

    const { leased } = settled({ open: [anEmergency()], mapUsers: entry(engineerArn, "developers"), cluster });

    expect(ids(leased)).toEqual(["r-1"]);
  });

  test("is void where the policy lets no one break it", () => {
    const { leased, voided } = settled({ open: [anEmergency()] });

    expect(leased).toEqual([]);
    expect(voided).toMatchObject([{ message: "the policy no longer gives the requester emergency access" }]);
  });
});

describe("a run on one cluster decides", () => {
  test("that an approved lease gets its entry and its share of the annotation in the same write", () => {
    const request = anApprovedRequest();

    const { leased, data, holdings } = settled({ open: [request] });

    expect(ids(leased)).toEqual([request.id]);
    expect(data.mapUsers).toContain(engineerArn);
    expect(holdings).toMatchObject([
      { arn: engineerArn, entryAdded: true, added: ["eks-access:viewers"], shares: [{ id: request.id }] },
    ]);
  });

  test("that an approval without a write for an hour gives nothing", () => {
    const request = anApprovedRequest();
    const begun = {
      ...request,
      lease: request.lease && { ...request.lease, writeBegan: at(minutes(3)).toISOString() },
    };
    const inTime = at(minutes(62));
    const late = new Date(inTime.getTime() + 1);

    expect(ids(settled({ open: [request], now: inTime }).leased)).toEqual([request.id]);
    expect(settled({ open: [request], now: late }).voided).toMatchObject([
      { message: "it is older than 1h, and the worker wrote nothing of it" },
    ]);
    // It was begun, and is there: the worker died before it could record that.
    const held = { open: [begun], mapUsers: entry(engineerArn, '"eks-access:viewers"'), holdings: [remembered(begun)] };
    expect(ids(settled({ ...held, now: late }).leased)).toEqual([request.id]);
    expect(ids(settled({ open: [anEmergency()], now: late, cluster: anEmergencyCluster() }).leased)).toEqual([]);
  });

  test("that a lease which Redis calls active is restored only by a sealed share", () => {
    const request = aLeasedRequest({});
    const written = sealWritten(sealedClusterOf(aCluster()), request, remembered(request), keys.memory, "aws-auth");
    const active = { ...request, lease: request.lease && { ...request.lease, written } };
    const late = at(minutes(62) + 1);

    expect(ids(settled({ open: [active], drift: "repair", now: late }).repaired)).toEqual([active.id]);
    expect(settled({ open: [aLeasedRequest({ written: null })], drift: "repair" })).toMatchObject({
      repaired: [],
      drifted: [
        { message: expect.stringMatching(/; the worker does not restore it: no sealed record says what it gave$/) },
      ],
    });
  });

  test("that one refused lease does not delay the others of the same run", () => {
    const good = anApprovedRequest({ id: "r-good" });
    const account = "arn:aws:iam::111122223333:user/second";
    const double = anApprovedRequest(
      { id: "r-bad", principal: account },
      { base: { username: "eks-access:someone", groups: ["b"] } },
    );

    const { leased, refused, data } = settled({
      open: [good, double],
      mapUsers: `${entry(account, "a")}${entry(account.replace("second", "SECOND"), "b")}`,
    });

    expect([...ids(leased), ...ids(refused.map((each) => each.request))].toSorted()).toEqual(["r-bad", "r-good"]);
    expect(leased).toContainEqual(expect.objectContaining({ id: "r-good" }));
    expect(data.mapUsers).toContain(engineerArn);
  });

  test("that leases which can't begin delay no end, whether of their own principal or for want of room together", () => {
    const over = { ...aLeasedRequest({}, { id: "r-over", groups: ["eks-access:admins"] }), durationSeconds: 60 };
    const end = remembered(over);
    const shares = end.shares.map((share) => ({ ...share, endsAt: at(minutes(1)).toISOString() }));
    const ended = { mapUsers: entry(engineerArn, "eks-access:admins"), holdings: [{ ...end, shares }] };
    const base = { username: "eks-access:someone", groups: ["b"] };
    const twice = `${ended.mapUsers}${entry(engineerArn.replace("engineer", "ENGINEER"), "b")}`;
    const ambiguous = anApprovedRequest({ id: "r-new" }, { base });
    const many = ["one", "two", "three"].map((name) =>
      anApprovedRequest({ id: `r-${name}`, principal: `arn:aws:iam::111122223333:user/${name}` }),
    );
    const almostFull = `${admins}#${"x".repeat(DOCUMENT_LIMIT - admins.length - ended.mapUsers.length - 200)}\n`;

    const own = settled({ ...ended, open: [ambiguous, over], mapUsers: twice });
    const together = settled({ ...ended, open: [...many, over], mapRoles: almostFull });

    expect([own, together].map(({ ending, stuck }) => [ids(ending), stuck])).toEqual([
      [["r-over"], []],
      [["r-over"], []],
    ]);
    expect(own.refused).toMatchObject([{ request: { id: "r-new" }, refusal: { code: "entry-ambiguous" } }]);
    expect(ids(together.leased)).toEqual(["r-one"]);
    expect(together.refused).toMatchObject([
      { request: { id: "r-two" }, refusal: { code: "document-too-large" } },
      { request: { id: "r-three" }, refusal: { code: "document-too-large" } },
    ]);
  });

  test("that an approval is void where the principal has got another entry since", () => {
    const { voided, leased } = settled({ open: [anApprovedRequest()], mapUsers: entry(engineerArn, "developers") });

    expect(leased).toEqual([]);
    expect(voided).toMatchObject([
      { message: "the request, the policy, the principal's entry or a role's rights are not what was approved" },
    ]);
  });

  test("that the end is the one that the cluster remembers, whatever the record says", () => {
    const request = aLeasedRequest({});
    const late = { ...request, durationSeconds: hours(100) };
    const share = { ...remembered(request).shares[0], endsAt: at(minutes(4)).toISOString() };

    const { ending, data } = settled({
      open: [late],
      mapUsers: entry(engineerArn, '"eks-access:viewers"'),
      holdings: [{ ...remembered(request), shares: [share as Holding["shares"][number]] }],
    });

    expect(ids(ending)).toEqual([request.id]);
    expect(data.mapUsers ?? "").not.toContain(engineerArn);
  });

  test("that a share of a lost ledger stays until its end, and not a moment longer", () => {
    const lost = remembered(aLeasedRequest({}));
    const given = { open: [], mapUsers: entry(engineerArn, '"eks-access:viewers"'), holdings: [lost] };

    const during = settled({ ...given, now: at(hours(1)) });
    const after = settled({ ...given, now: at(hours(5)) });

    expect(during.data.mapUsers).toContain(engineerArn);
    expect(after.data.mapUsers ?? "").not.toContain(engineerArn);
    expect(after.holdings).toEqual([]);
  });

  test("that a share whose request is over in the ledger goes at once", () => {
    const request = aLeasedRequest({});

    const { data } = settled({
      open: [],
      closed: [request.id],
      mapUsers: entry(engineerArn, '"eks-access:viewers"'),
      holdings: [remembered(request)],
    });

    expect(data.mapUsers ?? "").not.toContain(engineerArn);
  });

  test("that a part which a person removed is only reported, unless the cluster says repair", () => {
    const request = aLeasedRequest({});
    const given = { open: [request], holdings: [remembered(request)] };

    const told = settled(given);
    const repaired = settled({ ...given, drift: "repair" });

    expect(told.drifted).toMatchObject([
      { message: `the entry of ${engineerArn} is gone; the cluster does not say who removed it` },
    ]);
    expect(told.data.mapUsers).toBeUndefined();
    expect(ids(repaired.repaired)).toEqual([request.id]);
    expect(repaired.data.mapUsers).toContain(engineerArn);
  });

  test("that a lease ends though another one of its user can't be restored, as chance picks one of two entries", () => {
    const over = { ...aLeasedRequest({}, { id: "r-over", groups: ["eks-access:admins"] }), durationSeconds: 60 };
    const active = aLeasedRequest({}, { id: "r-active" });
    const [end, stays] = [remembered(over), remembered(active)];
    const ended = end.shares.map((share) => ({ ...share, endsAt: at(minutes(1)).toISOString() }));
    const holding = { ...stays, added: [...end.added, ...stays.added], shares: [...stays.shares, ...ended] };
    const theirs =
      "- userarn: arn:aws:iam::111122223333:user/Engineer\n  username: theirs\n  groups: [eks-access:admins, x]\n";

    const { ending, stuck, drifted, repaired, data, holdings } = settled({
      open: [active, over],
      mapUsers: `${entry(engineerArn, "eks-access:admins, eks-access:viewers")}${theirs}`,
      holdings: [holding],
      drift: "repair",
    });

    expect([ids(ending), stuck, repaired]).toEqual([["r-over"], [], []]);
    expect(drifted).toMatchObject([
      { request: { id: "r-active" }, message: expect.stringContaining("one counts, at random") },
    ]);
    expect(data.mapUsers).toBe(
      `${entry(engineerArn, "eks-access:viewers")}${theirs.replace("eks-access:admins, ", "")}`,
    );
    expect(holdings).toMatchObject([{ added: ["eks-access:viewers"], shares: [{ id: "r-active" }] }]);
  });

  test("that a lease whose part is gone is remembered to its end, whatever comes to its principal meanwhile", () => {
    const gone = aLeasedRequest({}, { id: "r-gone", groups: ["eks-access:viewers", "eks-access:debuggers"] });
    const ending = { ...aLeasedRequest({}, { id: "r-ending", groups: ["eks-access:admins"] }) };
    const over = { ...ending, durationSeconds: 60 };
    const shares = [
      ...remembered(gone).shares,
      { ...remembered(over).shares[0], endsAt: at(minutes(1)).toISOString() },
    ];
    const added = [...over.groups, ...gone.groups].toSorted();
    const given = {
      open: [gone, over],
      holdings: [{ ...remembered(gone), added, shares: shares as Holding["shares"] }],
    };
    const { entryAdded } = remembered(gone);

    const whole = settled(given);
    const half = settled({ ...given, mapUsers: entry(engineerArn, '"eks-access:admins", "eks-access:viewers"') });

    for (const { drifted, ending, holdings } of [whole, half]) {
      expect(ids(drifted.map((each) => each.request))).toEqual(["r-gone"]);
      expect(ids(ending)).toEqual(["r-ending"]);
      expect(holdings).toMatchObject([{ entryAdded, added: gone.groups.toSorted(), shares: [{ id: "r-gone" }] }]);
    }
    expect(whole.data.mapUsers).toBeUndefined();
    expect(half.data.mapUsers).toBe(entry(engineerArn, '"eks-access:viewers"'));
  });

  test("that a lease whose annotation was stripped is written into it again, and the entry is not touched", () => {
    const request = aLeasedRequest({});
    const holding = remembered(request);
    const mapUsers = entry(engineerArn, '"eks-access:viewers"');
    const active = {
      ...request,
      lease: request.lease && {
        ...request.lease,
        written: sealWritten(sealedClusterOf(aCluster()), request, holding, keys.memory, "aws-auth"),
      },
    };

    const { data, holdings } = settled({ open: [active], mapUsers, holdings: [holding], lost: new Set([engineerArn]) });

    expect(data.mapUsers).toBe(mapUsers);
    expect(holdings).toMatchObject([{ shares: [{ id: request.id }] }]);
  });

  test("that what the annotation has no room for is refused, and the rest is leased", () => {
    const open = Array.from({ length: 1200 }, (_, index) =>
      anApprovedRequest({ id: `r-${index}`, principal: `arn:aws:iam::111122223333:user/engineer-${index}` }),
    );

    const { leased, refused } = settled({ open });

    expect(leased.length).toBeGreaterThan(500);
    expect(leased.length + refused.length).toBe(1200);
    expect(refused[0]?.refusal.code).toBe("annotation-full");
  });

  test("that others' annotations leave less room, and the refusal names who fills it", () => {
    const open = Array.from({ length: 60 }, (_, index) =>
      anApprovedRequest({ id: `r-${index}`, principal: `arn:aws:iam::111122223333:user/engineer-${index}` }),
    );
    const annotations = { "kubectl.kubernetes.io/last-applied-configuration": "x".repeat(236 * 1024) };

    const { leased, refused } = settled({ open, annotations });

    expect(leased.length).toBeGreaterThan(5);
    expect(leased.length).toBeLessThan(30);
    expect(refused[0]?.refusal.message).toMatch(
      /: others' annotations take \d+ of 262144 bytes, kubectl\.kubernetes\.io\/last-applied-configuration alone \d+\. Ask again/,
    );
  });

  describe("an end beside another entry of the same person, which others made meanwhile", () => {
    const request = aLeasedRequest({});
    const given = { open: [request], now: at(hours(5)) };
    const theirs = `- userarn: ${engineerArn}\n  username: alice\n  groups: [team]\n`;
    const ofOtherCase = theirs.replace("user/engineer", "user/Engineer");
    const ours = entry(engineerArn, '"eks-access:viewers"');

    test.each([
      ["before ours, which hides it", theirs + ours, theirs],
      ["after ours, which it hides", ours + theirs, theirs],
      ["in another case before ours", ofOtherCase + ours, ofOtherCase],
      ["in another case after ours", ours + ofOtherCase, ofOtherCase],
    ])("removes ours alone: %s", (_, mapUsers, left) => {
      const { ending, holdings, data } = settled({ ...given, mapUsers, holdings: [remembered(request)] });

      expect([ids(ending), holdings]).toEqual([[request.id], []]);
      expect(data.mapUsers).toBe(left);
    });

    test.each([
      ["hides", theirs],
      ["may hide", ofOtherCase],
    ])("removes our group alone from the entry that it %s", (_, other) => {
      const base = theirs.replace("alice", "dev");
      const holding = { ...remembered(request), entryAdded: false };
      const mapUsers = base.replace("[team]", '[team, "eks-access:viewers"]') + other;

      const { ending, holdings, data } = settled({ ...given, mapUsers, holdings: [holding] });

      expect([ids(ending), holdings]).toEqual([[request.id], []]);
      expect(data.mapUsers).toBe(base + other);
    });

    test("leaves an entry of theirs, which ours hides, the same group", () => {
      const hidden = theirs.replace("[team]", "[old, eks-access:viewers]");
      const holding = { ...remembered(request), entryAdded: false, beside: ["team"] };
      const mapUsers = hidden + theirs.replace("[team]", '[team, "eks-access:viewers"]');

      const { data } = settled({ ...given, mapUsers, holdings: [holding] });

      expect(data.mapUsers).toBe(hidden + theirs);
    });

    test("leaves a dead one of before the lease even the same groups, and takes ours from a copy of later", () => {
      const counts = theirs.replace("alice", "eks-access:theirs");
      const dead = counts.replace("[team]", "[team, eks-access:viewers]");
      const base = { username: "eks-access:theirs", groups: ["team"] };
      const begun = settled({ open: [anApprovedRequest({}, { base })], mapUsers: dead + counts });
      const ended = (mapUsers = "") => settled({ ...given, mapUsers, holdings: begun.holdings }).data.mapUsers;

      expect(ended(begun.data.mapUsers)).toBe(dead + counts);
      expect(ended(begun.data.mapUsers + dead)).toBe(dead + counts + counts);
    });

    test("takes ours from a copy, although another lease of the person began after the copy", () => {
      const first = aLeasedRequest({}, { id: "r-first" });
      const holding = remembered(first, { entryAdded: false, beside: ["team"] });
      const withOurs = theirs.replace("[team]", '[team, "eks-access:viewers"]');
      const both = { open: [first, anEmergency()], cluster: anEmergencyCluster(), holdings: [holding] };

      const begun = settled({ ...both, mapUsers: withOurs + withOurs });
      const { mapUsers = "" } = begun.data;
      const ended = settled({ open: [first], now: at(hours(5)), mapUsers, holdings: begun.holdings });

      expect(mapUsers).toContain('[team, "eks-access:viewers", "eks-access:admins"]');
      expect([ended.data.mapUsers, ended.holdings]).toEqual([theirs + theirs, []]);
    });

    test("takes ours from an entry that theirs hides since, although another lease of the person began in theirs", () => {
      const first = aLeasedRequest({}, { id: "r-first" });
      const holding = remembered(first, { entryAdded: false, beside: ["team"] });
      const hides = theirs.replace("[team]", "[other]");
      const both = { open: [first, anEmergency()], cluster: anEmergencyCluster(), holdings: [holding] };

      const begun = settled({ ...both, mapUsers: theirs.replace("[team]", '[team, "eks-access:viewers"]') + hides });
      const { mapUsers = "" } = begun.data;
      const ended = settled({ open: [first], now: at(hours(5)), mapUsers, holdings: begun.holdings });

      expect(mapUsers).toContain('[other, "eks-access:admins"]');
      expect([ended.data.mapUsers, ended.holdings]).toEqual([theirs + hides, []]);
    });

    test("removes a copy of ours whole: an older one would bring back a group of a lease that ended", () => {
      const older = ours.replace("]", ', "eks-access:admins"]');

      const { data } = settled({ ...given, mapUsers: older + ours, holdings: [remembered(request)] });

      expect(data.mapUsers).toBeUndefined();
    });
  });

  test("that the end of a lease is not refused because it had made the only administrator", () => {
    const request = aLeasedRequest({}, { groups: ["system:masters"] });
    const mapUsers = entry(engineerArn, "system:masters");

    const { ending, data } = settled({
      mapRoles: "",
      open: [request],
      mapUsers,
      holdings: [remembered(request)],
      now: at(hours(5)),
    });

    expect(ids(ending)).toEqual([request.id]);
    expect(data.mapUsers ?? "").not.toContain(engineerArn);
  });

  test("no lease where the ConfigMap is being deleted, which says so, and whatever ends there all the same", () => {
    const revoked = { cause: "revoked" as const, by: "U0APPROVER", at: at(minutes(4)).toISOString(), why: "" };
    const lease = aLeasedRequest({ end: revoked }, { id: "r-2" });
    const deletion = { deletionTimestamp: at(minutes(1)).toISOString(), finalizers: ["example.com/keep"] };

    const { leased, refused, ending, data } = settled({
      ...{
        open: [anApprovedRequest({ principal: "arn:aws:iam::111122223333:user/other" }), lease],
        holdings: [remembered(lease)],
        deletion,
      },
      mapUsers: entry(engineerArn, "eks-access:viewers"),
    });

    expect(leased).toEqual([]);
    expect(refused).toMatchObject([{ request: { id: "r-1" }, refusal: { code: "document-being-deleted" } }]);
    expect(refused[0]?.refusal.message).toContain("waits for its finalizers example.com/keep");
    expect(ids(ending)).toEqual(["r-2"]);
    expect(data.mapUsers ?? "").not.toContain(engineerArn);
  });

  test("a refusal of bounded length where people keep the deleted ConfigMap by thousands of finalizers", () => {
    const finalizers = Array.from({ length: 5_000 }, (_, index) => `example.com/keep-${index}`);
    const deletion = { deletionTimestamp: at(minutes(1)).toISOString(), finalizers };

    const { refused } = settled({ open: [anApprovedRequest({})], holdings: [], deletion });

    expect(refused[0]?.refusal.message).toMatch(/finalizers example.com\/keep-0, .{1,600}recreate it\.$/);
  });

  test("nothing, where another tool owns the document, which loses only what ends", () => {
    const revoked = { cause: "revoked" as const, by: "U0APPROVER", at: at(minutes(4)).toISOString(), why: "" };
    const lease = aLeasedRequest({ end: revoked }, { id: "r-2" });
    const lost = aLeasedRequest({}, { id: "r-3", principal: "arn:aws:iam::111122223333:user/lost" });

    const { leased, refused, ending, drifted, repaired, data } = settled({
      ...{
        open: [anApprovedRequest({ principal: "arn:aws:iam::111122223333:user/other" }), lease, lost],
        holdings: [remembered(lease), remembered(lost)],
        cluster: aCluster({ owner: "terraform", drift: "repair" }),
      },
      mapUsers: entry(engineerArn, "eks-access:viewers"),
    });

    expect(leased).toEqual([]);
    expect(refused).toMatchObject([{ request: { id: "r-1" }, refusal: { code: "document-owned" } }]);
    expect(ids(ending)).toEqual(["r-2"]);
    expect([ids(drifted.map(({ request }) => request)), repaired]).toEqual([["r-3"], []]);
    expect(data.mapUsers ?? "").not.toContain(engineerArn);
  });

  test("nothing, where a section can't be read", () => {
    const mapUsers = "- userarn: [";

    const { refusal, leased, refused, data } = settling({ open: [anApprovedRequest()], mapUsers });

    expect(refusal).toMatchObject({ code: expect.stringMatching(/./) });
    expect(leased).toEqual([]);
    expect(ids(refused.map(({ request }) => request))).toEqual(["r-1"]);
    expect(data).toEqual({});
  });

  test("and nothing ends or comes back, where sections can't be read: all of it stays on record", () => {
    const over = {
      state: "active",
      end: { cause: "revoked", by: "U0APPROVER", at: at(0).toISOString(), why: "" },
    } as const;
    const open = [
      aLeasedRequest(over, { id: "r-1" }),
      aLeasedRequest({ state: "active" }, { id: "r-2", principal: `${engineerArn}-2` }),
    ];

    const { ending, stuck, drifted, repaired } = settling({
      open,
      mapUsers: "- userarn: [",
      cluster: aCluster({ drift: "repair" }),
    });

    expect([ids(ending), ids(stuck.map(({ request }) => request))]).toEqual([[], ["r-1"]]);
    expect([ids(drifted.map(({ request }) => request)), ids(repaired)]).toEqual([["r-2"], []]);
  });
});

describe("what the cluster remembers to be taken back", () => {
  const approvedAt = at(minutes(2)).toISOString();
  const gone = { list: [{ id: "r-1", at: approvedAt, endsAt: at(hours(4)).toISOString() }], notBefore: null };

  test("leaves, although a record of before says that it arrives", () => {
    const { leased, ending, data } = settled({ open: [anApprovedRequest()], withdrawals: gone });

    expect(leased).toEqual([]);
    expect(ids(ending)).toEqual(["r-1"]);
    expect(data.mapUsers).toBeUndefined();
  });

  test("is removed after a loss of the ledger, even if that was impossible before", () => {
    const { data, holdings } = settled({
      open: [],
      mapUsers: entry(engineerArn, '"eks-access:viewers"'),
      holdings: [remembered(aLeasedRequest({}))],
      withdrawals: gone,
    });

    expect(data.mapUsers ?? "").not.toContain(engineerArn);
    expect(holdings).toEqual([]);
  });

  test("is given again by a newer approval, and forgotten then", () => {
    const older = { list: [{ ...gone.list[0], at: at(minutes(1)).toISOString() }], notBefore: null } as Withdrawals;

    const { leased, withdrawals } = settled({ open: [anApprovedRequest()], withdrawals: older });

    expect(ids(leased)).toEqual(["r-1"]);
    expect(withdrawals).toEqual(noWithdrawals);
  });

  test("may be more than it has room for: an approval as old as that is void, and is asked for again", () => {
    const { voided, leased } = settled({
      open: [anApprovedRequest()],
      withdrawals: { list: [], notBefore: approvedAt },
    });

    expect(leased).toEqual([]);
    expect(voided).toMatchObject([{ message: "it is older than the revocations that staging remembers" }]);
  });

  test("does not touch a lease whose share it remembers, however old", () => {
    const request = aLeasedRequest({});
    const given = { mapUsers: entry(engineerArn, '"eks-access:viewers"'), holdings: [remembered(request)] };

    const { complete } = settled({
      ...given,
      open: [request],
      withdrawals: { list: [], notBefore: at(hours(1)).toISOString() },
    });

    expect(ids(complete)).toEqual(["r-1"]);
  });

  test("hears of a revocation also where the annotation has no room for another lease", () => {
    const open = Array.from({ length: 60 }, (_, index) =>
      anApprovedRequest({ id: `r-${index}`, principal: `arn:aws:iam::111122223333:user/engineer-${index}` }),
    );
    const annotations = { others: "x".repeat(236 * 1024) };
    const { leased, refused, holdings, data } = settled({ open, annotations });
    const end = { cause: "revoked", by: "U0APPROVER", at: at(minutes(5)).toISOString(), why: "" } as const;
    const [first] = leased.map((request) => aLeasedRequest({ end }, { id: request.id, principal: request.principal }));

    const after = settled({ open: first ? [first] : [], holdings, mapUsers: data.mapUsers ?? "", annotations });

    expect(refused[0]?.refusal.code).toBe("annotation-full");
    expect(after.withdrawals.list).toMatchObject([{ id: first?.id }]);
    expect(after.data.mapUsers).not.toContain(`"${first?.principal}"`);
  });
});

describe("permanent access", () => {
  const rule = { ...clusterRule, name: "for good", permanent: true };
  const cluster = aCluster({ rules: [rule] });
  const request = anApprovedRequest({ durationSeconds: permanentSeconds }, { cluster });

  test("is a lease of a hundred years, on the cluster too, so that it is found again and can be removed", () => {
    const { leased, holdings } = settled({ open: [request], cluster });

    expect(ids(leased)).toEqual(["r-1"]);
    expect(holdings[0]?.shares[0]?.endsAt).toBe("2126-02-05T09:02:00.000Z");
  });

  test("is void where the rule does not allow it any more", () => {
    const { leased, voided } = settled({
      open: [request],
      cluster: aCluster({ rules: [{ ...rule, permanent: false }] }),
    });

    expect(leased).toEqual([]);
    expect(voided).toMatchObject([{ message: "viewer on staging lasts at most 8h." }]);
  });
});
