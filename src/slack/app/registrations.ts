import type { AllMiddlewareArgs, AnyMiddlewareArgs, Middleware } from "@slack/bolt";
import type { Logger } from "pino";
import type { AuditEvent } from "../../access/audit-event.ts";
import { namesIn } from "../../access/policy/rule.ts";
import type { Config } from "../../config/config.ts";
import type { Ledger } from "../../ledger/ledger.ts";
import { wake } from "../../ledger/queues.ts";
import { logAbout } from "../../operations/log.ts";
import {
  breakGlassClusterAction,
  breakGlassModalId,
  handleBreakGlassButton,
  handleBreakGlassCluster,
  handleBreakGlassSubmission,
} from "../ask/break-glass.ts";
import { extendModalId, handleExtendButton, handleExtendSubmission } from "../ask/extend.ts";
import { handleNamespaceSearch } from "../ask/form-fields.ts";
import { handleNudgeButton } from "../ask/nudge.ts";
import { handleAskAgainButton, handleRequestButton, handleRequestSubmission } from "../ask/request.ts";
import { formChangeHandler, handleClusterSearch } from "../ask/request-form.ts";
import { formActions, requestModalId } from "../ask/request-modal.ts";
import { handleDenyButton, handleDenySubmission } from "../decide/decide-commands.ts";
import { handleApproveButton, handleDetailsSubmission } from "../decide/decision-click.ts";
import {
  handleCancelButton,
  handleDoneButton,
  handleRevokeButton,
  handleRevokeSubmission,
} from "../decide/end-access.ts";
import { handleReviewedButton, handleReviewedSubmission, reviewedModalId } from "../decide/review-emergency.ts";
import { handleConfirmLinkButton, handleRefuseLinkButton } from "../link/link.ts";
import { handleHomeOpened } from "../look/home.ts";
import { handleListButton } from "../look/list.ts";
import {
  handleApproveMigrationButton,
  handleAskMigrationButton,
  handleDenyMigrationButton,
  handleDenyMigrationSubmission,
  handleRetryMigrationButton,
  handleStopMigrationButton,
} from "../migrate/migration-clicks.ts";
import {
  approveAction,
  approveMigrationAction,
  askAgainAction,
  askMigrationAction,
  breakGlassAction,
  cancelAction,
  confirmLinkAction,
  denyAction,
  denyMigrationAction,
  detailsAction,
  doneAction,
  extendAction,
  helpAction,
  listActions,
  nudgeAction,
  refuseLinkAction,
  requestAction,
  retryMigrationAction,
  reviewedAction,
  revokeAction,
  runAction,
  stopMigrationAction,
} from "../show/buttons.ts";
import {
  answer,
  denyMigrationModalId,
  denyModalId,
  detailsModalId,
  type Message,
  revokeModalId,
} from "../show/message.ts";
import type { MessageUpdates } from "../show/message-updates.ts";
import { answerForeigner, checkPerson } from "./admission.ts";
import type { SeenRequests } from "./admit.ts";
import { answerClick, handleDetailsButton, settleClicked } from "./answer.ts";
import { handleCommand, handleHelpButton, handleRunButton } from "./commands.ts";
import type { SlackContext } from "./context.ts";
import {
  type ButtonClick,
  changedGroup,
  deliveryId,
  field,
  type Installation,
  isAction,
  isClick,
  isCommand,
  isFrom,
  isHomeOpened,
  isRetry,
  isSubmission,
  isSuggestion,
  originOf,
  type Submission,
  type Suggestion,
  teamOf,
} from "./payload.ts";

/** A map, because the ids come from outside: an object has inherited keys such as `constructor`. */
const buttons: ReadonlyMap<string, (context: SlackContext, click: ButtonClick) => Promise<void>> = new Map([
  [approveAction, handleApproveButton],
  [denyAction, handleDenyButton],
  [detailsAction, handleDetailsButton],
  [extendAction, handleExtendButton],
  [doneAction, handleDoneButton],
  [revokeAction, handleRevokeButton],
  [cancelAction, handleCancelButton],
  [reviewedAction, handleReviewedButton],
  [nudgeAction, handleNudgeButton],
  [helpAction, handleHelpButton],
  [runAction, handleRunButton],
  [breakGlassAction, handleBreakGlassButton],
  [requestAction, handleRequestButton],
  ...Object.values(listActions).map((action) => [action, handleListButton] as const),
  [askAgainAction, handleAskAgainButton],
  [askMigrationAction, handleAskMigrationButton],
  [approveMigrationAction, handleApproveMigrationButton],
  [denyMigrationAction, handleDenyMigrationButton],
  [stopMigrationAction, handleStopMigrationButton],
  [retryMigrationAction, handleRetryMigrationButton],
  [confirmLinkAction, handleConfirmLinkButton],
  [refuseLinkAction, handleRefuseLinkButton],
]);

const forms: ReadonlyMap<string, (context: SlackContext, submission: Submission) => Promise<void>> = new Map([
  [requestModalId, handleRequestSubmission],
  [detailsModalId, handleDetailsSubmission],
  [denyModalId, handleDenySubmission],
  [denyMigrationModalId, handleDenyMigrationSubmission],
  [revokeModalId, handleRevokeSubmission],
  [extendModalId, handleExtendSubmission],
  [reviewedModalId, handleReviewedSubmission],
  [breakGlassModalId, handleBreakGlassSubmission],
]);

const searches: ReadonlyMap<string, (context: SlackContext, search: Suggestion) => Promise<void>> = new Map([
  [formActions.cluster, handleClusterSearch],
  [formActions.namespaces, handleNamespaceSearch],
]);

