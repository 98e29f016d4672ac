import { describe, expect, test } from "vitest";
import {
  baseOf,
  changeInDocument,
  entryTarget,
  mergeMemory,
  provedShare,
  refuseMovedName,
  sealPlace,
  sealWritten,
  withLedgerMemory,
} from "../../../src/access/lease/holding.ts";
import type { Lease, MappedIdentity, Share, WrittenShare } from "../../../src/access/lease/lease-record.ts";
import { noWithdrawals } from "../../../src/access/lease/withdrawal.ts";
import { type Cluster, clusterArnOf, sealedClusterOf } from "../../../src/access/policy/cluster.ts";
import type { AccessRequest } from "../../../src/access/record.ts";
import type { MemoryKeys } from "../../../src/access/seal.ts";
import { aCluster } from "../../builders/a-cluster.ts";
import { aLeasedRequest, engineerArn as arn, engineerArn } from "../../builders/a-request.ts";
import { aHolding, aShare } from "../../builders/a-share.ts";
import { keys, otherKeys } from "../../builders/keys.ts";
import { at, hours } from "../../builders/times.ts";

const username = "eks-access:111122223333:engineer";
const viewers = aShare();
const admins = aShare({ id: "r-2", groups: ["eks-access:admins"] });

/** The entry that a target leaves in the document. */
function entryAfter({ change }: ReturnType<typeof entryTarget>): MappedIdentity | null {
  return change.type === "unmap" ? null : { username: change.username, groups: change.groups };
}

describe("a lease", () => {
  test("for a principal without an entry adds one, which is ours", () => {
    const target = entryTarget(arn, null, undefined, [viewers], username);

    expect(target).toEqual({
      change: { type: "map", arn, username, groups: ["eks-access:viewers"] },
      holding: { arn, entryAdded: true, added: ["eks-access:viewers"], shares: [viewers] },
    });
  });

  test("for a principal with an entry keeps its username and its groups, in their order", () => {
    const entry = { username: "dev", groups: ["z", "a"] };

    const target = entryTarget(arn, entry, undefined, [viewers], username);

    expect(entryAfter(target)).toEqual({ username: "dev", groups: ["z", "a", "eks-access:viewers"] });
    expect(target.holding).toMatchObject({ entryAdded: false, added: ["eks-access:viewers"] });
  });

  test("of what the entry already has adds nothing that an end could remove", () => {
    const entry = { username: "dev", groups: ["eks-access:viewers"] };

    const target = entryTarget(arn, entry, undefined, [viewers], username);

    expect(entryAfter(target)).toEqual(entry);
    expect(target.holding).toMatchObject({ added: [], shares: [viewers] });
  });
});

describe("leases that overlap", () => {
  const first = entryTarget(arn, null, undefined, [viewers], username);
  const both = entryTarget(arn, entryAfter(first), first.holding ?? undefined, [viewers, admins], username);

  test("give the union of their groups", () => {
    expect(entryAfter(both)?.groups).toEqual(["eks-access:viewers", "eks-access:admins"]);
  });

  test("end apart: the end of one leaves the other's groups", () => {
    const rest = entryTarget(arn, entryAfter(both), both.holding ?? undefined, [admins], username);

    expect(entryAfter(rest)).toEqual({ username, groups: ["eks-access:admins"] });
    expect(rest.holding?.added).toEqual(["eks-access:admins"]);
    expect(changeInDocument(rest, both.holding ?? undefined)).toMatchObject({ isPartly: true });
    expect(changeInDocument(first, undefined)).toMatchObject({ isPartly: true });
  });

  test("with the same group keep it until the last of them ends", () => {
    const again = aShare({ id: "r-3" });
    const two = entryTarget(arn, entryAfter(first), first.holding ?? undefined, [viewers, again], username);

    const one = entryTarget(arn, entryAfter(two), two.holding ?? undefined, [again], username);
    const none = entryTarget(arn, entryAfter(one), one.holding ?? undefined, [], username);

    expect(entryAfter(one)?.groups).toEqual(["eks-access:viewers"]);
    expect(entryAfter(none)).toBeNull();
  });
});

