import { answerClick, type ButtonClick } from "../app/answer-click.ts";
import { answerSubmission, type Submission } from "../app/answer-submission.ts";
import type { SlackContext } from "../app/context.ts";
import { failureAnswer } from "../ask/answers.ts";
import { openOnClick } from "../ask/open-form.ts";
import type { Message } from "../blocks/message.ts";
import { denyMigrationModal } from "../blocks/modals.ts";
import { refuseEmptyReason } from "../decide/reason-submission.ts";
import { noteAttempt } from "../people/attempts.ts";
import { askForMigration, decideOnMigration, stopMigration, tryMigrationAgain } from "./migration-clicks.ts";
import { readAskValue, readMigrationValue } from "./migration-values.ts";

/** Asks for the move whose plan stands above the button. */
export function handleAskMigrationButton(context: SlackContext, click: ButtonClick): Promise<void> {
  const by = click.body.user.id;
  return answerClick(context, click, async () => {
    const button = readAskValue(click.action.value ?? "");
    const cluster = button && context.config.clusters.get(button.cluster);
    return cluster ? askForMigration(context, cluster, by, button.told) : unreadable(context, "migrate", by);
  });
}

export function handleApproveMigrationButton(context: SlackContext, click: ButtonClick): Promise<void> {
  const by = click.body.user.id;
  return answerClick(context, click, async () => {
    const button = readMigrationValue(click.action.value ?? "");
    if (!button) return unreadable(context, "approve", by);
    return decideOnMigration(context, by, button.migration, { verdict: "approved", digest: button.digest, why: "" });
  });
}

/** Deny asks why first. */
export function handleDenyMigrationButton(context: SlackContext, click: ButtonClick): Promise<void> {
  return openOnClick(context, click, async () => denyMigrationModal(click.action.value ?? ""));
}

export function handleWithdrawMigrationButton(context: SlackContext, click: ButtonClick): Promise<void> {
  return answerClick(context, click, () => stopMigration(context, click.body.user.id, click.action.value ?? "", ""));
}

export function handleRetryMigrationButton(context: SlackContext, click: ButtonClick): Promise<void> {
  return answerClick(context, click, () => tryMigrationAgain(context, click.body.user.id, click.action.value ?? ""));
}

/** The reason is there: the migration is denied, and its message says so. */
export async function handleDenyMigrationSubmission(context: SlackContext, submission: Submission): Promise<void> {
  const why = await refuseEmptyReason(submission);
  if (why === null) return;
  const by = submission.body.user.id;
  await answerSubmission(context, submission, "Not denied", async () => {
    const button = readMigrationValue(submission.view.private_metadata);
    if (!button) return unreadable(context, "deny", by);
    return decideOnMigration(context, by, button.migration, { verdict: "denied", digest: button.digest, why });
  });
}

/** A button of a form that we do not make any more, or never did. */
async function unreadable(context: SlackContext, act: "approve" | "deny" | "migrate", by: string): Promise<Message> {
  await noteAttempt(context, { act, by, code: "unreadable-button" });
  return failureAnswer("There is no such migration any more. Ask for it again.");
}
