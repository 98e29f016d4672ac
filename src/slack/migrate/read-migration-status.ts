import type { Button, KnownBlock } from "@slack/types";
import type { ChainedEvent } from "../../access/audit-event.ts";
import { type MigrationClick, refuseMigrationClick } from "../../access/decide-migration.ts";
import type { DoneStep, Migration } from "../../access/migration.ts";
import type { Cluster } from "../../access/policy/cluster.ts";
import { type MigrationAct, maySeeRequest, migrationActsOf } from "../../access/policy/permissions.ts";
import { refuseActor } from "../app/admission.ts";
import { actOf, noteAttempt } from "../app/attempts.ts";
import type { SlackContext } from "../app/context.ts";
import { personFor } from "../app/request-people.ts";
import { approveBelowAnswer, readRemoved } from "../look/status-answer.ts";
import { detailsButton } from "../show/buttons.ts";
import { clusterGoneAnswer, type Message, messageOf, notYoursAnswer } from "../show/message.ts";
import { actions, code, context, section, styled, time } from "../show/mrkdwn.ts";
import { timelineText } from "../show/timeline.ts";
import {
  approveMigrationButton,
  denyMigrationButton,
  retryMigrationButton,
  stopMigrationButton,
} from "./migration-buttons.ts";
import { migrationRefusedAnswer, migrationWord, noSuchMigrationAnswer } from "./migration-words.ts";
import { migrationBlocks, type Place, showsWholePlan } from "./plan-answer.ts";

const buttonOf: Readonly<Record<MigrationAct, (migration: Migration) => Button>> = {
  approve: approveMigrationButton,
  deny: denyMigrationButton,
  retry: retryMigrationButton,
  stop: stopMigrationButton,
};

/** Each has its proof; older ones are in the thread. */
const maxProofs = 5;

/** A migration of a hundred entries has more events: it shows the beginning and the end. */
const maxEvents = 500;

export async function readMigrationStatus(
  context: SlackContext,
  user: string,
  id: string,
  place: Place = "message",
): Promise<Message> {
  const migration = await context.ledger.migrations.get(id);
  if (!migration) return (await readRemoved(context, user, id)) ?? noSuchMigrationAnswer(id);
  const cluster = context.config.clusters.get(migration.cluster);
  const person = await personFor(context, cluster, user, [migration.requester]);
  if (!maySeeRequest(migration, cluster, person)) {
    await noteAttempt(context, { act: "see", by: user, code: "not-yours", request: migration });
    return notYoursAnswer(migration);
  }
  const events = await context.ledger.eventsOf(id, maxEvents);
  const acts = migrationActsOf(migration, cluster, person, context.now());
  return migrationStatusAnswer({ migration, events, acts }, place);
}

/** The answer to a typed `approve`: the plan above the button with its digest (law 4). @throws AccessError */
export async function readMigrationToApprove(context: SlackContext, user: string, id: string): Promise<Message> {
  const migration = await context.ledger.migrations.get(id);
  if (!migration) return noSuchMigrationAnswer(id);
  const turnedAway = await refuseActor(context, user, "approve", migration);
  if (turnedAway) return turnedAway;
  const cluster = context.config.clusters.get(migration.cluster);
  if (!cluster) return clusterGoneAnswer(migration.cluster);
  const click = { verdict: "approved", digest: migration.plan?.digest ?? "", why: "" } as const;
  const refusal = await refuseShown(context, user, migration, cluster, click);
  if (refusal) return refusal;
  const status = await readMigrationStatus(context, user, id);
  return showsWholePlan(migration, "message") ? approveBelowAnswer(status) : status;
}

/** Before the form or the button: null, a click on it can decide. @throws AccessError */
export async function refuseShown(
  context: SlackContext,
  by: string,
  migration: Migration,
  cluster: Cluster,
  click: Omit<MigrationClick, "why">,
): Promise<Message | null> {
  const approvers = migration.approvals.map((approval) => approval.by);
  const person = await personFor(context, cluster, by, approvers);
  const code = refuseMigrationClick(migration, cluster, person, click, context.now());
  if (!code) return null;
  await noteAttempt(context, { act: actOf(click.verdict), by, code, request: migration });
  return migrationRefusedAnswer(code, migration, cluster);
}

interface MigrationStatus {
  readonly migration: Migration;
  readonly events: readonly ChainedEvent[];
  readonly acts: readonly MigrationAct[];
}

export function migrationStatusAnswer({ migration, events, acts }: MigrationStatus, place: Place = "message"): Message {
  const isWhole = showsWholePlan(migration, place);
  const elements = [
    ...(place === "view" || isWhole || !acts.includes("approve") ? [] : [detailsButton(migration)]),
    ...acts.filter((act) => act !== "approve" || isWhole).map((act) => buttonOf[act](migration)),
  ];
  return messageOf([
    ...migrationBlocks(migration, place),
    ...(migration.state === "pending"
      ? [context(`Expires ${time(migration.expiresAt)}.`)]
      : proofBlocks(migration.done)),
    section(`*What happened*\n${timelineText(events, 1500, migrationWord(migration))}`),
    ...(elements.length > 0 ? [actions(`migration-status-${migration.id}`, elements)] : []),
  ]);
}

function proofBlocks(done: readonly DoneStep[]): KnownBlock[] {
  if (done.length === 0) return [];
  const lines = done
    .slice(-maxProofs)
    .map(({ name, at, proof }) => `✓ ${code(name, 100)} ${time(at)}: ${styled(proof.join(" "), 400)}`);
  const title = done.length > lines.length ? `*Proved*, the last ${lines.length} of ${done.length} steps` : "*Proved*";
  return [section(`${title}\n${lines.join("\n")}`)];
}
