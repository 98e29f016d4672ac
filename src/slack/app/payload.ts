import type {
  AllMiddlewareArgs,
  AnyMiddlewareArgs,
  BlockAction,
  ButtonAction,
  SlackActionMiddlewareArgs,
  SlackCommandMiddlewareArgs,
  SlackEventMiddlewareArgs,
  SlackOptionsMiddlewareArgs,
  SlackViewMiddlewareArgs,
  ViewSubmitAction,
} from "@slack/bolt";
import type { AuthTestResponse } from "@slack/web-api";
import { z } from "zod";

// What Slack sends: which kind it is, who sent it, and from where.

/** A request of Slack, as Bolt gives it to a middleware. */
export type SlackRequest = AnyMiddlewareArgs & AllMiddlewareArgs;
export type SlashCommand = SlackCommandMiddlewareArgs & AllMiddlewareArgs;
export type HomeOpened = SlackEventMiddlewareArgs<"app_home_opened"> & AllMiddlewareArgs;
export type Submission = SlackViewMiddlewareArgs<ViewSubmitAction> & AllMiddlewareArgs;
export type Suggestion = SlackOptionsMiddlewareArgs<"block_suggestion"> & AllMiddlewareArgs;
export type FormChange = SlackActionMiddlewareArgs<BlockAction> & AllMiddlewareArgs;
export type ButtonClick = SlackActionMiddlewareArgs<BlockAction<ButtonAction>> & AllMiddlewareArgs;

export function isCommand(sent: SlackRequest): sent is SlashCommand {
  return "command" in sent && sent.command.command === "/eks-access";
}

export function isHomeOpened(sent: SlackRequest): sent is HomeOpened {
  return "event" in sent && sent.event.type === "app_home_opened";
}

/** The user group that changed its people, name or state; null: Slack sent something else. */
export function changedGroup(sent: SlackRequest): unknown {
  if (!("event" in sent)) return null;
  if (sent.event.type === "subteam_members_changed") return field(sent.event, "subteam_id");
  return sent.event.type === "subteam_updated" ? field(sent.event.subteam, "id") : null;
}

export function isSubmission(sent: SlackRequest): sent is Submission {
  return "view" in sent && sent.body.type === "view_submission";
}

export function isSuggestion(sent: SlackRequest): sent is Suggestion {
  return "options" in sent && sent.body.type === "block_suggestion";
}

export function isAction(sent: SlackRequest): sent is FormChange {
  return "action" in sent && sent.body.type === "block_actions";
}

export function isClick(sent: FormChange): sent is FormChange & ButtonClick {
  return sent.action.type === "button";
}

const userId = z.string().min(1).max(60);

const sender = z.union([
  z.object({ user: z.object({ id: userId }) }).transform(({ user }) => user.id),
  z.object({ user_id: userId }).transform(({ user_id }) => user_id),
  z.object({ event: z.object({ user: userId }) }).transform(({ event }) => event.user),
]);

/** Empty: the sender is unknown. */
export function userIn(body: object): string {
  return sender.safeParse(body).data ?? "";
}

const id = z.string().max(100);

const origin = z.union([
  z.object({ container: z.object({ channel_id: id, message_ts: id }) }).transform(({ container }) => ({
    channel: container.channel_id,
    message: container.message_ts,
  })),
  z.object({ command: id, channel_id: id }).transform(({ command, channel_id: channel }) => ({ channel, command })),
  z.object({ view: z.object({ callback_id: id }) }).transform(({ view }) => ({ form: view.callback_id })),
]);

/** Where in Slack a payload comes from; null: unknown. */
export function originOf(body: object): { readonly [key: string]: string } | null {
  return origin.safeParse(body).data ?? null;
}

const text = z.string();

const forms = {
  command: z.object({ command: text, text: text.default("") }),
  click: z.object({ actions: z.tuple([z.object({ action_id: text, value: text.default("") })]) }),
  submission: z.object({
    type: z.literal("view_submission"),
    view: z.object({ callback_id: text, private_metadata: text }),
  }),
  event: z.object({ event: z.object({ type: text }) }),
};

export type DescribedEvent = { readonly name: string; readonly request: string | null };

/** Names an event, without a person's words. @param words of `/eks-access` */
export function describeEvent(body: object, words: ReadonlySet<string>): DescribedEvent {
  const command = forms.command.safeParse(body).data;
  if (command) {
    const word = command.text.trim().split(/\s+/)[0]?.toLowerCase() ?? "";
    return { name: words.has(word) ? `/eks-access ${word}` : "/eks-access", request: requestIn(command.text) };
  }
  const click = forms.click.safeParse(body).data?.actions[0];
  if (click) return { name: `click ${click.action_id}`, request: requestIn(click.value) };
  const view = forms.submission.safeParse(body).data?.view;
  if (view) return { name: `submit ${view.callback_id}`, request: requestIn(view.private_metadata) };
  const event = forms.event.safeParse(body).data?.event;
  return { name: event ? `event ${event.type}` : "something of Slack", request: null };
}

function requestIn(text: string): string | null {
  return /\br-[a-z0-9]{8}\b/.exec(text)?.[0] ?? null;
}

export interface Installation {
  /** The workspace of the bot's token; for an organization its id. */
  readonly team: string;
  /** The Enterprise organization, if the app is installed for all of it; null: for one workspace. */
  readonly enterprise: string | null;
  /** The Enterprise organization of the workspace; null: none. */
  readonly organization: string | null;
}

export function installationOf({
  team_id: team = "",
  enterprise_id: enterprise,
  is_enterprise_install: isWide,
}: AuthTestResponse): Installation {
  return { team, enterprise: isWide && enterprise ? enterprise : null, organization: enterprise || null };
}

/**
 * Whether a payload comes from where the app is installed. Commands and events name the workspace by id, clicks and
 * forms as an object; an event of an organization's app has the organization's id.
 */
export function isFrom({ team, enterprise }: Installation, body: object): boolean {
  if (enterprise === null) return teamOf(body) === team;
  const authorizations = field(body, "authorizations");
  const named = [
    field(body, "enterprise_id"),
    field(field(body, "enterprise"), "id"),
    field(Array.isArray(authorizations) ? authorizations[0] : null, "enterprise_id"),
  ];
  return named.find((each) => typeof each === "string") === enterprise;
}

export function teamOf(body: object): unknown {
  return field(body, "team_id") ?? field(field(body, "team"), "id");
}

/** Of the value itself: a payload comes from outside, and an object has inherited keys such as `constructor`. */
export function field(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Object.getOwnPropertyDescriptor(value, name)?.value : undefined;
}

/**
 * Over HTTP no signature covers the retry header, so a replayed click could have one. Slack retries only events there
 * (https://docs.slack.dev/apis/events-api), so the header counts only for events.
 */
export function isRetry(body: object, retryNumber: unknown, mode: "http" | "socket"): boolean {
  return retryNumber !== undefined && (mode === "socket" || "event_id" in body);
}

/** Events have an id; people's actions have a trigger. */
export function deliveryId(body: object): string | null {
  const values = ["event_id", "trigger_id"].map((name) => field(body, name));
  return values.find((value): value is string => typeof value === "string" && value !== "") ?? null;
}
