import { expect, test } from "vitest";
import {
  approveMigration,
  checkMigration,
  decisionDetail,
  migrationName,
  standingApprovals,
} from "../../src/approval/migration-approval.ts";
import { sealDecision } from "../../src/approval/sealed-decision.ts";
import type { AuditEvent } from "../../src/audit/event.ts";
import type { Cluster } from "../../src/policy/cluster.ts";
import { aCluster } from "../builders/a-cluster.ts";
import { sealKeys } from "../builders/seal-keys.ts";
import { at, hours } from "../builders/times.ts";

const digest = "d".repeat(64);
const cluster = aCluster();
const lapsesAfter = 3600;

function decisionOf(user: string, change: { cluster?: Cluster; digest?: string; now?: Date } = {}) {
  const person = { user, memberships: [] };
  const clicked = approveMigration(
    change.cluster ?? cluster,
    person,
    change.digest ?? digest,
    [],
    sealKeys,
    change.now ?? at(0),
  );
  if (clicked.type === "refused") throw new Error(clicked.code);
  return clicked.decision;
}

function eventOf(decision: ReturnType<typeof decisionOf>): AuditEvent {
  const about = { type: "migration.approved", at: decision.at, actor: decision.by } as const;
  return {
    ...about,
    request: migrationName(cluster),
    cluster: cluster.name,
    detail: { decision: decisionDetail(decision) },
  };
}

const standing = (events: readonly AuditEvent[], now = at(hours(0.5))) =>
  standingApprovals(events, cluster, digest, sealKeys, now, lapsesAfter);

test("two approvers of the cluster have to approve the same plan", () => {
  const [first, second] = ["U0APPROVER", "U0APPROVER2"].map((user) => eventOf(decisionOf(user)));
  if (!first || !second) throw new Error("there are two");

  expect(checkMigration(standing([first])).type).toBe("void");
  expect(checkMigration(standing([first, first])).type).toBe("void");
  expect(checkMigration(standing([first, second])).type).toBe("valid");
});

test.each([
  ["another plan", decisionOf("U0APPROVER2", { digest: "e".repeat(64) }), undefined],
  ["another cluster", decisionOf("U0APPROVER2", { cluster: aCluster({ eksName: "other" }) }), undefined],
  ["a request", sealDecision({ ...decisionOf("U0APPROVER2"), verdict: "approved" }, "r-1", sealKeys), undefined],
  ["an hour ago", decisionOf("U0APPROVER2"), at(hours(1))],
  ["a time that is to come", decisionOf("U0APPROVER2", { now: at(hours(2)) }), undefined],
  ["nobody's seal", { ...decisionOf("U0APPROVER2"), seal: "" }, undefined],
  ["somebody else than who gave it", { ...decisionOf("U0APPROVER"), by: "U0APPROVER2" }, undefined],
])("an approval of %s does not count", (_, decision, now) => {
  expect(standing([eventOf(decision)], now)).toEqual([]);
});

test("whoever is no approver any more does not count, and can't approve", () => {
  const decision = decisionOf("U0APPROVER");
  const without = aCluster({ approvers: ["U0APPROVER2"] });

  expect(standingApprovals([eventOf(decision)], without, digest, sealKeys, at(1), lapsesAfter)).toEqual([]);
  expect(approveMigration(without, { user: "U0APPROVER", memberships: [] }, digest, [], sealKeys, at(0))).toEqual({
    type: "refused",
    code: "not-an-approver",
  });
});

test("nobody approves a plan twice", () => {
  const given = [decisionOf("U0APPROVER")];

  expect(approveMigration(cluster, { user: "U0APPROVER", memberships: [] }, digest, given, sealKeys, at(1))).toEqual({
    type: "refused",
    code: "approved-already",
  });
});

test.each([[{}], [{ decision: null }], [{ decision: "x" }], [{ decision: [] }], [{ decision: { by: "U0APPROVER" } }]])(
  "an event with the detail %j is no approval",
  (detail) => {
    expect(standing([{ ...eventOf(decisionOf("U0APPROVER")), detail }])).toEqual([]);
  },
);
