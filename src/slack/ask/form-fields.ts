import type { ExternalSelect, InputBlock, PlainTextInput, PlainTextOption, StaticSelect } from "@slack/types";
import { cut, plainText } from "../show/mrkdwn.ts";

/** Slack takes no more options in a list. */
export const maxOptions = 100;

export interface Choice {
  readonly id: string;
  readonly label: string;
  readonly names: readonly string[];
  readonly chosen: string;
  /** Slack reports the choice at once under this id; null: with the form. */
  readonly action: string | null;
}

export function select(choice: Choice): InputBlock {
  const options = choice.names.slice(0, maxOptions).map(optionOf);
  return choiceBlock(choice, { type: "static_select", options, ...initially(options, choice.chosen) });
}

/** For more names than a list holds: Slack asks for suggestions while the person types. */
export function search(choice: Choice): InputBlock {
  const options = choice.names.filter((name) => name === choice.chosen).map(optionOf);
  return choiceBlock(choice, {
    type: "external_select",
    min_query_length: 0,
    placeholder: plainText("Type a part of its name"),
    ...initially(options, choice.chosen),
  });
}

/** The names that contain the typed text; names that begin with it come first. */
export function suggestionsOf(names: readonly string[], typed: string): PlainTextOption[] {
  const part = typed.trim().toLowerCase();
  const found = names.filter((name) => name.includes(part));
  const first = found.filter((name) => name.startsWith(part));
  return [...first, ...found.filter((name) => !first.includes(name))].slice(0, maxOptions).map(optionOf);
}

export function choiceBlock(
  { id, label, action }: Choice,
  element: Omit<StaticSelect, "action_id"> | Omit<ExternalSelect, "action_id">,
): InputBlock {
  return {
    type: "input",
    block_id: id,
    label: plainText(label),
    ...(action && { dispatch_action: true }),
    element: { ...element, action_id: action ?? "value" },
  };
}

export function optionOf(name: string): PlainTextOption {
  return { text: plainText(cut(name, 75)), value: name };
}

export function initially(options: readonly PlainTextOption[], chosen: string): { initial_option?: PlainTextOption } {
  const initial = options.find(({ value }) => value === chosen);
  return initial ? { initial_option: initial } : {};
}

export const initialText = (typed: string) => (typed ? { initial_value: typed } : {});

export function input(id: string, label: string, element: Omit<PlainTextInput, "type" | "action_id">): InputBlock {
  return {
    type: "input",
    block_id: id,
    label: plainText(label),
    element: { type: "plain_text_input", action_id: "value", ...element },
  };
}
