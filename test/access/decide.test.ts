import { describe, expect, test } from "vitest";
import type { Click } from "../../src/access/approvals.ts";
import { decideClick } from "../../src/access/decide.ts";
import { aCluster } from "../builders/a-cluster.ts";
import { anApprovedRequest, aPreviewedRequest, aRequest } from "../builders/a-request.ts";
import { keys } from "../builders/keys.ts";
import { at, hours, minutes } from "../builders/times.ts";

const request = aPreviewedRequest();
const digest = request.preview?.digest ?? "";

function aClick(change: Partial<Click> = {}): Click {
  return { verdict: "approved", by: "U0APPROVER", digest, why: "", ...change };
}

test.each(["approved", "denied"] as const)("a click of an approver decides: %s, sealed for this request", (verdict) => {
  const click = aClick({ verdict, why: "as agreed" });

  const decided = decideClick(request, aCluster(), click, keys.decision, at(minutes(2)));

  expect(decided).toMatchObject({
    type: "decided",
    decision: { verdict, by: "U0APPROVER", at: "2026-03-01T09:02:00.000Z", digest, why: "as agreed" },
  });
  if (decided.type !== "decided") return;
  const { seal, ...unsealed } = decided.decision;
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
