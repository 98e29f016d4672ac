import { elementsOf, type InputValue } from "../../slack/inputs.ts";
import type { JsonObject } from "../../slack/json.ts";
import type { Filling } from "../../slack/person-modal.ts";
import type { SlackBlock } from "../../slack/shapes.ts";
import { fieldName } from "../blocks/fields.ts";

/** What stands in the inputs of a form that a browser sent, by their places. Boxes that are not ticked are not sent: they count as empty. */
export function inputsIn(form: URLSearchParams, blocks: readonly SlackBlock[]): readonly Filling[] {
  return elementsOf(blocks)
    .filter(({ block }) => block.type === "input")
    .map(({ blockId, actionId, element }) => ({
      field: { blockId, actionId },
      value: valueFor(element, form.getAll(fieldName(blockId, actionId))),
    }));
}

/** The value for Slack of what the page's own input holds. */
export function valueFor(element: JsonObject, values: readonly string[]): InputValue {
  const type = String(element.type);
  if (type.startsWith("multi_") || type === "checkboxes") return values;
  const [value = ""] = values;
  if (value === "") return null;
  // The browser is on this machine, so its local time is this process's.
  if (type === "datetimepicker") return Math.floor(new Date(value).getTime() / 1000);
  return value.replaceAll("\r\n", "\n");
}