/** Slack opens some hundred forms a minute for all people together. */
const formsPerMinute = 30;
/** The buttons that open one. Nothing keeps a person from Revoke. */
const opening: ReadonlySet<string> = new Set([
  ...[denyAction, detailsAction, extendAction, reviewedAction, breakGlassAction],
  ...[requestAction, askAgainAction, denyMigrationAction],
]);

/** Counts the forms of each person in this process. True: this one is too many. */
function formCount(): (user: string, now: Date) => boolean {
  const opened = new Map<string, number>();
  let minute = 0;
  return (user, now) => {
    const current = Math.floor(now.getTime() / 60_000);
    if (current !== minute) opened.clear();
    minute = current;
    const count = (opened.get(user) ?? 0) + 1;
    opened.set(user, count);
    return count > formsPerMinute;
  };
}

function tooManyFormsAnswer(): Message {
  return answer(":hourglass: You opened many forms just now. Try again in a minute.");
}

/** The ledger for one request of Slack: its events have the origin in `slack`. */
function ledgerFor(ledger: Ledger, body: object): Ledger {
  const slack = originOf(body);
  if (!slack) return ledger;
  const from = (event: AuditEvent): AuditEvent => ({ ...event, detail: { ...event.detail, slack } });
  return {
    ...ledger,
    commit: (change) => ledger.commit({ ...change, event: change.event && from(change.event) }),
    append: (event) => ledger.append(from(event)),
    note: (event) => ledger.note(from(event)),
    changeLink: (change) => ledger.changeLink({ ...change, event: from(change.event) }),
  };
}

/** The context of each request, but for the configuration at its time. */
export interface StartContext extends Omit<SlackContext, "config"> {
  readonly configuration: () => Config;
  /** Called when the people of one of the policy's user groups changed. */
  readonly groupChanged: () => void;
}

/**
 * Every request of Slack with its handler, as one middleware: six of Bolt's own cost a quarter of a command's processor
 * time.
 * @param configuration each handler keeps its first one
 */
export function handlerOf(
  { configuration, groupChanged, ...given }: StartContext,
  updates: Pick<MessageUpdates, "noteClick">,
): Middleware<AnyMiddlewareArgs> {
  const handleFormChange = formChangeHandler();
  const opensTooMany = formCount();
  const formActionIds = new Set<string>(Object.values(formActions));
  return async (sent) => {
    const context = { ...given, config: configuration() };
    const group = changedGroup(sent);
    // No person sent it. Slack is asked for the people.
    if (group !== null) return void (isNamed(group, context.config) && groupChanged());
    const { about } = sent.context;
    const log = typeof about === "string" ? logAbout(context.log, about) : context.log;
    const from = { ...context, log, ledger: ledgerFor(context.ledger, sent.body) };
    if (!(await checkPerson(from, sent))) return;
    if (isCommand(sent)) return handleCommand(from, sent);
    if (isHomeOpened(sent)) return handleHomeOpened(from, sent);
    if (isSubmission(sent)) return forms.get(sent.view.callback_id)?.(from, sent);
    if (isSuggestion(sent)) return searches.get(sent.body.action_id)?.(from, sent);
    if (!isAction(sent)) return;
    if (formActionIds.has(sent.action.action_id)) return handleFormChange(from, sent);
    if (sent.action.action_id === breakGlassClusterAction) return handleBreakGlassCluster(from, sent);
    if (!isClick(sent)) return;
    const isLimited = updates.noteClick(sent.body);
    const isTooQuick = opening.has(sent.action.action_id) && opensTooMany(sent.body.user.id, context.now());
    if (isTooQuick) return answerClick(from, sent, async () => tooManyFormsAnswer());
    await buttons.get(sent.action.action_id)?.(from, sent);
    await settleClicked(from, sent);
    // Now a message that waits for Slack can change.
    if (isLimited && typeof about === "string") await wake(from.queues, { type: "show", record: about });
  };
}

function isNamed(group: unknown, { clusters }: Config): boolean {
  return [...clusters.values()].some((cluster) => namesIn(cluster).some((name) => name === group));
}

interface Ours {
  readonly place: Installation;
  /** The app's id; null: not configured, so only the signing secret identifies the app. */
  readonly app: string | null;
}

/** Or our organization, and our app. A person of another workspace gets an answer; another app gets none. */
export function onlyOurWorkspace({ place, app }: Ours, log: Logger): Middleware<AnyMiddlewareArgs> {
  return async (sent) => {
    const { body, next } = sent;
    const from = { team: teamOf(body), app: field(body, "api_app_id") };
    const isOurApp = app === null || from.app === app;
    if (isOurApp && isFrom(place, body)) return next();
    log.warn(from, "refused a request of another workspace or app");
    if (isOurApp) await answerForeigner({ log }, sent);
  };
}

type Once = (args: AllMiddlewareArgs & { body: object; ack?: (() => Promise<unknown>) | undefined }) => Promise<void>;

/**
 * Slack resends an unacknowledged request (`x-slack-retry-num`, or `retry_attempt` on a socket), newly signed and to
 * any process. A retry has the same id: it is acknowledged and not done again. A repetition without that mark is an
 * attack: `replayed` records it.
 */
export function onlyOnce(
  seen: SeenRequests,
  log: Logger,
  replayed: (body: object) => void,
  mode: "http" | "socket",
): Once {
  return async ({ body, context, ack, next }) => {
    const id = deliveryId(body);
    if (id === null || (await seen.isNew(`delivery:${id}`))) return next();
    log.info({ retry: context.retryNum, reason: context.retryReason }, "Slack sent a request again; it counts once");
    if (!isRetry(body, context.retryNum, mode)) replayed(body);
    await ack?.();
  };
}
