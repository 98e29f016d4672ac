import { expect, test } from "vitest";
import {
  decideMigration,
  judgeStop,
  migrationApprovalFlaw,
  retryMigration,
} from "../../src/access/decide-migration.ts";
import { createMigration, type Migration } from "../../src/access/migration.ts";
import { type Cluster, clusterArnOf } from "../../src/access/policy/cluster.ts";
import type { Decision } from "../../src/access/record.ts";
import { sealDecision } from "../../src/access/seals.ts";
import { aCluster } from "../builders/a-cluster.ts";
import { changedMigration, type MigrationChange, reviseMigration } from "../builders/a-migration.ts";
import { keys } from "../builders/keys.ts";
import { at, hours } from "../builders/times.ts";

const digest = "d".repeat(64);
const cluster = aCluster();
const summary = { mode: "CONFIG_MAP", items: [], steps: [], keptBecause: null, before: [], digest };
const plan = { at: at(0).toISOString(), digest, summary, outs: [], seal: "" };

const requested = { id: "migration-staging-1", cluster: "staging", requester: "U0ONCALL", givenArns: [] };
const aMigration = (change: MigrationChange = {}): Migration =>
  changedMigration(createMigration(requested, at(0), hours(1)), { plan, ...change });

interface Clicked {
  readonly on?: Migration;
  readonly of?: Cluster;
  readonly verdict?: "approved" | "denied";
  readonly digest?: string;
  readonly now?: Date;
}

function clickOf(
  user: string,
  { on = aMigration(), of = cluster, verdict = "approved", now = at(0), ...other }: Clicked = {},
) {
  const click = { verdict, digest: other.digest ?? digest, why: "" };
  return decideMigration(on, of, { user, memberships: [] }, click, keys.decision, now);
}

function approvedBy(...users: readonly string[]): Migration {
  return users.reduce((migration, user) => {
    const decided = clickOf(user, { on: migration });
    if (decided.type === "refused") throw new Error(decided.code);
    return decided.after;
  }, aMigration());
}

const approvalOf = (user: string, clicked: Clicked = {}): Decision => {
  const decided = clickOf(user, clicked);
  const [approval] = decided.type === "decided" ? decided.after.approvals : [];
  if (!approval) throw new Error("It was refused.");
  return approval;
};

function denialBy(user: string): Decision {
  const denied = clickOf(user, { verdict: "denied" });
  const denial = denied.type === "decided" ? denied.after.denial : null;
  return denial ?? expect.fail("It was refused.");
}

const check = (migration: Migration, now = at(hours(0.5)), of = cluster) =>
  migrationApprovalFlaw(migration, of, keys.decision, now, hours(1));

test("a worker ignores an approval of a person whom the last approval no longer names as an approver", () => {
  const apart = aMigration({ state: "running", approvals: [approvalOf("U0APPROVER"), approvalOf("U0APPROVER2")] });

  expect(check(apart)).toEqual(expect.stringContaining("1 of 2 approvers"));
});

test("a worker continues a migration only while Slack recently confirmed its approvers", () => {
  const migration = approvedBy("U0APPROVER", "U0APPROVER2");
  const after = (passed: number) => migrationApprovalFlaw(migration, cluster, keys.decision, at(passed), hours(48));

  expect(after(hours(7))).toBeNull();
  expect(after(hours(9))).toBe("Slack confirmed its approvers more than 8 h ago");
});

test("two different approvers of the same plan let a worker begin", () => {
  const one = approvedBy("U0APPROVER");
  const two = approvedBy("U0APPROVER", "U0APPROVER2");

  expect([one.state, check(one)]).toEqual(["pending", expect.any(String)]);
  expect([two.state, check(two)]).toEqual(["running", null]);
});

const other = { ...aMigration(), id: "migration-staging-2" };
test.each<[string, Decision]>([
  ["of another plan", approvalOf("U0APPROVER2", { on: aMigration({ plan: { ...plan, digest: "e" } }), digest: "e" })],
  ["of another cluster", approvalOf("U0APPROVER2", { of: aCluster({ eksName: "other" }) })],
  ["of another migration", approvalOf("U0APPROVER2", { on: other })],
  ["of a request", sealDecision(approvalOf("U0APPROVER2"), "r-1", keys.decision)],
  ["by the same person", approvalOf("U0APPROVER", { now: at(60) })],
  ["under another name", { ...approvalOf("U0APPROVER"), by: "U0APPROVER2" }],
  ["that denies", denialBy("U0APPROVER2")],
  ["of an hour ago", approvalOf("U0APPROVER2", { now: at(-hours(0.6)) })],
  [
    "of the future",
    approvalOf("U0APPROVER2", { on: aMigration({ expiresAt: at(hours(9)).toISOString() }), now: at(hours(2)) }),
  ],
])("an approval %s is not the second one", (_name, second) => {
  // It speaks for everybody, so that nothing else keeps the second one from counting.
  const { seal: _, ...first } = approvalOf("U0APPROVER", { now: at(1) });
  const speaking = { ...first, stillApprovers: ["U0APPROVER", "U0APPROVER2"] };
  const sealed = sealDecision(speaking, `migration-staging-1 of ${clusterArnOf(cluster)}`, keys.decision);
  const migration = aMigration({ state: "running", approvals: [sealed, second] });

  expect(check(migration)).toEqual(expect.stringContaining("1 of 2 approvers"));
});

