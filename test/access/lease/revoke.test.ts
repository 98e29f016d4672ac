import { describe, expect, test } from "vitest";
import { closeForGoneCluster, judgeCancel, judgeRevoke, restOfAccess } from "../../../src/access/lease/revoke.ts";
import type { AccessRequest } from "../../../src/access/record.ts";
import { isClosed } from "../../../src/access/request.ts";
import { aCluster } from "../../builders/a-cluster.ts";
import { aLeasedRequest, anApprovedRequest, aPreviewedRequest, aRequest } from "../../builders/a-request.ts";
import { aTrouble } from "../../builders/a-trouble.ts";
import { at, hours } from "../../builders/times.ts";

const cluster = aCluster({ onCall: ["U0ONCALL"] });
const active = aLeasedRequest({ state: "active" });
const now = at(hours(1));
const personOf = (user: string) => ({ user, memberships: [] });

test.each([
  ["a chain", null],
  ["a circle", "r-4999"],
])("%s of five thousand forged extensions keeps no one from revoking", (_, first) => {
  const open = Array.from({ length: 5_000 }, (_, index) => ({
    ...active,
    id: `r-${index}`,
    extends: index === 0 ? first : `r-${index - 1}`,
  }));
  const [revoked = active] = open;

  expect(new Set(restOfAccess(revoked, open)).size).toBe(4_999);
});

test("revoking a lease revokes those that extend it and it extends, but none that is ending already", () => {
  const end = { cause: "revoked", by: "U0ONCALL", at: now.toISOString(), why: "" } as const;
  const lease = (id: string, before: string | null) => ({ ...active, id, extends: before });
  const ending = { ...aLeasedRequest({ state: "active", end }), id: "r-ending", extends: "r-2" };
  const open = [
    lease("r-1", null),
    lease("r-2", "r-1"),
    lease("r-3", "r-2"),
    ending,
    aPreviewedRequest({ extends: "r-2" }),
  ];
  const [, revoked = active] = open;

  expect(restOfAccess(revoked, open).map(({ id }) => id)).toEqual(["r-1", "r-3"]);
});

test("revoking an extension revokes the lease's other extensions too, also once that lease is over", () => {
  const extension = (id: string, before: string) => ({ ...active, id, extends: before });
  const revoked = extension("r-2", "r-1");
  const open = [revoked, extension("r-3", "r-1"), extension("r-4", "r-3"), extension("r-6", "r-5")];

  expect(restOfAccess(revoked, open).map(({ id }) => id)).toEqual(["r-3", "r-4"]);
});

describe("a lease is revoked", () => {
  test("by its requester under the id that the record has, if they have another one by now", () => {
    const person = { user: "W0ENGINEER", memberships: ["U0ENGINEER"] };

    expect(judgeRevoke(active, cluster, person, "", now)).toMatchObject({
      after: { lease: { end: { by: "U0ENGINEER" } } },
    });
  });

  test.each(["U0ENGINEER", "U0APPROVER", "U0ONCALL"])("by %s, with who, when and why", (by) => {
    const verdict = judgeRevoke(active, cluster, personOf(by), "incident 42", now);

    expect(verdict).toMatchObject({
      type: "decided",
      after: {
        version: active.version + 1,
        lease: { state: "active", end: { cause: "revoked", by, at: now.toISOString(), why: "incident 42" } },
      },
    });
  });

  test("also before its first write, and a delayed try does not count any more", () => {
    const verdict = judgeRevoke(
      { ...anApprovedRequest(), trouble: aTrouble() },
      cluster,
      personOf("U0ONCALL"),
      "",
      now,
    );

    expect(verdict).toMatchObject({ type: "decided", after: { trouble: null, lease: { end: { by: "U0ONCALL" } } } });
  });
});

describe("a lease is not revoked", () => {
  test.each<[string, AccessRequest, string, string]>([
    ["by somebody else", active, "U0STRANGER", "not-yours"],
    ["by nobody", active, "", "not-yours"],
    [
      "twice",
      aLeasedRequest({ state: "active", end: { cause: "revoked", by: "U1", at: "", why: "" } }),
      "U0ONCALL",
      "ending-already",
    ],
    ["after its end", aLeasedRequest({ state: "ended" }), "U0ONCALL", "not-active"],
    ["after it failed", aLeasedRequest({ state: "failed" }), "U0ONCALL", "not-active"],
    ["before it was approved", aPreviewedRequest(), "U0ONCALL", "not-active"],
  ])("%s", (_, request, by, code) => {
    expect(judgeRevoke(request, cluster, personOf(by), "", now)).toEqual({ type: "refused", code });
  });
});

describe("a request is cancelled", () => {
  test("by the person who made it", () => {
    const request = aRequest({ trouble: aTrouble() });

    const verdict = judgeCancel(request, personOf("U0ENGINEER"));

    expect(verdict).toEqual({ type: "decided", after: { ...request, state: "cancelled", trouble: null, version: 2 } });
  });

  test.each<[string, AccessRequest, string, string]>([
    ["not by an approver", aPreviewedRequest(), "U0APPROVER", "not-yours"],
    ["not after it was approved", active, "U0ENGINEER", "not-pending"],
    ["not twice", aRequest({ state: "cancelled" }), "U0ENGINEER", "not-pending"],
  ])("%s", (_, request, by, code) => {
    expect(judgeCancel(request, personOf(by))).toEqual({ type: "refused", code });
  });
});

const closing = { by: "U0ONCALL", why: "the project ended", seen: true };
const closed = (request: Parameters<typeof closeForGoneCluster>[0], seen = true) =>
  closeForGoneCluster(request, { ...closing, isConfirmedByAws: seen }, at(60));

test("closing the open requests of a deleted cluster records who and why, and does not claim that access was removed", () => {
  const [waiting, coming, active] = [
    closed(aRequest()),
    closed(aLeasedRequest({ state: "scheduled" })),
    closed(aLeasedRequest({ state: "active" })),
  ];

  expect([waiting, coming, active].map(isClosed)).toEqual([true, true, true]);
  expect(waiting.refusal?.message).toContain("an operator closed it: the project ended");
  expect(coming.lease).toMatchObject({ state: "failed", failure: { code: "cluster-gone" } });
  expect(active.lease).toMatchObject({
    state: "ended",
    end: { cause: "cluster-gone", by: "U0ONCALL", why: "EKS does not know it: the project ended" },
    endedAt: at(60).toISOString(),
  });
});

test("a close without a question to EKS says so", () => {
  expect(closed(aLeasedRequest({ state: "active" }), false).lease?.end?.why).toBe(
    "EKS was not asked: the project ended",
  );
});
