import { isEmptyInput } from "./inputs.ts";
import { objectAt } from "./json.ts";
import type { SandboxView } from "./shapes.ts";

/** What Slack itself says beside the inputs of a view before it sends anything to the app, by block_id. */
export function problemsOfInputs(view: SandboxView): Readonly<Record<string, string>> {
  const problems: Record<string, string> = {};
  for (const block of view.blocks) {
    if (block.type !== "input") continue;
    const blockId = String(block.block_id);
    const element = objectAt(block, "element");
    const input = objectAt(objectAt(view.inputs, blockId), String(element.action_id));
    const problem = isEmptyInput(input)
      ? block.optional !== true && "Please complete this required field."
      : problemOfText(element.type, input.value, element);
    if (problem) problems[blockId] = problem;
  }
  return problems;
}

function problemOfText(type: unknown, value: unknown, element: Readonly<Record<string, unknown>>): string | undefined {
  if (typeof value !== "string") return undefined;
  const { min_length: min, max_length: max } = element;
  if (typeof min === "number" && value.length < min) return `Please enter at least ${min} characters.`;
  if (typeof max === "number" && value.length > max) return `Please enter at most ${max} characters.`;
  if (type === "email_text_input" && !/^\S+@\S+\.\S+$/.test(value)) return "Please enter a valid email address.";
  if (type === "url_text_input" && !URL.canParse(value)) return "Please enter a valid URL.";
  if (type === "number_input" && !/^-?\d+(\.\d+)?$/.test(value)) return "Please enter a number.";
  return undefined;
}
