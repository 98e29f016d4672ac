import type { InputBlock, PlainTextElement, PlainTextInput, PlainTextOption } from "@slack/types";
import type { PartName } from "../../request/request-line.ts";
import { cut } from "../mrkdwn.ts";

/** What the form tells us of while it is filled in. */
export const formActions = {
  cluster: "request-cluster",
  level: "request-level",
  principal: "request-principal",
  /** Value: the ARN to put into the field instead. */
  useArn: "request-use-arn",
} as const;

/** Slack takes no more options in a list; the line takes every cluster. */
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

export function select({ id, label, names, chosen, action }: Choice): InputBlock {
  const options = names
    .slice(0, mostOptions)
    .map((name): PlainTextOption => ({ text: text(cut(name, 75)), value: name }));
  const initial = options.find(({ value }) => value === chosen);
  return {
    type: "input",
    block_id: id,
    label: text(label),
    ...(action && { dispatch_action: true }),
    element: {
      type: "static_select",
      action_id: action ?? "value",
      options,
      ...(initial && { initial_option: initial }),
    },
  };
}

export function input(id: string, label: string, element: Omit<PlainTextInput, "type" | "action_id">): InputBlock {
  return {
    type: "input",
    block_id: id,
    label: text(label),
    element: { type: "plain_text_input", action_id: "value", ...element },
  };
}
