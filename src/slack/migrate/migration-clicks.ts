import { type Click, withoutApprovalOf } from "../../access/approvals.ts";
import type { EventType } from "../../access/audit-event.ts";
import {
  decideMigration,
  judgeStop,
  type MigrationVerdict,
  migrationApprovals,
  refuseMigrationClick,
  retryMigration,
} from "../../access/decide-migration.ts";
import { isMigrationId } from "../../access/lists.ts";
import {
  createMigration,
  isMigrationOver,
  type Migration,
  type NewMigration,
  nextMigration,
  nextMigrationId,
} from "../../access/migration.ts";
import type { Cluster } from "../../access/policy/cluster.ts";
import { isApproverOf, isResponsibleFor, type Person } from "../../access/policy/rule.ts";
import { counted } from "../../diagnosis/link.ts";
import { eventOf, recordChange, type UpdateStep, updateMigration } from "../../ledger/lifecycle.ts";
import { answers, type Buttons } from "../app/answer.ts";
import { noteAttempt, type TriedAct } from "../app/attempts.ts";
import type { SlackContext } from "../app/context.ts";
import { departedApprovers, enderFor, memberFor, noLongerApprover } from "../app/request-people.ts";
import { askMigrationAction, retryMigrationAction, stopMigrationAction } from "../show/buttons.ts";
import { answer, clusterGoneAnswer, failureAnswer, goneText, type Message } from "../show/message.ts";
import { code } from "../show/mrkdwn.ts";
import { readAskValue } from "./migration-buttons.ts";
import {
  migrationAskedAnswer,
  migrationOpenAnswer,
  migrationRefusedAnswer,
  migrationRetriedAnswer,
  migrationState,
  noMigrationAnswer,
  noSuchMigrationAnswer,
} from "./migration-words.ts";
import { mayNotPlanAnswer } from "./plan-answer.ts";

/** Requests a migration, or a repair of dead entries; a cluster has one at a time. @throws AccessError */
export async function askForMigration(
  context: SlackContext,
  cluster: Cluster,
  requester: string,
  givenArns: readonly string[],
  kind: Migration["kind"] = undefined,
): Promise<Message> {
  if (!isResponsibleFor(cluster, await memberFor(context, cluster, requester))) {
    const about = { id: "", cluster: cluster.name };
    await noteAttempt(context, { act: "migrate", by: requester, code: "not-yours", request: about });
    return mayNotPlanAnswer(cluster);
  }
  const latest = await context.ledger.migrations.latestOf(cluster.name);
  if (latest && isOpen(latest)) return migrationOpenAnswer(latest);
  const settlesAt = latest?.settlesAt ?? null;
  const asked = { cluster: cluster.name, requester, givenArns, settlesAt, ...(kind && { kind }) };
  let id = nextMigrationId(cluster.name, latest);
  for (let tries = 0; tries < maxTries && isMigrationId(id); tries += 1) {
    const begun = await beginMigration(context, { ...asked, id });
    if (begun) return begun;
    id = nextMigrationId(cluster.name, { id });
  }
  return failureAnswer("No number is free. Try again, then check Redis.");
}

/** The list of a cluster's migrations may be lost, and a record unreadable: their numbers are taken. After a forged highest one, none is left. */
const maxTries = 100;

const isOpen = (migration: Migration) => !isMigrationOver(migration) || migration.begun !== null;

/** Null: its number is taken. */
async function beginMigration(context: SlackContext, requested: NewMigration): Promise<Message | null> {
  const { ledger, config, now } = context;
  const { givenArns, kind, requester } = requested;
  const migration = createMigration(requested, now(), config.timing.requestExpiresAfterSeconds);
  const event = eventOf("migration.asked", migration, requester, now(), { givenArns, ...(kind && { kind }) });
  const result = await recordChange(context, null, migration, event, now());
  if (result.type === "committed") return migrationAskedAnswer(migration);
  const first = await ledger.migrations.get(migration.id);
  return first && isOpen(first) ? migrationOpenAnswer(first) : null;
}

type Departed = ReadonlyMap<string, string>;
const none: Departed = new Map();
const whyNot = (cluster: Cluster) => (person: Person) => (isApproverOf(cluster, person) ? null : noLongerApprover);

interface Act {
  readonly act: TriedAct;
  readonly event: EventType;
  readonly why: string;
  readonly decide: (...of: [Migration, Cluster, Person, now: Date, departed: Departed]) => MigrationVerdict;
  /** Null: the migration's message shows the result. */
  readonly answer: (after: Migration) => Message | null;
}

