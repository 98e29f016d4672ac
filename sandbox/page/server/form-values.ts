import type { SlackBlock } from "../../slack/inputs.ts";
import { elementsOf, type InputValue } from "../../slack/inputs.ts";
import type { JsonObject } from "../../slack/json.ts";
import type { Filling } from "../../slack/person-modal.ts";
import { fieldName } from "../blocks/fields.ts";

/**
 * What stands in the inputs of a form that a browser sent, by their places. What the form does not have is left as it is: the
 * app may have put it there meanwhile. Boxes are the exception, as those that are not ticked are not sent.
 */
export function inputsIn(form: URLSearchParams, blocks: readonly SlackBlock[]): readonly Filling[] {
  return elementsOf(blocks).flatMap(({ block, blockId, actionId, element }) => {
    const name = fieldName(blockId, actionId);
    if (block.type !== "input" || !(form.has(name) || isBoxes(element))) return [];
    return [{ field: { blockId, actionId }, value: valueFor(element, form.getAll(name)) }];
  });
}

function isBoxes({ type }: JsonObject): boolean {
  return String(type).startsWith("multi_") || type === "checkboxes";
}

/** The value for Slack of what the page's own input holds. */
export function valueFor(element: JsonObject, values: readonly string[]): InputValue {
  if (isBoxes(element)) return values;
  const [value = ""] = values;
  if (value === "") return null;
  // The browser is on this machine, so its local time is this process's.
  if (element.type === "datetimepicker") return Math.floor(new Date(value).getTime() / 1000);
  return value.replaceAll("\r\n", "\n");
}