describe("the end", () => {
  test("of an entry that is ours removes it, but not the groups that others added to it", () => {
    const foreign = { username, groups: ["eks-access:viewers", "from-terraform"] };

    const alone = entryTarget(arn, { username, groups: ["eks-access:viewers"] }, aHolding(), [], username);
    const shared = entryTarget(arn, foreign, aHolding(), [], username);

    expect(alone).toEqual({ change: { type: "unmap", arn }, holding: null });
    expect(entryAfter(shared)).toEqual({ username, groups: ["from-terraform"] });
  });

  test("of an entry of others takes our groups alone, also where that leaves it without groups", () => {
    const holding = aHolding({ entryAdded: false });

    const target = entryTarget(arn, { username: "dev", groups: ["eks-access:viewers"] }, holding, [], username);

    expect(entryAfter(target)).toEqual({ username: "dev", groups: [] });
  });

  test("of an entry that others removed meanwhile has nothing to do", () => {
    expect(entryAfter(entryTarget(arn, null, aHolding(), [], username))).toBeNull();
  });

  test.each([
    ["without groups, for a binding to its name", []],
    ["with the lease's group", ["eks-access:viewers"]],
  ])("keeps an entry that others made in the place of ours, %s", (_, groups) => {
    const target = entryTarget(arn, { username: "alice", groups }, aHolding(), [], username);

    expect(entryAfter(target)).toEqual({ username: "alice", groups: [] });
  });

  test("removes our entry too after others had a group in it for a while", () => {
    const withTheirs = { username, groups: ["eks-access:viewers", "theirs"] };
    const shares = [viewers, admins];
    const while_ = entryTarget(arn, withTheirs, aHolding(), shares, username);
    const withoutTheirs = { username, groups: ["eks-access:viewers", "eks-access:admins"] };

    const end = entryTarget(arn, withoutTheirs, while_.holding ?? undefined, [], username);

    expect(entryAfter(end)).toBeNull();
  });
});

describe("the base", () => {
  test("is the entry where nothing of it is ours", () => {
    const entry = { username: "dev", groups: ["a", "a", "b"] };

    expect(baseOf(entry, undefined)).toEqual(entry);
  });

  test("is nothing where there is no entry, or the whole entry is ours", () => {
    expect(baseOf(null, undefined)).toBeNull();
    expect(baseOf(null, aHolding())).toBeNull();
    expect(baseOf({ username, groups: ["eks-access:viewers"] }, aHolding())).toBeNull();
  });
});

