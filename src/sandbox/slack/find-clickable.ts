import { elementsOf, optionsOf, type PlacedElement } from "./inputs.ts";
import { type JsonObject, objectAt, textAt } from "./json.ts";
import type { SlackBlock } from "./shapes.ts";

/** A button, or an option of an overflow menu, and what the payload tells of the choice. */
export interface Clickable {
  used: PlacedElement;
  chosen: JsonObject;
}

/** What a person clicks, by action_id or visible text. Throws with what can be clicked there instead. */
export function findClickable(blocks: readonly SlackBlock[], name: string): Clickable {
  const all = elementsOf(blocks).flatMap(clickablesOf);
  const found = all.find(({ used, text }) => used.actionId === name || text === name);
  if (found) return { used: found.used, chosen: found.chosen };
  const known = all.map(({ text }) => `"${text}"`).join(", ");
  throw new Error(`there is no button "${name}" here, ${known === "" ? "nor any other" : `only ${known}`}`);
}

function clickablesOf(used: PlacedElement): readonly (Clickable & { text: string })[] {
  const { element } = used;
  if (element.type === "overflow") {
    return optionsOf(element).map((option) => ({
      used,
      chosen: { selected_option: option },
      text: textAt(objectAt(option, "text"), "text") ?? "",
    }));
  }
  const clickable = ["button", "icon_button", "workflow_button"].includes(String(element.type));
  return clickable ? [{ used, chosen: {}, text: textAt(objectAt(element, "text"), "text") ?? "" }] : [];
}
