import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { AccessRequest } from "../../src/access/record.ts";
import { createRequest, dueAt, isClosed } from "../../src/access/request.ts";
import { needsEvent, nextTry } from "../../src/access/retry.ts";
import { aLeasedRequest, anApprovedRequest, aPreviewedRequest, aRequest, revise } from "../builders/a-request.ts";
import { aTrouble } from "../builders/a-trouble.ts";
import { at, hours, minutes } from "../builders/times.ts";

test("a new request is pending, of version 1, and expires when the configuration says", () => {
  const request = createRequest(aRequest(), at(0), hours(1));

  expect(request).toMatchObject({ state: "pending", version: 1, expiresAt: at(hours(1)).toISOString(), lease: null });
});

test("an extension expires with its end at the latest", () => {
  const early = createRequest(aRequest({ until: at(minutes(20)).toISOString() }), at(0), hours(1));
  const late = createRequest(aRequest({ until: at(hours(20)).toISOString() }), at(0), hours(1));

  expect(early.expiresAt).toBe(at(minutes(20)).toISOString());
  expect(late.expiresAt).toBe(at(hours(1)).toISOString());
});

test("each change makes the next version and leaves the record before as it was", () => {
  const before = aRequest();

  const after = revise(before, { state: "cancelled" });

  expect(after).toEqual({ ...before, state: "cancelled", version: 2 });
  expect(before.version).toBe(1);
});

const troubled = { trouble: aTrouble({ retryAt: at(minutes(7)).toISOString() }) };
const end = at(minutes(2) + hours(4));

describe("something has to be done about", () => {
  test.each<[string, AccessRequest, Date]>([
    ["a new request, from the beginning", aRequest(), at(0)],
    ["a request whose preview failed, at the next try", aRequest(troubled), at(minutes(7))],
    [
      "a request whose next try is after it expires, when it expires",
      aRequest({ ...troubled, expiresAt: at(minutes(5)).toISOString() }),
      at(minutes(5)),
    ],
    ["a request that approvers see, when it expires", aPreviewedRequest(), at(hours(24))],
    ["an approved request, whatever the time is", anApprovedRequest(), new Date(0)],
    ["an approved request that failed, at the next try", anApprovedRequest(troubled), at(minutes(7))],
    ["an active lease, at its end", aLeasedRequest({ state: "active" }), end],
    [
      "an active lease, at its warning",
      aLeasedRequest({ state: "active", warnAt: at(hours(4)).toISOString() }),
      at(hours(4)),
    ],
    [
      "an active lease that was warned of, at its end",
      aLeasedRequest({ state: "active", warnAt: at(hours(4)).toISOString(), warnedAt: at(hours(4)).toISOString() }),
      end,
    ],
    [
      "an active lease that waits for a sign-in, at its next one",
      aLeasedRequest({ state: "active", signInDueAt: at(hours(1)).toISOString() }),
      at(hours(1)),
    ],
    [
      "an active lease that waits for a review, at its next one",
      aLeasedRequest({ state: "active", reviewTrouble: aTrouble({ retryAt: at(hours(1)).toISOString() }) }),
      at(hours(1)),
    ],
    [
      "an active lease that was revoked, at once",
      aLeasedRequest({ state: "active", end: { cause: "revoked", by: "U0ONCALL", at: "", why: "" } }),
      new Date(0),
    ],
    [
      "an active lease whose end failed, at the next try",
      aLeasedRequest({ state: "active" }, troubled),
      at(minutes(7)),
    ],
  ])("%s", (_, request, due) => {
    expect(isClosed(request)).toBe(false);
    expect(dueAt(request)).toBe(due.getTime());
  });

  test.each<[string, AccessRequest]>([
    ["denied", aRequest({ state: "denied" })],
    ["cancelled", aRequest({ state: "cancelled" })],
    ["expired", aRequest({ state: "expired" })],
    ["refused", aRequest({ state: "refused" })],
    ["ended", aLeasedRequest({ state: "ended" })],
    ["failed", aLeasedRequest({ state: "failed" })],
  ])("a request that is %s: never again", (_, request) => {
    expect(isClosed(request)).toBe(true);
    expect(dueAt({ ...request, ...troubled })).toBeNull();
  });
});

describe("what failed is tried again", () => {
  const failure = { code: "cluster-unreachable", message: "The API server did not answer." };

  test("after 1, 2, 4 … seconds, and from then on each minute", () => {
    const waits: number[] = [];
    let request = aRequest();
    for (let attempt = 1; attempt <= 9; attempt += 1) {
      const trouble = nextTry(request, failure, at(0));
      waits.push((Date.parse(trouble.retryAt) - at(0).getTime()) / 1000);
      request = { ...request, trouble };
    }

    expect(waits).toEqual([1, 2, 4, 8, 16, 32, 60, 60, 60]);
    expect(request.trouble).toMatchObject({ attempts: 9, code: failure.code, message: failure.message });
  });

  test("is an event when its cause is new, even if causes take turns, and otherwise with growing gaps", () => {
    let request = aRequest();
    const told: number[] = [];
    for (let attempt = 1; attempt <= 40; attempt += 1) {
      const message = `connect ECONNREFUSED 10.0.0.${attempt % 3}:443`;
      const trouble = nextTry(request, { ...failure, message }, at(0));
      if (needsEvent(request.trouble, trouble)) told.push(attempt);
      request = { ...request, trouble };
    }

    expect(told).toEqual([1, 2, 3, 4, 8, 16, 32]);
  });

  test("is an event with growing gaps if its cause is always another", () => {
    let request = aRequest();
    const told: number[] = [];
    for (let attempt = 1; attempt <= 1_000; attempt += 1) {
      const trouble = nextTry(request, { ...failure, message: `took ${attempt} ms` }, at(0));
      if (needsEvent(request.trouble, trouble)) told.push(attempt);
      request = { ...request, trouble };
    }

    expect(told).toHaveLength(21);
    expect(told.slice(16)).toEqual([32, 64, 128, 256, 512]);
  });

  test("when the other side asked for it, where that is later", () => {
    const trouble = nextTry(aRequest(), { ...failure, retryAfterMs: 30_000 }, at(0));

    expect(trouble.retryAt).toBe(at(30).toISOString());
  });

  test("not before its cluster", () => {
    const tries = [at(90), at(-90)].map((notBefore) =>
      nextTry(aRequest(), { ...failure, notBefore: notBefore.toISOString() }, at(0)),
    );

    expect(tries.map(({ retryAt }) => retryAt)).toEqual([at(90), at(1)].map((time) => time.toISOString()));
  });

  test("within a quarter of an hour, where only an operator's repair helps", () => {
    const trouble = nextTry(
      aRequest({ trouble: aTrouble({ attempts: 20 }) }),
      { ...failure, code: "aws-access-denied" },
      at(0),
    );

    expect(trouble.retryAt).toBe(at(minutes(15)).toISOString());
  });

  test("within five minutes, however long the other side wants: a lease may end meanwhile", () => {
    fc.assert(
      fc.property(fc.nat(5_000), fc.oneof(fc.double(), fc.integer()), (attempts, retryAfterMs) => {
        const request = aRequest({ trouble: aTrouble({ attempts }) });

        const { retryAt } = nextTry(request, { ...failure, retryAfterMs }, at(0));

        expect(Date.parse(retryAt)).toBeGreaterThan(at(0).getTime());
        expect(Date.parse(retryAt)).toBeLessThanOrEqual(at(minutes(5)).getTime());
      }),
    );
  });
});