describe("after a restore", () => {
  const [viewers, admins] = ["eks-access:viewers", "eks-access:admins"];
  const none = { holdings: [], withdrawals: noWithdrawals };
  const old = aHolding({ shares: [aShare({ id: "r-old" })] });
  const backup = { holdings: [old], withdrawals: noWithdrawals };

  test("restored groups are remembered as the backup has them", () => {
    expect(mergeMemory(none, backup, () => null).holdings).toEqual([old]);
  });

  test("groups from before the backup do not become ours", () => {
    expect(mergeMemory(none, backup, () => []).holdings).toEqual([]);
  });

  test("of an existing entry only the restored groups are ours, with their leases", () => {
    const shares = [aShare({ id: "r-view", groups: [viewers] }), aShare({ id: "r-admin", groups: [admins] })];
    const both = aHolding({ added: [admins, viewers], shares });

    expect(mergeMemory(none, { ...backup, holdings: [both] }, () => [admins]).holdings).toEqual([
      { ...both, entryAdded: false, added: [admins], shares: [shares[1]] },
    ]);
  });

  test("a lease with a part of its groups back is remembered, because that part has to go with it", () => {
    const both = aHolding({ added: [admins, viewers], shares: [aShare({ id: "r-old", groups: [admins, viewers] })] });

    expect(mergeMemory(none, { ...backup, holdings: [both] }, () => [admins]).holdings).toMatchObject([
      { added: [admins], shares: [{ id: "r-old" }] },
    ]);
  });

  test("the live memory stays, and its own lease wins over the backup's of the same id", () => {
    const share = aShare({ id: "r-old", endsAt: at(hours(9)).toISOString() });
    const live = aHolding({ arn: old.arn.toUpperCase(), added: [admins], shares: [share, aShare({ id: "r-new" })] });

    expect(mergeMemory({ ...none, holdings: [live] }, backup, () => null).holdings).toEqual([
      { ...live, added: [admins, viewers], shares: [share, aShare({ id: "r-new" })] },
    ]);
  });

  test.each([true, false])("an entry that is ours by the live memory: %s, stays so", (entryAdded) => {
    const live = aHolding({ entryAdded, shares: [aShare({ id: "r-new" })] });

    expect(mergeMemory({ ...none, holdings: [live] }, backup, () => [viewers]).holdings).toMatchObject([
      { entryAdded, shares: [{ id: "r-new" }, { id: "r-old" }] },
    ]);
  });

  test("both memories of withdrawals count", () => {
    const withdrawal = (id: string) => ({ id, at: at(0).toISOString(), endsAt: at(hours(1)).toISOString() });
    const of = (id: string, notBefore: string | null) => ({
      ...none,
      withdrawals: { list: [withdrawal(id)], notBefore },
    });

    expect(mergeMemory(of("r-1", null), of("r-2", at(1).toISOString()), () => null).withdrawals).toEqual({
      list: [withdrawal("r-1"), withdrawal("r-2")],
      notBefore: at(1).toISOString(),
    });
  });
});

const place = sealedClusterOf(aCluster());
const key = engineerArn.toLowerCase();
const active = aLeasedRequest({ state: "active" });
const written = sealedBy(keys.memory);

function sealedBy(memory: MemoryKeys): WrittenShare {
  return (
    sealWritten(place, active, aHolding(), memory, "aws-auth") ??
    expect.fail("The builder's holding has a share of it.")
  );
}

function remembering(change: Partial<Lease> = {}, request: Partial<AccessRequest> = {}): AccessRequest {
  return aLeasedRequest({ state: "active", written, ...change }, request);
}

test("the record of a lease has what the annotation lost", () => {
  const { holdings, lost } = withLedgerMemory(place, [], [remembering()], keys.memory);

  expect(holdings.get(key)).toEqual({
    arn: engineerArn,
    entryAdded: true,
    added: ["eks-access:viewers"],
    shares: [aShare()],
  });
  expect(lost).toEqual(new Set([key]));
});

test("what the annotation still has is not read from the record", () => {
  const annotated = [aHolding({ entryAdded: false, added: [] })];

  const { holdings, lost } = withLedgerMemory(place, annotated, [remembering()], keys.memory);

  expect([...holdings.values()]).toEqual(annotated);
  expect(lost.size).toBe(0);
});

test("a share that was lost alone is restored beside the others", () => {
  const other = aShare({ id: "r-2", groups: ["eks-access:admins"] });
  const annotated = [aHolding({ entryAdded: false, added: ["eks-access:admins"], shares: [other] })];

  const { holdings } = withLedgerMemory(place, annotated, [remembering()], keys.memory);

  expect(holdings.get(key)).toMatchObject({
    entryAdded: true,
    added: ["eks-access:admins", "eks-access:viewers"],
    shares: [{ id: "r-2" }, { id: "r-1" }],
  });
});

test("what a record restores is not in the next reading of the same annotation", () => {
  const other = aShare({ id: "r-2", groups: ["eks-access:admins"] });
  const annotated = [aHolding({ entryAdded: false, added: ["eks-access:admins"], shares: [other] })];
  withLedgerMemory(place, annotated, [remembering()], keys.memory);

  const { holdings, lost } = withLedgerMemory(place, annotated, [], keys.memory);

  expect([...holdings.values()]).toEqual(annotated);
  expect(lost.size).toBe(0);
});

