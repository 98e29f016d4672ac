import type { Click } from "../../access/approvals.ts";
import { personOf, refuseDecision } from "../../access/decide.ts";
import { isMigrationId } from "../../access/lists.ts";
import type { Cluster } from "../../access/policy/cluster.ts";
import type { AccessRequest } from "../../access/record.ts";
import { refuseActor } from "../app/admission.ts";
import { type Buttons, denies, type Forms, formUnless, opens } from "../app/answer.ts";
import { actOf, noteAttempt } from "../app/attempts.ts";
import { type Command, idAndRest, type SlackContext } from "../app/context.ts";
import { factsFor } from "../app/request-people.ts";
import { readStatus } from "../look/status.ts";
import { approveBelowAnswer } from "../look/status-answer.ts";
import { decideOnMigration } from "../migrate/migration-clicks.ts";
import { noSuchMigrationAnswer } from "../migrate/migration-words.ts";
import { readMigrationToApprove } from "../migrate/read-migration-status.ts";
import { denyAction, readDecideValue } from "../show/buttons.ts";
import {
  clusterGoneAnswer,
  deniedAnswer,
  denyModal,
  denyModalId,
  type Message,
  maxWhyLength,
  noSuchRequestAnswer,
} from "../show/message.ts";
import { clickAnswer, decideRequest, missingReasonAnswer, unreadableButton } from "./decision-click.ts";

/** A typed line can't say which change the person saw (law 4): the answer shows it, and a button with its digest. */
export const approve: Command = {
  word: "approve",
  usage: "<id>",
  summary: "shows the change, with the button that approves exactly that",
  forApprovers: true,
  run: async (context, { user, rest }) => {
    const [id] = idAndRest(rest);
    if (isMigrationId(id)) return readMigrationToApprove(context, user, id);
    const request = await context.ledger.get(id);
    if (!request) return noSuchRequestAnswer(id);
    const turnedAway = await refuseActor(context, user, "approve", request);
    if (turnedAway) return turnedAway;
    const cluster = context.config.clusters.get(request.cluster);
    if (!cluster) return clusterGoneAnswer(request.cluster);
    const click = { verdict: "approved", by: user, digest: request.preview?.digest ?? "" } as const;
    const refusal = await refuseShown(context, request, cluster, click);
    return refusal ?? approveBelowAnswer(await readStatus(context, user, id));
  },
};

/** A denial needs no digest: it gives nothing. */
export const deny: Command = {
  word: "deny",
  usage: "<id> <why>",
  summary: "denies a request; the requester reads your reason",
  forApprovers: true,
  records: true,
  run: async (context, { user, rest }) => {
    const [id, why] = idAndRest(rest);
    if (isMigrationId(id)) return denyMigration(context, user, id, why);
    const request = await context.ledger.get(id);
    if (!request) return noSuchRequestAnswer(id);
    if (isNoReason(why)) return missingReasonAnswer(id, why.length, maxWhyLength);
    const digest = request.preview?.digest ?? "";
    return (await decideRequest(context, id, { verdict: "denied", by: user, digest, why })) ?? deniedAnswer(id);
  },
};

async function denyMigration(context: SlackContext, by: string, id: string, why: string): Promise<Message> {
  const migration = await context.ledger.migrations.get(id);
  if (!migration) return noSuchMigrationAnswer(id);
  if (isNoReason(why)) return missingReasonAnswer(id, why.length, maxWhyLength);
  const digest = migration.plan?.digest ?? "";
  return (await decideOnMigration(context, by, id, { verdict: "denied", digest, why })) ?? deniedAnswer(id);
}

function isNoReason(why: string): boolean {
  return why === "" || why.length > maxWhyLength;
}

export const denyButtons: Buttons = {
  [denyAction]: opens((context, user, value) =>
    formUnless(refuseToDeny(context, user, readDecideValue(value)), denyModal(value)),
  ),
};
export const denyForms: Forms = {
  [denyModalId]: denies(async (context, by, value, why) => {
    const button = readDecideValue(value);
    if (!button) return unreadableButton(context, "deny", by);
    return decideRequest(context, button.request, { verdict: "denied", by, digest: button.digest, why });
  }),
};

async function refuseToDeny(
  context: SlackContext,
  by: string,
  shown: ReturnType<typeof readDecideValue>,
): Promise<Message | null> {
  const request = shown && (await context.ledger.get(shown.request));
  if (!shown || !request) return unreadableButton(context, "deny", by);
  const cluster = context.config.clusters.get(request.cluster);
  if (!cluster) return clusterGoneAnswer(request.cluster);
  return refuseShown(context, request, cluster, { verdict: "denied", by, digest: shown.digest });
}

/** Before the form or the button: null, a click on it can decide. @throws AccessError */
async function refuseShown(
  context: SlackContext,
  request: AccessRequest,
  cluster: Cluster,
  click: Omit<Click, "why">,
): Promise<Message | null> {
  const facts = await factsFor(context, cluster, request, click);
  const code = refuseDecision(request, cluster, click, context.now(), facts);
  if (!code) return null;
  const { by, digest } = click;
  await noteAttempt(context, { act: actOf(click.verdict), by, code, request, detail: { digest } });
  return clickAnswer(code, request, cluster, personOf(by, facts));
}
