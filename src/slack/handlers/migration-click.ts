import { z } from "zod";
import {
  approveMigration,
  decisionDetail,
  migrationName,
  standingApprovals,
} from "../../approval/migration-approval.ts";
import { refuseActor } from "../admission.ts";
import { noteAttempt } from "../attempts.ts";
import type { SlackContext } from "../context.ts";
import type { Message } from "../messages/message.ts";
import { migrationApprovedAnswer, migrationRefusedAnswer } from "../messages/migration-answer.ts";
import { personFor } from "../standing.ts";
import { answerClick, type ButtonClick } from "./answer-click.ts";

const buttonValue = z.strictObject({ cluster: z.string(), digest: z.string().regex(/^[0-9a-f]{64}$/) });

/** Older events of a migration than these are of other plans. */
const mostEvents = 1000;

/** The button Approve of a plan: the digest binds the click to the plan that stands above it. */
export function handleApproveMigrationButton(context: SlackContext, click: ButtonClick): Promise<void> {
  return answerClick(context, click, () => approve(context, click.body.user.id, click.action.value ?? ""));
}

async function approve(context: SlackContext, user: string, value: string): Promise<Message | null> {
  const { config, ledger, sealKeys, now } = context;
  const { cluster: name, digest } = buttonValue.parse(JSON.parse(value));
  const cluster = config.clusters.get(name);
  if (!cluster) return null;
  const about = { id: migrationName(cluster), cluster: name };
  const turnedAway = await refuseActor(context, user, "approve", about);
  if (turnedAway) return turnedAway;
  const person = await personFor(context, cluster, user);
  const events = (await ledger.eventsOf(about.id, mostEvents)).map(({ event }) => event);
  const lapses = config.timing.requestLapsesAfterSeconds;
  const given = standingApprovals(events, cluster, digest, sealKeys, now(), lapses);
  const clicked = approveMigration(cluster, person, digest, given, sealKeys, now());
  if (clicked.type === "refused") {
    await noteAttempt(context, { act: "approve", by: user, code: clicked.code, request: about });
    return migrationRefusedAnswer(cluster, clicked.code);
  }
  const { decision } = clicked;
  const detail = { decision: decisionDetail(decision) };
  const who = { at: decision.at, actor: user, request: about.id, cluster: name };
  await ledger.append({ type: "migration.approved", ...who, detail });
  return migrationApprovedAnswer(cluster, digest, given.length + 1);
}
