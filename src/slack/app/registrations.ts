import type { AnyMiddlewareArgs, Middleware } from "@slack/bolt";
import type { Logger } from "pino";
import type { AuditEvent } from "../../access/audit-event.ts";
import { namesIn } from "../../access/policy/rule.ts";
import type { Config } from "../../config/config.ts";
import type { Ledger } from "../../ledger/ledger.ts";
import { wake } from "../../ledger/queues.ts";
import { logAbout } from "../../operations/log.ts";
import {
  breakGlassButtons,
  breakGlassClusterAction,
  breakGlassForms,
  handleBreakGlassCluster,
  handleBreakGlassSearch,
} from "../ask/break-glass.ts";
import { extensionButtons, extensionForms } from "../ask/extend.ts";
import { handleNamespaceSearch } from "../ask/form-fields.ts";
import { nudgeButtons } from "../ask/nudge.ts";
import { requestButtons, requestForms } from "../ask/request.ts";
import { formChangeHandler, handleClusterSearch } from "../ask/request-form.ts";
import { formActions } from "../ask/request-modal.ts";
import { denyButtons, denyForms, reviewButtons, reviewForms } from "../decide/decide-commands.ts";
import { approveButtons, detailsForms } from "../decide/decision-click.ts";
import { endButtons, endForms } from "../decide/end-access.ts";
import { linkButtons } from "../link/link.ts";
import { homeOpenedHandler } from "../look/home.ts";
import { listButtons } from "../look/list.ts";
import { migrationButtons } from "../migrate/migration-clicks.ts";
import type { MessageUpdates } from "../show/shown-messages.ts";
import { answerRefused, checkPerson } from "./admission.ts";
import type { SeenRequests } from "./admit.ts";
import { detailsButtons, settleClicked } from "./answer.ts";
import { commandButtons, handleCommand } from "./commands.ts";
import type { SlackContext } from "./context.ts";
import {
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
  type SlackRequest,
  type Suggestion,
  teamOf,
} from "./payload.ts";

// Maps, because the ids come from outside: an object has inherited keys such as `constructor`.

const buttons = new Map(
  Object.entries({
    ...{ ...approveButtons, ...denyButtons, ...detailsButtons, ...endButtons, ...reviewButtons },
    ...{ ...requestButtons, ...extensionButtons, ...nudgeButtons, ...breakGlassButtons },
    ...{ ...commandButtons, ...linkButtons, ...listButtons, ...migrationButtons },
  }),
);

const forms = new Map(
  Object.entries({
    ...{ ...requestForms, ...detailsForms, ...denyForms, ...endForms, ...reviewForms },
    ...{ ...extensionForms, ...breakGlassForms },
  }),
);

const searches: ReadonlyMap<string, (context: SlackContext, search: Suggestion) => Promise<void>> = new Map([
  [formActions.cluster, handleClusterSearch],
  [formActions.namespaces, handleNamespaceSearch],
  [breakGlassClusterAction, handleBreakGlassSearch],
]);

/** Slack opens some hundred forms a minute for all people together. */
const formsPerMinute = 30;
/** Counts the forms of each person in this process. */
function formCount(now: () => Date): SlackContext["opensTooMany"] {
  const opened = new Map<string, number>();
  let minute = 0;
  return (user) => {
    const current = Math.floor(now().getTime() / 60_000);
    if (current !== minute) opened.clear();
    minute = current;
    const count = (opened.get(user) ?? 0) + 1;
    opened.set(user, count);
    return count > formsPerMinute;
  };
}

/** The ledger for one request of Slack: its events have the origin in `slack`. */
function ledgerFor(ledger: Ledger, body: object): Ledger {
  const from = (event: AuditEvent, slack = originOf(body)): AuditEvent =>
    slack ? { ...event, detail: { ...event.detail, slack } } : event;
  return {
    ...ledger,
    commit: (change) => ledger.commit({ ...change, event: change.event && from(change.event) }),
    append: (event) => ledger.append(from(event)),
    note: (event) => ledger.note(from(event)),
    changeLink: (change) => ledger.changeLink({ ...change, event: from(change.event) }),
  };
}

/** The context of each request, but for the configuration at its time. */
export interface StartContext extends Omit<SlackContext, "config" | "opensTooMany"> {
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
  const [handleFormChange, handleHomeOpened] = [formChangeHandler(), homeOpenedHandler()];
  const opensTooMany = formCount(given.now);
  const formActionIds = new Set<string>(Object.values(formActions));
  return async (sent) => {
    const config = configuration();
    const group = changedGroup(sent);
    // No person sent it. Slack is asked for the people.
    if (group !== null) {
      const named = [...config.clusters.values()].flatMap(namesIn);
      return void (named.some((name) => name === group) && groupChanged());
    }
    const { about } = sent.context;
    const log = typeof about === "string" ? logAbout(given.log, about) : given.log;
    const from = { ...given, opensTooMany, config, log, ledger: ledgerFor(given.ledger, sent.body) };
    // Slack takes a hundred Homes a minute for all people together, and an open one follows each change.
    if (isHomeOpened(sent) && opensTooMany(sent.event.user)) return;
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
    await buttons.get(sent.action.action_id)?.(from, sent);
    await settleClicked(from, sent);
    // Now a message that waits for Slack can change.
    if (isLimited && typeof about === "string") await wake(from.queues, { type: "show", record: about });
  };
}

/** True: go on. A middleware of Bolt's own for each would copy all that it gives to one. */
type Guard = (sent: SlackRequest) => Promise<boolean>;

interface Ours {
  readonly place: Installation;
  /** The app's id; null: not configured, so only the signing secret identifies the app. */
  readonly app: string | null;
}

/** Or our organization, and our app. A person of another workspace gets an answer; another app gets none. */
export function onlyOurWorkspace({ place, app }: Ours, log: Logger): Guard {
  return async (sent) => {
    const { body } = sent;
    const from = { team: teamOf(body), app: field(body, "api_app_id") };
    const isOurApp = app === null || from.app === app;
    if (isOurApp && isFrom(place, body)) return true;
    log.warn(from, "refused a request of another workspace or app");
    if (isOurApp) await answerRefused(log, sent, "of-another-workspace");
    return false;
  };
}

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
): Guard {
  return async (sent) => {
    const { body, context } = sent;
    const id = deliveryId(body);
    if (id === null || (await seen.isNew(`delivery:${id}`))) return true;
    log.info({ retry: context.retryNum, reason: context.retryReason }, "Slack sent a request again; it counts once");
    if (!isRetry(body, context.retryNum, mode)) replayed(body);
    if ("ack" in sent) await sent.ack?.();
    return false;
  };
}
