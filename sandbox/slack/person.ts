import { type JsonObject, listAt, objectAt, textAt } from "../json.ts";
import { newResponseUrl, plainAnswer, takeCommandAnswer, takeSubmissionAnswer } from "./acknowledgements.ts";
import type { Deliver } from "./delivery.ts";
import {
  type CommandAnswer,
  type ElementPlace,
  elementsOf,
  filledInput,
  findInput,
  type InputValue,
  isAt,
  isEmptyInput,
  nameOf,
  type PlacedElement,
  type SandboxMessage,
  type SandboxUser,
  type SandboxView,
  type SlackBlock,
} from "./inputs.ts";
import { closeViews, replaceView } from "./open-views.ts";
import {
  commandPayload,
  homeOpenedPayload,
  messageActionPayload,
  submissionPayload,
  suggestionPayload,
  viewActionPayload,
} from "./payloads.ts";
import { directChannel, findMessage, type SlackState } from "./state.ts";

export interface PersonContext {
  state: SlackState;
  deliver: Deliver;
  /** `http://127.0.0.1:<port>` of the workspace. */
  url: () => string;
  /** The app's options for its menus, by action_id. */
  loaded: Map<string, readonly JsonObject[]>;
}

/** A person's input for one field, by its block_id, action_id, label or place. */
export type Filling = { readonly field: string | ElementPlace; readonly value: InputValue };

type Filled = Readonly<Record<string, InputValue>> | readonly Filling[];
type Shown = SandboxMessage | SandboxView;

/** By Slack's ids, visible text or place; it acts on the present state, and confirms a confirmation. */
export class SandboxPerson {
  readonly id: string;
  readonly name: string;
  readonly #user: SandboxUser;
  readonly #context: PersonContext;
  readonly #state: SlackState;

  constructor(context: PersonContext, user: SandboxUser) {
    this.#context = context;
    this.#state = context.state;
    this.#user = user;
    this.id = user.id;
    this.name = user.name;
  }

