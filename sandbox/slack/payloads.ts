import type { JsonObject } from "../json.ts";
import { inputsOf, type PlacedElement, type SandboxMessage, type SandboxUser, type SandboxView } from "./inputs.ts";
import { messageJson } from "./method.ts";
import { viewJson } from "./open-views.ts";
import { newId, newTrigger, type SlackState } from "./state.ts";

/** Slack's old shared secret. Slack still sends it, but apps must not trust it: the signature counts. */
const verificationToken = "verification-token-of-old";

/** @see https://docs.slack.dev/interactivity/implementing-slash-commands */
export function commandPayload(
  state: SlackState,
  person: SandboxUser,
  of: { command: string; text: string; channel: string; responseUrl: string },
): Readonly<Record<string, string>> {
  const { identity } = state;
  return {
    token: verificationToken,
    team_id: identity.teamId,
    team_domain: identity.teamDomain,
    channel_id: of.channel,
    channel_name: state.channels.get(of.channel)?.name || "directmessage",
    user_id: person.id,
    user_name: person.name,
    command: of.command,
    text: escaped(state, of.text),
    api_app_id: identity.appId,
    is_enterprise_install: "false",
    response_url: of.responseUrl,
    trigger_id: newTrigger(state, person.id),
  };
}

/** As with `should_escape: true` (manifest.yml): people's names with their ids. */
function escaped({ people }: SlackState, typed: string): string {
  const text = typed.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
  return text.replaceAll(/@([\w.-]+)/g, (written, name: string) => {
    const person = people.find((each) => each.name === name);
    return person ? `<@${person.id}|${person.name}>` : written;
  });
}

function interaction(state: SlackState, person: SandboxUser, type: string): JsonObject {
  const { identity } = state;
  return {
    type,
    user: { id: person.id, username: person.name, name: person.name, team_id: identity.teamId },
    api_app_id: identity.appId,
    token: verificationToken,
    team: { id: identity.teamId, domain: identity.teamDomain },
    enterprise: null,
    is_enterprise_install: false,
  };
}

/** Of an ephemeral message it has no `message` (Slack docs, "block_actions payload"). */
export function messageActionPayload(
  state: SlackState,
  person: SandboxUser,
  of: { message: SandboxMessage; used: PlacedElement; chosen: JsonObject; responseUrl: string },
): JsonObject {
  const { message, used } = of;
  const ephemeral = message.ephemeralTo !== undefined;
  const container = { type: "message", message_ts: message.ts, channel_id: message.channel, is_ephemeral: ephemeral };
  const inputs = inputsOf(message.blocks, { [used.blockId]: { [used.actionId]: of.chosen } });
  return {
    ...interaction(state, person, "block_actions"),
    container,
    trigger_id: newTrigger(state, person.id),
    channel: { id: message.channel, name: state.channels.get(message.channel)?.name || "directmessage" },
    ...(ephemeral ? {} : { message: messageJson(state.identity, message) }),
    state: { values: inputs },
    response_url: of.responseUrl,
    actions: [action(state, used, of.chosen)],
  };
}

export function viewActionPayload(
  state: SlackState,
  person: SandboxUser,
  of: { view: SandboxView; used: PlacedElement; chosen: JsonObject },
): JsonObject {
  return {
    ...interaction(state, person, "block_actions"),
    container: { type: "view", view_id: of.view.id },
    trigger_id: newTrigger(state, person.id),
    view: viewJson(state, of.view),
    actions: [action(state, of.used, of.chosen)],
  };
}

/** @see https://docs.slack.dev/reference/interaction-payloads/view-interactions-payload */
export function submissionPayload(state: SlackState, person: SandboxUser, view: SandboxView): JsonObject {
  const more = { trigger_id: newTrigger(state, person.id), response_urls: [] };
  return { ...interaction(state, person, "view_submission"), view: viewJson(state, view), ...more };
}

/** A person types into a menu with options from the app. */
export function suggestionPayload(
  state: SlackState,
  person: SandboxUser,
  of: { view: SandboxView; used: PlacedElement; typed: string },
): JsonObject {
  return {
    ...interaction(state, person, "block_suggestion"),
    container: { type: "view", view_id: of.view.id },
    view: viewJson(state, of.view),
    block_id: of.used.blockId,
    action_id: of.used.actionId,
    value: of.typed,
  };
}

/** @see https://docs.slack.dev/reference/events/app_home_opened */
export function homeOpenedPayload(state: SlackState, person: SandboxUser): JsonObject {
  const view = state.homes.get(person.id);
  return eventPayload(state, {
    type: "app_home_opened",
    user: person.id,
    channel: `D0${person.id.slice(2)}`,
    tab: "home",
    ...(view ? { view: viewJson(state, view) } : {}),
  });
}

/**
 * What Slack sends when the people of a user group change.
 * @see https://docs.slack.dev/reference/events/subteam_members_changed and subteam_updated
 */
export function groupChangedPayloads(state: SlackState, id: string, before: readonly string[]): readonly JsonObject[] {
  const users = state.usergroups.get(id) ?? [];
  const { teamId: team_id } = state.identity;
  const added_users = users.filter((user) => !before.includes(user));
  const removed_users = before.filter((user) => !users.includes(user));
  const subteam = { id, team_id, is_usergroup: true, is_subteam: true, handle: id.toLowerCase(), users };
  return [
    { type: "subteam_members_changed", subteam_id: id, team_id, added_users, removed_users },
    { type: "subteam_updated", subteam },
  ].map((event) => eventPayload(state, event));
}

function eventPayload(state: SlackState, event: JsonObject): JsonObject {
  const { teamId: team_id, appId, botUserId } = state.identity;
  return {
    token: verificationToken,
    team_id,
    api_app_id: appId,
    type: "event_callback",
    event_id: newId("Ev"),
    event_time: Math.floor(state.now().getTime() / 1000),
    authorizations: [{ team_id, user_id: botUserId, is_bot: true }],
    event: { ...event, event_ts: state.nextTs() },
  };
}

function action(state: SlackState, used: PlacedElement, chosen: JsonObject): JsonObject {
  const { element, blockId, actionId } = used;
  const button = element.type === "button" ? { text: element.text, value: element.value, style: element.style } : {};
  return {
    type: element.type,
    action_id: actionId,
    block_id: blockId,
    ...button,
    ...chosen,
    action_ts: state.nextTs(),
  };
}
