import { type JsonObject, objectAt, textAt } from "../json.ts";
import { newResponseUrl, plainAnswer, takeCommandAnswer } from "./acknowledgements.ts";
import type { CommandAnswer, SandboxMessage, SandboxUser, SandboxView } from "./inputs.ts";
import {
  type ElementPlace,
  elementsOf,
  filledInput,
  findInput,
  type InputValue,
  type PlacedElement,
  type SlackBlock,
} from "./inputs.ts";
import { closeViews } from "./open-views.ts";
import { commandPayload, homeOpenedPayload, messageActionPayload, viewActionPayload } from "./payloads.ts";
import { type Filling, fill, fillPlaces, type PersonContext, submit, suggest } from "./person-modal.ts";
import { directChannel, findMessage, type SlackState } from "./state.ts";

type Filled = Readonly<Record<string, InputValue>> | readonly Filling[];
type Shown = SandboxMessage | SandboxView;

/** By Slack's ids, visible text or place; it acts on the present state, and confirms a confirmation. */
export type SandboxPerson = ReturnType<typeof makePerson>;

export function makePerson(context: PersonContext, user: SandboxUser) {
  const { state } = context;
  const open = () => state.views.get(user.id)?.at(-1);
  return {
    id: user.id,
    name: user.name,
    /** Without a channel, in the direct conversation with the bot. */
    command: (text: string, channelId?: string) => sendCommand(context, user, text, channelId),
    ephemerals: () => state.messages.filter((message) => message.ephemeralTo === user.id),
    directMessages: () => {
      const { id } = directChannel(state, user.id);
      return state.messages.filter((message) => message.channel === id && message.ephemeralTo === undefined);
    },
    click: (shown: Shown, button: string | ElementPlace) => click(context, user, shown, button),
    /** As `fill`, but the app gets it at once. Throws if Slack would not send it. */
    choose: (shown: Shown, field: string | ElementPlace, value: InputValue) =>
      choose(context, user, shown, field, value),
    view: open,
    /** Types into inputs of the open modal, and sends nothing. */
    fill: (values: Filled) => fill(context, needed(open()), values),
    suggestions: (field: string, typed: string) => suggest(context, user, needed(open()), field, typed),
    submit: (values: Filled = []) => submit(context, user, fill(context, needed(open()), values)),
    close: () => {
      needed(open());
      closeViews(state, user.id, false);
    },
    home: () => state.homes.get(user.id),
    openHome: async () => {
      directChannel(state, user.id);
      await context.deliver({ kind: "event", payload: homeOpenedPayload(state, user) });
    },
  };
}

function needed(view: SandboxView | undefined): SandboxView {
  if (view === undefined) throw new Error("no modal is open");
  return view;
}

async function sendCommand(
  context: PersonContext,
  user: SandboxUser,
  typed: string,
  channelId?: string,
): Promise<CommandAnswer> {
  const { state } = context;
  const [command = "", ...words] = typed.trim().split(" ");
  const channel = channelId ?? directChannel(state, user.id).id;
  const path = newResponseUrl(state, { user: user.id, channel });
  const responseUrl = `${context.url()}${path}`;
  const payload = commandPayload(state, user, { command, text: words.join(" "), channel, responseUrl });
  const ack = await context.deliver({ kind: "command", payload });
  return takeCommandAnswer(state, path, ack);
}

async function click(
  context: PersonContext,
  user: SandboxUser,
  shown: Shown,
  button: string | ElementPlace,
): Promise<CommandAnswer> {
  const now = current(context.state, user, shown);
  return act(context, user, now, findButton(now.blocks, button), {});
}

async function choose(
  context: PersonContext,
  user: SandboxUser,
  shown: Shown,
  field: string | ElementPlace,
  value: InputValue,
): Promise<CommandAnswer> {
  const now = current(context.state, user, shown);
  const used = findInput(now.blocks, field);
  mustDispatch(used);
  const chosen = filledInput(used.element, value, context.loaded.get(used.actionId));
  const filled = "ts" in now ? now : fillPlaces(context, now, [{ field: used, value }]);
  return act(context, user, filled, used, chosen);
}

/** A text must also name the moments. @see https://docs.slack.dev/reference/interaction-payloads/block_actions-payload */
function mustDispatch({ block, element }: PlacedElement): void {
  if (block.type !== "input") return;
  if (block.dispatch_action !== true) throw new Error("the input sends nothing to the app: dispatch_action is not set");
  const moments = objectAt(element, "dispatch_action_config").trigger_actions_on;
  if (element.type === "plain_text_input" && !(Array.isArray(moments) && moments.includes("on_character_entered"))) {
    throw new Error("the input does not send each character: dispatch_action_config does not ask for it");
  }
}

async function act(
  context: PersonContext,
  user: SandboxUser,
  shown: Shown,
  used: PlacedElement,
  chosen: JsonObject,
): Promise<CommandAnswer> {
  const { state } = context;
  if (!("ts" in shown)) {
    const payload = viewActionPayload(state, user, { view: shown, used, chosen });
    return plainAnswer(await context.deliver({ kind: "interaction", payload }), state);
  }
  const message = { channel: shown.channel, ts: shown.ts };
  const path = newResponseUrl(state, { user: user.id, channel: shown.channel, message });
  const responseUrl = `${context.url()}${path}`;
  const payload = messageActionPayload(state, user, { message: shown, used, chosen, responseUrl });
  return plainAnswer(await context.deliver({ kind: "interaction", payload }), state, path);
}

/** A person can act only on visible messages and views. */
function current(state: SlackState, user: SandboxUser, shown: Shown) {
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

/** Throws with the elements that a person can click. */
export function findButton(blocks: readonly SlackBlock[], button: string | ElementPlace): PlacedElement {
  const buttons = elementsOf(blocks).filter(({ element }) => element.type === "button");
  const textOfButton = ({ element }: PlacedElement) => textAt(element.text, "text") ?? "";
  const found = buttons.find((each) =>
    typeof button === "string"
      ? each.actionId === button || textOfButton(each) === button
      : each.blockId === button.blockId && each.actionId === button.actionId,
  );
  if (found) return found;
  const known = buttons.map((each) => `"${textOfButton(each)}"`).join(", ");
  const name = typeof button === "string" ? button : `${button.blockId} ${button.actionId}`;
  throw new Error(`there is no button "${name}" here, ${known === "" ? "nor any other" : `only ${known}`}`);
}
