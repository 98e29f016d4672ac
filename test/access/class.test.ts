import { expect, test } from "vitest";
import { classOf, countStates } from "../../src/access/lists.ts";
import { aLeasedRequest, aRequest } from "../builders/a-request.ts";

test("a record counts as its own state, with that of its lease, and what ended it", () => {
  const end = { cause: "revoked", by: "U0ONCALL", at: "2026-03-01T10:00:00.000Z", why: "" } as const;

  expect(classOf(aRequest({ state: "expired" }))).toBe("expired");
  expect(classOf(aLeasedRequest({ state: "active" }))).toBe("approved/active");
  // An end that is only decided is not done yet.
  expect(classOf(aLeasedRequest({ state: "active", end }))).toBe("approved/active");
  expect(classOf(aLeasedRequest({ state: "ended", end }))).toBe("approved/ended/revoked");
});

test("every state is counted, also with 0, and a leased request is among the approved ones", () => {
  const { requests, leases } = countStates(
    new Map([
      ["pending", 3],
      ["approved", 1],
      ["approved/active", 2],
      ["approved/failed", 4],
    ]),
  );

  expect(Object.fromEntries(requests)).toEqual({
    pending: 3,
    approved: 7,
    denied: 0,
    cancelled: 0,
    expired: 0,
    refused: 0,
  });
  expect(Object.fromEntries(leases)).toEqual({
    scheduled: 0,
    active: 2,
    "ended/expired": 0,
    "ended/revoked": 0,
    "ended/replayed": 0,
    "ended/cluster-gone": 0,
    failed: 4,
  });
});
