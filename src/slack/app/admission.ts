import type { Logger } from "pino";
import { z } from "zod";
import { type AccessRequest, peopleOf } from "../../access/record.ts";
import { parseJson } from "../../access/seal.ts";
import { withinTime } from "../../operations/deadlines.ts";
import { refusedHomeView } from "../look/home-view.ts";
import { approveAction, cancelAction, doneAction, revokeAction, stopMigrationAction } from "../show/buttons.ts";
import { withoutButtons } from "../show/lost-cards.ts";
import { answer, detailsModalId, type Message, messageModal, revokeModalId } from "../show/message.ts";
import { mention } from "../show/mrkdwn.ts";
import { placeOfClick } from "../show/shown-messages.ts";
import { noteAttempt, type TriedAct } from "./attempts.ts";
import type { SlackContext } from "./context.ts";
import type { Account } from "./directory.ts";
import {
  type FormChange,
  field,
  isAction,
  isCommand,
  isHomeOpened,
  isSubmission,
  isSuggestion,
  type SlackRequest,
  userIn,
} from "./payload.ts";
import { currentIdOf } from "./request-people.ts";

type NotAdmitted = Exclude<Account, "active"> | "unconfirmed";

/** Of the person who acts, or of the one who would get the access. */
const accountWords: Readonly<Record<NotAdmitted, string>> = {
  deactivated: "the Slack account is deactivated",
  guest: "guests of the workspace get no access",
  "of-another-workspace": "the account is of another workspace",
  bot: "only people get access",
  unknown: "Slack does not know the account",
  unconfirmed: "Slack did not confirm the account",
};

const helpers: Readonly<Partial<Record<NotAdmitted, string>>> = {
  guest: "a member",
  "of-another-workspace": "a member",
};

export function notAdmittedAnswer(account: NotAdmitted): Message {
  const why = accountWords[account];
  if (account === "unconfirmed") return answer(`:warning: Nothing changed: ${why}. Try again in a minute.`);
  return answer(`:warning: You can't use eks-access: ${why}. Ask ${helpers[account] ?? "a workspace administrator"}.`);
}

/** Nothing happens for another person. @param what did not happen */
function otherNotAdmittedAnswer(what: string, person: string, account: NotAdmitted, next: string): Message {
  const then = account === "unconfirmed" ? "Try again in a minute." : next;
  return answer(`:warning: ${what} for ${mention(person)}: ${accountWords[account]}.${then && ` ${then}`}`);
}

/** Null: they are an active member, so they can get it. */
export async function refuseOtherPerson(
  context: SlackContext,
  by: string,
  other: string,
  request: Pick<AccessRequest, "id" | "cluster">,
): Promise<Message | null> {
  const account = await accountOf(context, other);
  if (account === "active") return null;
  await noteAttempt(context, { act: "request", by, code: `requester-${account}`, request });
  return otherNotAdmittedAnswer("No request made", other, account, "");
}

/** If the requester or the asker left: AWS keys can outlive a Slack account. Null: an approval is possible. */
export async function refuseForRequester(
  context: SlackContext,
  request: AccessRequest,
  by: string,
): Promise<Message | null> {
  for (const person of peopleOf(request)) {
    const account = await accountOf(context, person);
    if (account === "active") continue;
    await noteAttempt(context, { act: "approved", by, code: `requester-${account}`, request });
    return otherNotAdmittedAnswer("Not approved", person, account, "Deny the request, or let it expire.");
  }
  return null;
}

async function accountOf({ directory, log }: SlackContext, user: string): Promise<Account | "unconfirmed"> {
  try {
    return await directory.accountOf(user);
  } catch (error) {
    log.warn({ err: error, user }, "Slack did not say whether an account is active");
    return "unconfirmed";
  }
}

/** Slack waits three seconds in all, and the work needs two. In milliseconds. */
const checkedWithinMs = 800;

/**
 * Before every command, button, form, search and App Home, so no handler asks again who acts. If Slack does not answer in time, people can only end
 * access, and `enderFor` waits for the answer. True: go on.
 */
export async function checkPerson(context: SlackContext, sent: SlackRequest): Promise<boolean> {
  const by = userIn(sent.body);
  const account: Account | "unconfirmed" =
    by === "" ? "unknown" : await withinTime(accountOf(context, by), checkedWithinMs, "unconfirmed" as const);
  if (account === "active") {
    nameSender(sent.body, await currentIdOf(context, by));
    return true;
  }
  if (account === "unconfirmed" && endsAndShowsNothing(sent)) return true;
  const attempt = await attemptIn(context, sent);
  // While Slack is slow, a look is no attempt.
  if (account !== "unconfirmed" || attempt.act !== "see") await noteAttempt(context, { by, code: account, ...attempt });
  await answerRefused(context.log, sent, account);
  return false;
}