test("of the groups of an entry a lease remembers only those that it gave itself", () => {
  const holding = aHolding({ added: ["eks-access:admins", "eks-access:viewers"] });

  expect(sealWritten(place, active, holding, keys.memory, "aws-auth")?.added).toEqual(["eks-access:viewers"]);
});

const sharing = (change: Partial<Share>): WrittenShare => ({ ...written, share: { ...written.share, ...change } });

test("the record's unsealed groups, duration and end do not count", () => {
  const edited = {
    ...remembering({ endsAt: "2076-01-01T00:00:00.000Z" }),
    groups: ["system:masters"],
    durationSeconds: 1e9,
  };

  expect(withLedgerMemory(place, [], [edited], keys.memory).holdings.get(key)?.shares).toEqual([aShare()]);
  expect(provedShare(place, new Map(), edited, keys.memory)).toEqual(aShare());
});

describe("a record is not trusted", () => {
  test.each<[string, AccessRequest]>([
    ["whose lease is not active", remembering({ state: "scheduled" })],
    ["that says nothing", remembering({ written: null })],
    ["that claims groups that were there before", remembering({ written: { ...written, added: ["system:masters"] } })],
    ["that claims an entry that was there before", remembering({ written: { ...written, entryAdded: false } })],
    // The builder would approve them anew, and other approvals alone are reason enough.
    ["of another principal", { ...remembering(), principal: "arn:aws:iam::111122223333:user/other" }],
    ["of another request", { ...remembering(), id: "r-9" }],
    ["of another cluster", { ...remembering(), cluster: "production" }],
    ["with other approvals", remembering({}, { approvals: [] })],
    ["that claims more for its share", remembering({ written: sharing({ groups: ["system:masters"] }) })],
    ["that claims a later end", remembering({ written: sharing({ endsAt: "2076-01-01T00:00:00.000Z" }) })],
    ["that claims the share of another request", remembering({ written: sharing({ id: "r-9" }) })],
    ["that stands there the other way", remembering({ written: { ...written, way: "access-entry" } })],
    ["that another installation sealed", remembering({ written: sealedBy(otherKeys.memory) })],
  ])("%s", (_, request) => {
    expect(withLedgerMemory(place, [], [request], keys.memory).holdings.size).toBe(0);
    expect(provedShare(place, new Map(), request, keys.memory)).toBeNull();
  });
});

test("a record that a worker sealed for a cluster does not count for the next cluster of that name", () => {
  const next = sealedClusterOf(aCluster({ account: "444455556666" }));

  const request = remembering();

  expect(withLedgerMemory(place, [], [request], keys.memory).holdings.size).toBe(1);
  expect(withLedgerMemory(next, [], [request], keys.memory).holdings.size).toBe(0);
  expect(provedShare(next, new Map(), request, keys.memory)).toBeNull();
});

test("only a worker's seal says that a lease was given in another cluster of the name", () => {
  const next = aCluster({ account: "444455556666" });
  const given = (sealedFor = remembering(), memory = keys.memory) =>
    remembering({ place: sealPlace(aCluster(), sealedFor, memory) });
  const forged = given(remembering(), otherKeys.memory);
  const refuse = (cluster: Cluster, request: AccessRequest) => () => refuseMovedName(cluster, [request], keys.memory);

  expect(refuse(next, given())).toThrow(`belongs to ${clusterArnOf(aCluster())}`);
  expect(refuse(aCluster(), given())).not.toThrow();
  expect(refuse(next, forged)).not.toThrow();
  expect(refuse(aCluster({ name: "prod" }), given())).not.toThrow();
  expect(refuse(next, given({ ...remembering(), id: "r-9" }))).not.toThrow();
});
