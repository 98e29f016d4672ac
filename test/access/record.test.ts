import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { migrationForm } from "../../src/access/migration.ts";
import { accessRequestForm } from "../../src/access/record.ts";
import { anyCharacter } from "../any-text.ts";
import { aMigration, aPlannedMigration, theLongestMigration } from "../builders/a-migration.ts";
import { aDecision, aLeasedRequest, anApprovedRequest, aPreviewedRequest, aRequest } from "../builders/a-request.ts";
import { aTrouble } from "../builders/a-trouble.ts";
import { longestStates } from "../builders/longest-states.ts";
import { states } from "../builders/states.ts";
import { at } from "../builders/times.ts";

const over = { endedAt: at(9).toISOString() };
const denial = aDecision({ verdict: "denied", why: "after the release" });
const begun = { name: "switch-mode", at: at(5).toISOString(), place: { cluster: "", seal: "" } };
const done = [{ name: "switch-mode", at: at(5).toISOString(), proof: ["EKS says so."], place: null }];
const stop = { by: "U0ONCALL", at: at(9).toISOString(), why: "later" };
const migrationStates = {
  "just asked for": aMigration(),
  "waiting for approvers": aPlannedMigration({ reminders: { sent: 1, nextAt: at(9).toISOString() } }),
  "waiting for a second approver": aPlannedMigration({ approvals: [aDecision()] }),
  "carried out": aPlannedMigration({
    state: "running",
    approvals: [aDecision(), aDecision({ by: "U0APPROVER2" })],
    begun,
    done,
  }),
  "in trouble": aPlannedMigration({ state: "running", trouble: aTrouble(), settlesAt: at(9).toISOString() }),
  done: aPlannedMigration({ state: "done", done, ...over }),
  denied: aPlannedMigration({ state: "denied", denial, ...over }),
  stopped: aPlannedMigration({ state: "stopped", stop, begun, ...over }),
  refused: aMigration({ state: "refused", refusal: { code: "any", message: "No." }, ...over }),
  expired: aMigration({ state: "expired", ...over }),
} as const;

const stored = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

test.each(Object.entries({ ...states, ...longestStates }))(
  "a request that is %s is read as it was written",
  (_, request) => {
    expect(accessRequestForm.parse(stored(request))).toEqual(request);
  },
);

test.each(Object.entries({ ...migrationStates, "as long as it can be": theLongestMigration() }))(
  "a migration that is %s is read as it was written",
  (_, migration) => {
    expect(migrationForm.parse(stored(migration))).toEqual(migration);
  },
);

test("any request of any texts is read as it was written", () => {
  const texts = fc.record({
    reason: fc.string({ unit: anyCharacter }),
    ticket: fc.option(fc.string()),
    level: fc.string(),
  });

  fc.assert(
    fc.property(texts, fc.array(fc.string()), fc.date({ noInvalidDate: true }), (change, groups, createdAt) => {
      const request = aRequest({ ...change, groups, createdAt: createdAt.toISOString() });

      expect(accessRequestForm.parse(stored(request))).toEqual(request);
    }),
  );
});

describe("a state that can't be is not read", () => {
  const active = aLeasedRequest({ state: "active" });
  const withLease = (change: object) => ({ ...active, lease: { ...active.lease, ...change } });

  test.each<[string, object]>([
    ["approved without an approval", { ...anApprovedRequest(), approvals: [] }],
    ["approved without a lease", { ...anApprovedRequest(), lease: null }],
    ["pending with a lease", { ...anApprovedRequest(), state: "pending" }],
    ["denied without a denial", { ...aPreviewedRequest(), state: "denied" }],
    ["refused without a reason", { ...aRequest(), state: "refused" }],
    ["an active lease without a beginning", withLease({ state: "active", activeSince: null })],
    ["an ended lease without its end", withLease({ state: "ended" })],
    ["a failed lease without a failure", withLease({ state: "failed" })],
    ["a lease without a state", withLease({ state: undefined })],
    ["a version of zero", aRequest({ version: 0 })],
    ["a time that can't be read", aRequest({ createdAt: "tomorrow" })],
    ["a field that we do not write", { ...aRequest(), admin: true }],
  ])("%s", (_, request) => {
    expect(accessRequestForm.safeParse(stored(request)).success).toBe(false);
  });
});

test("a record that lacks any of its fields is not read", () => {
  const request = stored(aLeasedRequest({ state: "active" })) as object;

  for (const field of Object.keys(request)) {
    const rest = Object.fromEntries(Object.entries(request).filter(([name]) => name !== field));
    expect(accessRequestForm.safeParse(rest).success).toBe(false);
  }
});

test("reading any JSON ends with a record or with what is wrong", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      expect(accessRequestForm.safeParse(value).success).toBe(false);
      expect(migrationForm.safeParse(value).success).toBe(false);
    }),
  );
});