test("one person with two ids is one approver", () => {
  const [first, second] = approvedBy("U0APPROVER", "U0APPROVER2").approvals;
  if (!first || !second) throw new Error("It was refused.");
  const { seal: _, ...said } = second;
  const of = `migration-staging-1 of ${clusterArnOf(cluster)}`;
  const same = sealDecision({ ...said, memberships: ["U0APPROVER"] }, of, keys.decision);

  expect(check(aMigration({ state: "running", approvals: [first, same] }))).toEqual(expect.any(String));
});

test("an approval of a minute ahead counts: clocks differ", () => {
  const given = at(60);
  const first = approvalOf("U0APPROVER", { now: given });
  const decided = clickOf("U0APPROVER2", { on: aMigration({ approvals: [first] }), now: given });
  if (decided.type === "refused") throw new Error(decided.code);
  const migration = decided.after;

  expect(check(migration, at(0))).toBeNull();
  expect(check(migration, at(-1))).toEqual(expect.any(String));
});

test("an approval dated in the future is dropped at the next approval", () => {
  const future = approvalOf("U0APPROVER", {
    on: aMigration({ expiresAt: at(hours(9)).toISOString() }),
    now: at(hours(2)),
  });

  const decided = clickOf("U0APPROVER2", { on: aMigration({ approvals: [future] }) });

  expect(decided).toMatchObject({ type: "decided", after: { state: "pending", approvals: [{ by: "U0APPROVER2" }] } });
});

test("the approval of a former approver does not count", () => {
  const migration = approvedBy("U0APPROVER", "U0APPROVER2");

  expect(check(migration, at(60), aCluster({ approvers: ["U0APPROVER"] }))).toEqual(expect.any(String));
});

test.each<[string, Cluster, ReadonlyMap<string, string>]>([
  ["has left Slack", cluster, new Map([["U0APPROVER", "their Slack account is deactivated"]])],
  ["is no approver any more", aCluster({ approvers: ["U0APPROVER2"] }), new Map()],
])("the next approval drops that of a person who %s", (_, of, departed) => {
  const click = { verdict: "approved", digest, why: "" } as const;
  const person = { user: "U0APPROVER2", memberships: [] };

  const decided = decideMigration(approvedBy("U0APPROVER"), of, person, click, keys.decision, at(0), departed);

  expect(decided).toMatchObject({ type: "decided", after: { state: "pending", approvals: [{ by: "U0APPROVER2" }] } });
});

test.each<[string, string, Clicked]>([
  ["not-an-approver", "U0ENGINEER", {}],
  ["not-an-approver", "U0ENGINEER", { on: aMigration({ state: "denied" }) }],
  ["change-differs", "U0APPROVER", { digest: "e" }],
  ["no-preview", "U0APPROVER", { on: aMigration({ plan: null }) }],
  ["expired", "U0APPROVER", { now: at(hours(1)) }],
  ["expired", "U0APPROVER", { on: aMigration({ expiresAt: "soon" }) }],
  ["already-decided", "U0APPROVER", { on: aMigration({ state: "denied" }) }],
  ["approved-already", "U0APPROVER", { on: approvedBy("U0APPROVER") }],
  ["quiet", "U0APPROVER", { of: aCluster({ quiet: "a release" }) }],
])("a click is refused as %s", (code, user, clicked) => {
  expect(clickOf(user, clicked)).toEqual({ type: "refused", code });
});

test("a denial ends it, also after the person's own approval and on a quiet cluster", () => {
  const quiet = aCluster({ quiet: "a release" });

  expect(clickOf("U0APPROVER", { on: approvedBy("U0APPROVER"), of: quiet, verdict: "denied" })).toMatchObject({
    type: "decided",
    after: { state: "denied", denial: { by: "U0APPROVER" }, endedAt: at(0).toISOString() },
  });
});

test("the requester, an approver and on-call stop it; no one else does, and no one after its end", () => {
  const migration = approvedBy("U0APPROVER", "U0APPROVER2");
  const of = aCluster({ onCall: ["U0COLLEAGUE"] });
  const by = (user: string, on: Migration) => judgeStop(on, of, { user, memberships: [] }, "", at(1));

  for (const user of ["U0ONCALL", "U0APPROVER", "U0COLLEAGUE"]) {
    expect(by(user, migration)).toMatchObject({
      type: "decided",
      after: { state: "stopped", stop: { by: user } },
    });
  }
  expect(by("U0ENGINEER", migration)).toEqual({ type: "refused", code: "not-yours" });
  expect(by("U0ENGINEER", reviseMigration(migration, { state: "done" }))).toEqual({
    type: "refused",
    code: "not-yours",
  });
  expect(by("U0ONCALL", reviseMigration(migration, { state: "done" }))).toEqual({ type: "refused", code: "over" });
});

test("only a failing migration is tried again, at once", () => {
  const trouble = {
    code: "aws-throttled",
    message: "",
    at: "",
    attempts: 3,
    retryAt: at(600).toISOString(),
    causes: [],
  };
  const person = { user: "U0APPROVER", memberships: [] };

  expect(retryMigration(aMigration(), cluster, person, at(1))).toEqual({ type: "refused", code: "not-in-trouble" });
  expect(
    retryMigration(aMigration({ trouble }), cluster, { user: "U0ENGINEER", memberships: [] }, at(1)),
  ).toMatchObject({
    code: "not-yours",
  });
  expect(retryMigration(aMigration({ trouble }), cluster, person, at(1))).toMatchObject({
    after: { trouble: { attempts: 3, retryAt: at(1).toISOString(), causes: [] } },
  });
});
