import { expect, test } from "vitest";
import { closeForGoneCluster } from "../../../src/access/lease/revoke.ts";
import { isClosed } from "../../../src/access/request.ts";
import { aLeasedRequest, aRequest } from "../../builders/a-request.ts";
import { at } from "../../builders/times.ts";

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
  expect(waiting.refusal?.message).toContain("U0ONCALL closed this request: the project ended");
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
