import type { Migration } from "../../src/access/migration.ts";
import { migrationMessage } from "../../src/slack/migrate/migration-card.ts";
import type { Message } from "../../src/slack/show/message.ts";
import { aPlannedMigration, theLongestMigration } from "./a-migration.ts";
import { aPlannedRepair } from "./a-repair.ts";
import { aDecision } from "./a-request.ts";
import { at } from "./times.ts";

/** A name of so many characters. */
export const word = (length: number) => "production-team-".repeat(5).slice(0, length);

const reason = "the release of this morning hangs, and the logs of the pods in shop and payments are needed to see why";
const long = "The principal is not there, or AWS does not show it, and nothing proves which one it was. ".repeat(20);
const migrationTrouble = {
  ...{ code: "unexpected", message: long, attempts: 9, causes: [] },
  ...{ at: at(0).toISOString(), retryAt: at(1).toISOString() },
};
const approvals = [aDecision(), aDecision({ by: "U0APPROVER2" })];
const doubted = { approvals: approvals.slice(1), voided: { by: ["U0APPROVER"], message: long } };
const onClusterOf = (length: number) => ({ cluster: word(length), id: `migration-${word(length)}-12` });
type OnCluster = ReturnType<typeof onClusterOf>;
const place = { cluster: word(63), seal: "" };
const masters = ["system:masters"];
const at0 = at(0).toISOString();
const repairSteps = (aPlannedRepair(6).plan?.summary.steps ?? []).map(({ name }) => name);
const repairDone = repairSteps.slice(1).map((name) => ({ name, at: at0, proof: [long], place: null }));
const repairBegun = { name: repairSteps[0] ?? "", at: at0, place };
const longSteps = (theLongestMigration().plan?.summary.steps ?? []).map(({ name }) => name);
const longDone = longSteps.slice(1).map((name) => ({ name, at: at0, proof: [long], place: null }));
const stop = { by: "U0ONCALL", at: at0, why: reason };
const refused = { state: "refused", plan: null, refusal: { code: "x", message: long } } as const;
const denied = { state: "denied", denial: aDecision({ verdict: "denied", why: reason }) } as const;

const openMigrations = (onCluster: OnCluster): Readonly<Record<string, Migration>> => ({
  "a migration": aPlannedMigration(),
  "the longest migration": theLongestMigration({ trouble: null, ...doubted, ...onCluster }),
  "a migration that nothing could plan": aPlannedMigration({ plan: null, trouble: migrationTrouble, ...onCluster }),
  "a repair of one entry": aPlannedRepair(1, { ...doubted, ...onCluster }, masters),
  "a repair of one entry with many groups": aPlannedRepair(1, doubted, Array(7).fill("team:developers-of-payments")),
  "a repair of as many entries as one can have": aPlannedRepair(9, { ...doubted, ...onCluster }, masters),
});

const settledMigrations = (onCluster: OnCluster): Readonly<Record<string, Migration>> => ({
  "a running migration": aPlannedMigration({ state: "running", approvals }),
  "a migration in trouble": theLongestMigration({ state: "running", approvals, done: longDone, ...onCluster }),
  "a migration whose items wait": theLongestMigration({
    ...{ state: "running", approvals, done: longDone, trouble: null, settlesAt: at(9).toISOString(), ...onCluster },
  }),
  "a done migration": theLongestMigration({ state: "done", approvals, done: longDone, trouble: null, ...onCluster }),
  "a stopped migration": theLongestMigration({ state: "stopped", stop, done: longDone, trouble: null, ...onCluster }),
  "a denied migration": theLongestMigration({ ...denied, trouble: null, ...onCluster }),
  "an expired migration": aPlannedMigration({ state: "expired", ...onCluster }),
  "a refused migration": aPlannedMigration({ ...refused, ...onCluster }),
  "a repair in trouble": aPlannedRepair(6, {
    ...{ state: "running", approvals, begun: repairBegun, done: repairDone, trouble: migrationTrouble, ...onCluster },
  }),
  "a done repair": aPlannedRepair(6, { state: "done", approvals, done: repairDone, ...onCluster }),
  "a stopped repair": aPlannedRepair(6, {
    ...{ state: "stopped", approvals, stop, begun: repairBegun, done: repairDone, ...onCluster },
  }),
  "a denied repair": aPlannedRepair(6, { ...denied, ...onCluster }),
  "an expired repair": aPlannedRepair(6, { state: "expired", ...onCluster }),
  "a refused repair": aPlannedRepair(6, { ...refused, ...onCluster }),
});

type Cards = Readonly<Record<string, Message>>;

function migrationCards(migrations: Readonly<Record<string, Migration>>): Cards {
  return Object.fromEntries(Object.entries(migrations).map(([name, each]) => [name, migrationMessage(each)]));
}

/** The cards of migrations and repairs that wait. @param length of the cluster's name */
export const openMigrationCards = (length: number): Cards => migrationCards(openMigrations(onClusterOf(length)));

/** The cards of every outcome. @param length of the cluster's name */
export const settledMigrationCards = (length: number): Cards => migrationCards(settledMigrations(onClusterOf(length)));