/** A click on Approve or Deny: one wins, and the others see who was first (law 2). @throws AccessError */
export function decideOnMigration(context: SlackContext, id: string, click: Click): Promise<Message | null> {
  const isApproval = click.verdict === "approved";
  return actOnMigration(context, click.by, id, {
    act: click.verdict,
    event: isApproval ? "migration.approved" : "migration.denied",
    why: click.why,
    decide: (migration, cluster, person, now, departed) =>
      decideMigration(migration, cluster, person, click, context.keys.decision, now, departed),
    answer: ({ state, approvals }) =>
      state === "pending"
        ? answer(`Approved. Needs ${counted(migrationApprovals - approvals.length, "more approval")}.`)
        : null,
  });
}

/** Null: a click on Approve or Deny can decide. @throws AccessError */
export async function refuseOnMigration(
  context: SlackContext,
  migration: Migration,
  cluster: Cluster,
  click: Omit<Click, "why">,
): Promise<Message | null> {
  const { by, verdict } = click;
  const approvers = migration.approvals.map((approval) => approval.by);
  const person = await memberFor(context, cluster, by, approvers);
  const code = refuseMigrationClick(migration, cluster, person, click, context.now());
  if (!code) return null;
  await noteAttempt(context, { act: verdict, by, code, request: migration });
  return migrationRefusedAnswer(code, migration, cluster);
}

/** Stops a migration before its next step. @throws AccessError */
export function stopMigration(context: SlackContext, by: string, id: string, why: string): Promise<Message | null> {
  return actOnMigration(context, by, id, {
    act: "stop",
    event: "migration.stopped",
    why,
    decide: (migration, cluster, person, now) => judgeStop(migration, cluster, person, why, now),
    answer: (after) => answer(`${code(after.id)}: ${migrationState(after)}.`),
  });
}

function tryMigrationAgain(context: SlackContext, by: string, id: string): Promise<Message | null> {
  const retry = { act: "retry", event: "migration.retried", why: "", decide: retryMigration } as const;
  return actOnMigration(context, by, id, { ...retry, answer: migrationRetriedAnswer });
}

async function actOnMigration(context: SlackContext, by: string, id: string, what: Act): Promise<Message | null> {
  const migration = await context.ledger.migrations.get(id);
  const cluster = migration && context.config.clusters.get(migration.cluster);
  if (!migration || !cluster) {
    const about = migration ?? { id, cluster: "" };
    await noteAttempt(context, { act: what.act, by, code: "no-such-request", request: about });
    return migration ? clusterGoneAnswer(migration.cluster) : noSuchMigrationAnswer(id);
  }
  return updateMigration(context, id, async (current) => {
    if (!current) return { type: "stop", outcome: noMigrationAnswer(cluster.name) };
    return decideNow(context, by, current, cluster, what);
  });
}

async function decideNow(
  context: SlackContext,
  by: string,
  migration: Migration,
  cluster: Cluster,
  what: Act,
): Promise<UpdateStep<Migration, Message | null>> {
  const people = [migration.requester, ...migration.approvals.map((approval) => approval.by)];
  const person = await (what.act === "stop" ? enderFor : memberFor)(context, cluster, by, people);
  const departed =
    what.act === "approved" ? await departedApprovers(context, cluster, migration.approvals, whyNot(cluster)) : none;
  const now = context.now();
  const verdict = what.decide(migration, cluster, person, now, departed);
  if (verdict.type === "refused") {
    await noteAttempt(context, { act: what.act, by, code: verdict.code, request: migration });
    return { type: "stop", outcome: migrationRefusedAnswer(verdict.code, migration, cluster) };
  }
  const [gone] = departed;
  if (gone) return dropDeparted(migration, gone, now);
  const { after } = verdict;
  const detail = { plan: after.plan?.digest ?? "", why: what.why, state: after.state };
  return { type: "write", after, event: eventOf(what.event, after, by, now, detail), outcome: what.answer(after) };
}

/** Drops a former approver's approval, with its event, before it decides. */
function dropDeparted(migration: Migration, gone: readonly [string, string], now: Date): UpdateStep<Migration, never> {
  const [approver, why] = gone;
  const after = nextMigration(migration, withoutApprovalOf(migration, approver, why, now));
  const event = eventOf("migration.approval-dropped", after, "slack", now, { approver, why });
  return { type: "write-first", after, event };
}

export const migrationButtons: Buttons = {
  [askMigrationAction]: answers(async (context, by, value) => {
    const button = readAskValue(value);
    const cluster = button && context.config.clusters.get(button.cluster);
    if (cluster) return askForMigration(context, cluster, by, button.givenArns);
    await noteAttempt(context, { act: "migrate", by, code: "unreadable-button" });
    return failureAnswer(`${goneText("This plan")} Ask again.`);
  }),
  [stopMigrationAction]: answers((context, by, id) => stopMigration(context, by, id, "")),
  [retryMigrationAction]: answers(tryMigrationAgain),
};