const ending: ReadonlySet<string> = new Set([revokeAction, doneAction, cancelAction, revokeModalId]);

/** Access, or a migration by its card: in Details, Stop shows what is left of it, and the typed command names clusters and people. */
function endsAndShowsNothing(sent: SlackRequest): boolean {
  const { word } = wordsIn(sent);
  return ending.has(word) || (word === stopMigrationAction && !(isAction(sent) && sent.body.view));
}

/** From here on the sender has one id. With two, a person could approve their own request. */
function nameSender(body: object, id: string): void {
  if ("user_id" in body) body.user_id = id;
  for (const part of ["user", "event"]) {
    const named: unknown = field(body, part);
    if (typeof named !== "object" || named === null) continue;
    if ("id" in named) named.id = id;
    if ("user" in named) named.user = id;
  }
}

/** A search can show only options. @param account `of-another-workspace`: for example in a shared channel */
export async function answerRefused(log: Logger, sent: SlackRequest, account: NotAdmitted): Promise<void> {
  const user = userIn(sent.body);
  const message = notAdmittedAnswer(account);
  try {
    if (isCommand(sent)) await sent.ack({ response_type: "ephemeral", ...message });
    else if (isSuggestion(sent)) await sent.ack({ options: [] });
    else if (isSubmission(sent))
      await sent.ack({ response_action: "update", view: messageModal("eks-access", message) });
    else if (isHomeOpened(sent)) await sent.client.views.publish({ user_id: user, view: refusedHomeView(message) });
    else if (isAction(sent)) await answerAction(sent, user, account);
  } catch (error) {
    log.warn({ err: error, user }, "could not answer a person who can't use the bot");
  }
}

/** Beside the message, or in place of the clicked form or App Home. In their direct message no button works for them any more. */
async function answerAction(click: FormChange, user: string, account: NotAdmitted): Promise<void> {
  const { ack, body, respond, client } = click;
  await ack();
  const { view } = body;
  const message = notAdmittedAnswer(account);
  if (view?.type === "home")
    return void (await client.views.publish({ user_id: user, view: refusedHomeView(message) }));
  if (view) return void (await client.views.update({ view_id: view.id, view: messageModal("eks-access", message) }));
  const isTheirs = account !== "unconfirmed" && placeOfClick(body)?.channel.startsWith("D");
  const settled = isTheirs ? withoutButtons(body, message.text) : null;
  if (settled) await respond({ replace_original: true, ...settled });
  else await respond({ response_type: "ephemeral", replace_original: false, ...message });
}

/** The act of each button, form and command, in the audit log's words. The others only show. */
const acts: ReadonlyMap<string, TriedAct> = new Map<string, TriedAct>([
  ["approve", "approved"],
  ["deny", "denied"],
  ["request", "request"],
  ["ask-again", "request"],
  ["nudge", "request"],
  ["extend", "extend"],
  ["revoke", "revoke"],
  ["done", "revoke"],
  ["cancel", "cancel"],
  ["reviewed", "review"],
  ["break-glass", "break-glass"],
  ["link", "link"],
  ["confirm-link", "confirm-link"],
  ["refuse-link", "confirm-link"],
  ["ask-migration", "migrate"],
  [stopMigrationAction, "stop"],
  ["retry-migration", "retry"],
]);

async function attemptIn(context: SlackContext, sent: SlackRequest) {
  const { word, about } = wordsIn(sent);
  const act = acts.get(word) ?? "see";
  // The record has the cluster's name. Without the ledger, the refusal continues.
  const request = about === "" ? null : await context.ledger.get(about).catch(() => null);
  return { act, ...(about !== "" && { request: request ?? { id: about, cluster: "" } }) };
}

function wordsIn(sent: SlackRequest): { readonly word: string; readonly about: string } {
  if (isCommand(sent)) {
    const [word = "", about = ""] = sent.command.text.trim().split(/\s+/, 2);
    return { word: word.toLowerCase(), about: idIn(about) };
  }
  if (isSubmission(sent)) {
    const { callback_id: form, private_metadata: about } = sent.view;
    // The submit of Details is its Approve.
    return { word: form === detailsModalId ? approveAction : form, about: idIn(about) };
  }
  if (!isAction(sent)) return { word: "", about: "" };
  return { word: sent.action.action_id, about: "value" in sent.action ? idIn(sent.action.value ?? "") : "" };
}

const value = z.object({ request: z.string() });

function idIn(text: string): string {
  const id = value.safeParse(parseJson(text)).data?.request ?? text;
  return /^r-[a-z0-9-]{1,40}$/.test(id) ? id : "";
}
