import { plainAnswer, takeCommandAnswer } from "./acknowledgements.ts";
import { type ButtonPlace, findClickable } from "./find-clickable.ts";
import { type ElementPlace, filledInput, findInput, type InputValue, type PlacedElement } from "./inputs.ts";
import { type JsonObject, objectAt } from "./json.ts";
import { commandPayload, messageActionPayload, viewActionPayload } from "./payloads.ts";
import type { PersonContext } from "./person-context.ts";
import { fillPlaces } from "./person-modal.ts";
import { newResponseUrl } from "./response-urls.ts";
import type { CommandAnswer, SandboxMessage, SandboxUser, SandboxView } from "./shapes.ts";
import { directChannel, findMessage, type SlackState } from "./state.ts";

export async function sendCommand(
  context: PersonContext,
  user: SandboxUser,
  typed: string,
  channelId?: string,
): Promise<CommandAnswer> {
  const { state } = context;
  const [command = "", ...words] = typed.trim().split(" ");
  const channel = channelId ?? directChannel(state, user.id).id;
  const responseUrl = `${context.url()}${newResponseUrl(state, { user: user.id, channel })}`;
  const payload = commandPayload(state, user, { command, text: words.join(" "), channel, responseUrl });
  const ack = await context.deliver({ kind: "command", payload });
  return takeCommandAnswer(state, { user: user.id, channel }, ack);
}

export async function click(
  context: PersonContext,
  user: SandboxUser,
  shown: SandboxMessage | SandboxView,
  button: string | ButtonPlace,
): Promise<CommandAnswer> {
  const now = current(context.state, user, shown);
  const { used, chosen } = findClickable(now.blocks, button);
  return act(context, user, now, used, chosen);
}

export async function choose(
  context: PersonContext,
  user: SandboxUser,
  shown: SandboxMessage | SandboxView,
  field: string | ElementPlace,
  value: InputValue,
): Promise<CommandAnswer> {
  const now = current(context.state, user, shown);
  const used = findInput(now.blocks, field);
  mustTellTheApp(used);
  const chosen = filledInput(used.element, value, context.loaded.get(used.actionId));
  const filled = "ts" in now ? now : fillPlaces(context, now, [{ field: used, value }]);
  return act(context, user, filled, used, chosen);
}

/**
 * An input block keeps what is put in until the form is sent, unless it says otherwise; a text does even then, unless it
 * names the moments at which it is told.
 * @see https://docs.slack.dev/reference/interaction-payloads/block_actions-payload
 */
function mustTellTheApp({ block, element }: PlacedElement): void {
  if (block.type !== "input") return;
  if (block.dispatch_action !== true) throw new Error("the app is not told what is put in: dispatch_action is not set");
  const moments = objectAt(element, "dispatch_action_config").trigger_actions_on;
  if (
    String(element.type).endsWith("_text_input") &&
    !(Array.isArray(moments) && moments.includes("on_character_entered"))
  ) {
    throw new Error("the app is not told of each character: dispatch_action_config does not ask for it");
  }
}

async function act(
  context: PersonContext,
  user: SandboxUser,
  shown: SandboxMessage | SandboxView,
  used: PlacedElement,
  chosen: JsonObject,
): Promise<CommandAnswer> {
  const { state } = context;
  if (!("ts" in shown)) {
    const payload = viewActionPayload(state, user, { view: shown, used, chosen });
    return plainAnswer(await context.deliver({ kind: "interaction", payload }));
  }
  const message = { channel: shown.channel, ts: shown.ts };
  const path = newResponseUrl(state, { user: user.id, channel: shown.channel, message });
  const responseUrl = `${context.url()}${path}`;
  const payload = messageActionPayload(state, user, { message: shown, used, chosen, responseUrl });
  return plainAnswer(await context.deliver({ kind: "interaction", payload }));
}

/** A message or view as it is now. A person can't act on what they don't see. */
function current(state: SlackState, user: SandboxUser, shown: SandboxMessage | SandboxView) {
  if (!("ts" in shown)) {
    const seen = [...(state.views.get(user.id) ?? []), state.homes.get(user.id)];
    const view = seen.find((each) => each?.id === shown.id);
    if (view === undefined) throw new Error(`${user.name} does not see the view "${shown.title}" any more`);
    return view;
  }
  const message = findMessage(state, shown.channel, shown.ts);
  const inChannel = state.channels.get(shown.channel)?.members.includes(user.id) ?? false;
  const mine = message?.ephemeralTo === undefined || message.ephemeralTo === user.id;
  if (message === undefined || !inChannel || !mine)
    throw new Error(`${user.name} does not see the message ${shown.ts}`);
  return message;
}