  /** Without a channel, in the direct conversation with the bot. */
  async command(typed: string, channelId?: string): Promise<CommandAnswer> {
    const [command = "", ...words] = typed.trim().split(" ");
    const channel = channelId ?? directChannel(this.#state, this.id).id;
    const path = newResponseUrl(this.#state, { user: this.id, channel });
    const responseUrl = `${this.#context.url()}${path}`;
    const payload = commandPayload(this.#state, this.#user, { command, text: words.join(" "), channel, responseUrl });
    return takeCommandAnswer(this.#state, path, await this.#context.deliver({ kind: "command", payload }));
  }

  ephemerals(): readonly SandboxMessage[] {
    return this.#state.messages.filter((message) => message.ephemeralTo === this.id);
  }

  directMessages(): readonly SandboxMessage[] {
    const { id } = directChannel(this.#state, this.id);
    return this.#state.messages.filter((message) => message.channel === id && message.ephemeralTo === undefined);
  }

  async click(shown: Shown, button: string | ElementPlace): Promise<CommandAnswer> {
    const now = this.#current(shown);
    return this.#act(now, findButton(now.blocks, button), {});
  }

  /** As `fill`, but the app gets it at once. Throws if Slack would not send it. */
  async choose(shown: Shown, field: string | ElementPlace, value: InputValue): Promise<CommandAnswer> {
    const now = this.#current(shown);
    const used = findInput(now.blocks, field);
    mustDispatch(used);
    const chosen = filledInput(used.element, value, this.#context.loaded.get(used.actionId));
    const filled = "ts" in now ? now : this.#filled(now, [{ field: used, value }]);
    return this.#act(filled, used, chosen);
  }

  /** The open modal. */
  view(): SandboxView | undefined {
    return this.#state.views.get(this.id)?.at(-1);
  }

  /** Types into inputs of the open modal, and sends nothing. */
  fill(values: Filled): SandboxView {
    return this.#filled(this.#open(), values);
  }

  /** The app's options for a menu of the open modal. */
  async suggestions(field: string, typed: string): Promise<readonly string[]> {
    const { state, deliver, loaded } = this.#context;
    const view = this.#open();
    const used = findInput(view.blocks, field);
    // In a menu with several choices, a person types one name after another.
    const part = used.element.type === "multi_external_select" ? (typed.split(",").at(-1) ?? "").trim() : typed;
    const payload = suggestionPayload(state, this.#user, { view, used, typed: part });
    const ack = await deliver({ kind: "interaction", payload });
    const options = listAt(ack.body, "options");
    // Slack keeps choices from earlier answers.
    loaded.set(used.actionId, [...(loaded.get(used.actionId) ?? []), ...options]);
    return options.map((option) => textAt(option.text, "text") ?? "");
  }

  async submit(values: Filled = []): Promise<CommandAnswer> {
    const view = this.fill(values);
    const errors = problemsOfInputs(view);
    const asked = { ...view, errors };
    replaceView(this.#state, asked);
    if (Object.keys(errors).length > 0) return { status: 0, milliseconds: 0, text: "", seen: () => [], errors };
    const payload = submissionPayload(this.#state, this.#user, asked);
    const ack = await this.#context.deliver({ kind: "interaction", payload });
    return takeSubmissionAnswer(this.#state, this.id, asked, ack);
  }

  close(): void {
    this.#open();
    closeViews(this.#state, this.id, false);
  }

  home(): SandboxView | undefined {
    return this.#state.homes.get(this.id);
  }

  async openHome(): Promise<void> {
    directChannel(this.#state, this.id);
    await this.#context.deliver({ kind: "event", payload: homeOpenedPayload(this.#state, this.#user) });
  }

  #open(): SandboxView {
    const view = this.view();
    if (view === undefined) throw new Error("no modal is open");
    return view;
  }

  #filled(view: SandboxView, values: Filled): SandboxView {
    let filled = view;
    for (const { field, value } of fillingsOf(values)) {
      const { blockId, actionId, element } = findInput(view.blocks, field);
      const input = filledInput(element, value, this.#context.loaded.get(actionId));
      const block = { ...filled.inputs[blockId], [actionId]: input };
      filled = { ...filled, inputs: { ...filled.inputs, [blockId]: block } };
    }
    if (filled !== view) replaceView(this.#state, filled);
    return filled;
  }

  async #act(shown: Shown, used: PlacedElement, chosen: JsonObject): Promise<CommandAnswer> {
    const { state, deliver, url } = this.#context;
    if (!("ts" in shown)) {
      const payload = viewActionPayload(state, this.#user, { view: shown, used, chosen });
      return plainAnswer(await deliver({ kind: "interaction", payload }), state);
    }
    const message = { channel: shown.channel, ts: shown.ts };
    const path = newResponseUrl(state, { user: this.id, channel: shown.channel, message });
    const responseUrl = `${url()}${path}`;
    const payload = messageActionPayload(state, this.#user, { message: shown, used, chosen, responseUrl });
    return plainAnswer(await deliver({ kind: "interaction", payload }), state, path);
  }

  /** A person can act only on visible messages and views. */
  #current(shown: Shown): Shown {
    const { views, homes, channels } = this.#state;
    if (!("ts" in shown)) {
      const seen = [...(views.get(this.id) ?? []), homes.get(this.id)];
      const view = seen.find((each) => each?.id === shown.id);
      if (view === undefined) throw new Error(`${this.name} does not see the view "${shown.title}" any more`);
      return view;
    }
    const message = findMessage(this.#state, shown.channel, shown.ts);
    const inChannel = channels.get(shown.channel)?.members.includes(this.id) ?? false;
    const mine = message?.ephemeralTo === undefined || message.ephemeralTo === this.id;
    if (message === undefined || !inChannel || !mine)
      throw new Error(`${this.name} does not see the message ${shown.ts}`);
    return message;
  }
}

function fillingsOf(values: Filled): readonly Filling[] {
  const isList = (given: Filled): given is readonly Filling[] => Array.isArray(given);
  return isList(values) ? values : Object.entries(values).map(([field, value]) => ({ field, value }));
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

/** Slack's own errors beside the inputs of a view, before it sends anything to the app, by block_id. */
function problemsOfInputs(view: SandboxView): Readonly<Record<string, string>> {
  const problems: Record<string, string> = {};
  for (const block of view.blocks) {
    if (block.type !== "input") continue;
    const blockId = String(block.block_id);
    const element = objectAt(block, "element");
    const input = objectAt(objectAt(view.inputs, blockId), String(element.action_id));
    const problem = isEmptyInput(input)
      ? block.optional !== true && "Please complete this required field."
      : problemOfText(input.value, element.max_length);
    if (problem) problems[blockId] = problem;
  }
  return problems;
}

function problemOfText(value: unknown, most: unknown): string | undefined {
  const isTooLong = typeof value === "string" && typeof most === "number" && value.length > most;
  return isTooLong ? `Please enter at most ${most} characters.` : undefined;
}

/** Throws with the elements that a person can click. */
export function findButton(blocks: readonly SlackBlock[], button: string | ElementPlace): PlacedElement {
  const buttons = elementsOf(blocks).filter(({ element }) => element.type === "button");
  const textOfButton = ({ element }: PlacedElement) => textAt(element.text, "text") ?? "";
  const found = buttons.find((each) => isAt(each, button) || textOfButton(each) === button);
  if (found) return found;
  const known = buttons.map((each) => `"${textOfButton(each)}"`).join(", ");
  throw new Error(`there is no button "${nameOf(button)}" here, ${known === "" ? "nor any other" : `only ${known}`}`);
}
