import type {
  ExternalSelect,
  InputBlock,
  PlainTextElement,
  PlainTextInput,
  PlainTextOption,
  StaticSelect,
} from "@slack/types";
import type { PartName } from "../../access/request/request-line.ts";
import { cut } from "../blocks/mrkdwn.ts";

/** What the form tells us of while it is filled in. */
export const formActions = {
  cluster: "request-cluster",
  level: "request-level",
  principal: "request-principal",
  /** Value: the ARN to put into the field instead. */
  useArn: "request-use-arn",
} as const;

/** Slack takes no more options in a list. */
export const mostOptions = 100;

export const text = (value: string): PlainTextElement => ({ type: "plain_text", text: value });

/** The id of a part's field. Slack keeps what stands in a field while its id stays: other choices need another id. */
export function fieldId(part: PartName, ...of: readonly string[]): string {
  return [part, ...of].join("/");
}

/** Of which part a field is. */
export function partOf(blockId: string): string {
  return blockId.split("/")[0] ?? "";
}

export interface Choice {
  readonly id: string;
  readonly label: string;
  readonly names: readonly string[];
  /** Empty: nothing is chosen yet. */
  readonly chosen: string;
  /** Tells us what is chosen, at once; null: when the form is sent. */
  readonly action: string | null;
}

export function select(choice: Choice): InputBlock {
  const options = choice.names.slice(0, mostOptions).map(optionOf);
  return choiceBlock(choice, { type: "static_select", options, ...initially(options, choice.chosen) });
}

/** Offers what is typed a part of, where there are more names than a list holds: `suggestionsOf` has them. */
export function search(choice: Choice): InputBlock {
  const options = choice.names.filter((name) => name === choice.chosen).map(optionOf);
  return choiceBlock(choice, {
    type: "external_select",
    min_query_length: 0,
    placeholder: text("Type a part of its name"),
    ...initially(options, choice.chosen),
  });
}

/** The names that what is typed is a part of, those that begin with it first. */
export function suggestionsOf(names: readonly string[], typed: string): PlainTextOption[] {
  const part = typed.trim().toLowerCase();
  const found = names.filter((name) => name.includes(part));
  const first = found.filter((name) => name.startsWith(part));
  return [...first, ...found.filter((name) => !first.includes(name))].slice(0, mostOptions).map(optionOf);
}

function choiceBlock(
  { id, label, action }: Choice,
  element: Omit<StaticSelect, "action_id"> | Omit<ExternalSelect, "action_id">,
): InputBlock {
  return {
    type: "input",
    block_id: id,
    label: text(label),
    ...(action && { dispatch_action: true }),
    element: { ...element, action_id: action ?? "value" },
  };
}

function optionOf(name: string): PlainTextOption {
  return { text: text(cut(name, 75)), value: name };
}

function initially(options: readonly PlainTextOption[], chosen: string): { initial_option?: PlainTextOption } {
  const initial = options.find(({ value }) => value === chosen);
  return initial ? { initial_option: initial } : {};
}

export function input(id: string, label: string, element: Omit<PlainTextInput, "type" | "action_id">): InputBlock {
  return {
    type: "input",
    block_id: id,
    label: text(label),
    element: { type: "plain_text_input", action_id: "value", ...element },
  };
}
