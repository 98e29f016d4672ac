import { describe, expect, test } from "vitest";
import {
  provedShare,
  refuseMovedName,
  sealPlace,
  sealWritten,
  withLedgerMemory,
} from "../../../src/access/lease/holding.ts";
import type { Lease, Share, WrittenShare } from "../../../src/access/lease/lease-record.ts";
import { type Cluster, clusterArnOf, sealedClusterOf } from "../../../src/access/policy/cluster.ts";
import type { AccessRequest } from "../../../src/access/record.ts";
import type { MemoryKeys } from "../../../src/access/seal.ts";
import { aCluster } from "../../builders/a-cluster.ts";
import { aLeasedRequest, engineerArn } from "../../builders/a-request.ts";
import { aHolding, aShare } from "../../builders/a-share.ts";
import { keys, otherKeys } from "../../builders/keys.ts";

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
