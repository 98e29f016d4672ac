import { type JsonObject, listAt, objectAt, textAt } from "../json.ts";
import { takeSubmissionAnswer } from "./acknowledgements.ts";
import type { Deliver } from "./delivery.ts";
import type { CommandAnswer, SandboxUser, SandboxView } from "./inputs.ts";
import { type ElementPlace, filledInput, findInput, type InputValue, isEmptyInput } from "./inputs.ts";
import { replaceView } from "./open-views.ts";
import { submissionPayload, suggestionPayload } from "./payloads.ts";
import type { SlackState } from "./state.ts";

export interface PersonContext {
  state: SlackState;
  deliver: Deliver;
  /** `http://127.0.0.1:<port>` of the workspace. */
  url: () => string;
  /** The app's options for its menus, by action_id. */
  loaded: Map<string, readonly JsonObject[]>;
}

/** A person's input for one field, by its block_id, action_id, label or place. */
export interface Filling {
  readonly field: string | ElementPlace;
  readonly value: InputValue;
}

export function fill(
  context: PersonContext,
  view: SandboxView,
  values: Readonly<Record<string, InputValue>> | readonly Filling[],
): SandboxView {
  return fillPlaces(
    context,
    view,
    isList(values) ? values : Object.entries(values).map(([field, value]) => ({ field, value })),
  );
}

function isList(values: Readonly<Record<string, InputValue>> | readonly Filling[]): values is readonly Filling[] {
  return Array.isArray(values);
}

export function fillPlaces(context: PersonContext, view: SandboxView, values: readonly Filling[]): SandboxView {
  let filled = view;
  for (const { field, value } of values) {
    const { blockId, actionId, element } = findInput(view.blocks, field);
    const input = filledInput(element, value, context.loaded.get(actionId));
    const block = { ...filled.inputs[blockId], [actionId]: input };
    filled = { ...filled, inputs: { ...filled.inputs, [blockId]: block } };
  }
  if (filled !== view) replaceView(context.state, filled);
  return filled;
}

export async function suggest(
  context: PersonContext,
  user: SandboxUser,
  view: SandboxView,
  field: string,
  typed: string,
): Promise<readonly string[]> {
  const used = findInput(view.blocks, field);
  // In a menu with several choices, a person types one name after another.
  const part = used.element.type === "multi_external_select" ? (typed.split(",").at(-1) ?? "").trim() : typed;
  const payload = suggestionPayload(context.state, user, { view, used, typed: part });
  const ack = await context.deliver({ kind: "interaction", payload });
  const options = listAt(ack.body, "options");
  // Slack keeps choices from earlier answers.
  context.loaded.set(used.actionId, [...(context.loaded.get(used.actionId) ?? []), ...options]);
  return options.map((option) => textAt(option.text, "text") ?? "");
}

export async function submit(context: PersonContext, user: SandboxUser, view: SandboxView): Promise<CommandAnswer> {
  const { state } = context;
  const errors = problemsOfInputs(view);
  const asked = { ...view, errors };
  replaceView(state, asked);
  if (Object.keys(errors).length > 0) return { status: 0, milliseconds: 0, text: "", seen: () => [], errors };
  const payload = submissionPayload(state, user, asked);
  const ack = await context.deliver({ kind: "interaction", payload });
  return takeSubmissionAnswer(state, user.id, asked, ack);
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
      : problemOfText(input.value, element);
    if (problem) problems[blockId] = problem;
  }
  return problems;
}

function problemOfText(value: unknown, element: Readonly<Record<string, unknown>>): string | undefined {
  if (typeof value !== "string") return undefined;
  const { max_length: max } = element;
  if (typeof max === "number" && value.length > max) return `Please enter at most ${max} characters.`;
  return undefined;
}
