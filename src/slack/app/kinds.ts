import type { AllMiddlewareArgs, AnyMiddlewareArgs } from "@slack/bolt";
import { z } from "zod";
import type { AuditEvent } from "../../access/audit/event.ts";
import type { Ledger } from "../../ledger/ledger.ts";
import type { FormChange, Suggestion } from "../ask/request-form.ts";
import { formActions } from "../ask/request-modal.ts";
import type { HomeOpened } from "../look/home.ts";
import type { ButtonClick, Submission } from "./answer.ts";
import type { SlashCommand } from "./commands.ts";

const id = z.string().max(100);

const origin = z.union([
  z.object({ container: z.object({ channel_id: id, message_ts: id }) }).transform(({ container }) => ({
    channel: container.channel_id,
    message: container.message_ts,
  })),
  z.object({ command: id, channel_id: id }).transform(({ command, channel_id: channel }) => ({ channel, command })),
  z.object({ view: z.object({ callback_id: id }) }).transform(({ view }) => ({ form: view.callback_id })),
]);

/** A request of Slack, as Bolt gives it to a middleware. */
export type SlackRequest = AnyMiddlewareArgs & AllMiddlewareArgs;

export function isCommand(sent: SlackRequest): sent is SlashCommand {
  return "command" in sent && sent.command.command === "/eks-access";
}

export function isHomeOpened(sent: SlackRequest): sent is HomeOpened {
  return "event" in sent && sent.event.type === "app_home_opened";
}

export function isSubmission(sent: SlackRequest): sent is Submission {
  return "view" in sent && sent.body.type === "view_submission";
}

const searched: ReadonlySet<string> = new Set([formActions.cluster, formActions.namespaces]);

export function isSuggestion(sent: SlackRequest): sent is Suggestion {
  return "options" in sent && sent.body.type === "block_suggestion" && searched.has(sent.body.action_id);
}

export function isAction(sent: SlackRequest): sent is FormChange {
  return "action" in sent && sent.body.type === "block_actions";
}

export function isClick(sent: FormChange): sent is FormChange & ButtonClick {
  return sent.action.type === "button";
}

interface SlackOrigin {
  readonly [key: string]: string;
}

/** Where in Slack a payload comes from; null: unknown. */
export function originOf(body: object): SlackOrigin | null {
  return origin.safeParse(body).data ?? null;
}

/** The ledger for one request of Slack: its events have the origin in `slack`. */
export function ledgerFor(ledger: Ledger, body: object): Ledger {
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
