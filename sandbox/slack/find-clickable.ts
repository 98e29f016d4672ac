import type { SlackBlock } from "./inputs.ts";
import { type ElementPlace, elementsOf, optionsOf, type PlacedElement } from "./inputs.ts";
import { type JsonObject, objectAt, textAt } from "./json.ts";

/** A button, or an option of an overflow menu, and what the payload tells of the choice. */
export interface Clickable {
  used: PlacedElement;
  chosen: JsonObject;
}

/** A button by its place; `option` is the visible text of one of an overflow menu's. */
export interface ButtonPlace extends ElementPlace {
  readonly option?: string;
}

/** What a person clicks, by action_id, visible text or place. Throws with what can be clicked there instead. */
export function findClickable(blocks: readonly SlackBlock[], button: string | ButtonPlace): Clickable {
  const all = elementsOf(blocks).flatMap(clickablesOf);
  const found = all.find((each) => isCalled(each, button));
  if (found) return { used: found.used, chosen: found.chosen };
  const known = all.map(({ text }) => `"${text}"`).join(", ");
  const name = typeof button === "string" ? button : `${button.blockId} ${button.actionId}`;
  throw new Error(`there is no button "${name}" here, ${known === "" ? "nor any other" : `only ${known}`}`);
}

function isCalled({ used, text }: Clickable & { text: string }, button: string | ButtonPlace): boolean {
  if (typeof button === "string") return used.actionId === button || text === button;
  const there = used.blockId === button.blockId && used.actionId === button.actionId;
  return there && (button.option === undefined || button.option === text);
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
