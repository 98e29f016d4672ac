import { expect, test } from "vitest";
import type { Migration } from "../../../src/access/migration.ts";
import type { Cluster } from "../../../src/access/policy/cluster.ts";
import { migrationActsOf } from "../../../src/access/policy/permissions.ts";
import { aCluster } from "../../builders/a-cluster.ts";
import { aMigration, aPlannedMigration } from "../../builders/a-migration.ts";
import { aDecision } from "../../builders/a-request.ts";
import { at, hours, minutes } from "../../builders/times.ts";

const cluster = aCluster({ onCall: ["U0ONCALL2"] });
const actsOf = (user: string, migration = aPlannedMigration(), now = at(minutes(5)), of = cluster) =>
  migrationActsOf(migration, of, { user, memberships: [] }, now);
const approval = aDecision({ digest: aPlannedMigration().plan?.digest ?? "" });
const trouble = {
  code: "unexpected",
  message: "",
  at: "",
  attempts: 1,
  retryAt: at(hours(1)).toISOString(),
  causes: [],
};

test.each([
  ["an approver", "U0APPROVER", ["approve", "deny", "stop"]],
  ["whoever asked", "U0ONCALL", ["stop"]],
  ["who is on call", "U0ONCALL2", ["stop"]],
  ["anybody else", "U0ENGINEER", []],
])("what %s can do about a migration that waits for a decision", (_, user, acts) => {
  expect(actsOf(user)).toEqual(acts);
});

test.each<[string, Migration, Date?, Cluster?]>([
  ["one approved it already", aPlannedMigration({ approvals: [approval] })],
  ["the worker has not planned it", aMigration()],
  ["it has expired", aPlannedMigration(), at(hours(24))],
  ["the cluster is quiet", aPlannedMigration(), at(0), { ...cluster, quiet: "release" }],
])("no one approves where %s", (_, migration, now = at(0), of = cluster) => {
  expect(actsOf("U0APPROVER", migration, now, of)).not.toContain("approve");
});

test("a running migration can be stopped, and tried again if it fails; an ended one allows nothing", () => {
  expect(actsOf("U0APPROVER", aPlannedMigration({ state: "running" }))).toEqual(["stop"]);
  expect(actsOf("U0ONCALL", aPlannedMigration({ state: "running", trouble }))).toEqual(["retry", "stop"]);
  expect(actsOf("U0APPROVER", aPlannedMigration({ state: "done", trouble }))).toEqual([]);
});

test("a migration of a cluster that left the configuration allows no act", () => {
  expect(migrationActsOf(aPlannedMigration(), undefined, { user: "U0ONCALL", memberships: [] }, at(0))).toEqual([]);
});
