import { type JsonObject, objectAt, textAt } from "../../slack/json.ts";
import type { Placed, Surface } from "./surface.ts";

/** What an input's field in a form is called: its place, in words that need no escape. */
export function fieldName(blockId: string, actionId: string): string {
  return `in/${encodeURIComponent(blockId)}/${encodeURIComponent(actionId)}`;
}

/** What stands in an input now. */
export function standing({ surface, blockId, element }: Placed): JsonObject {
  return objectAt(objectAt(surface.inputs, blockId), textAt(element, "action_id") ?? "");
}

/** The ids of the texts that belong to an input. */
export function describedBy(surface: Surface, id: string, block: JsonObject): string | undefined {
  const ids = [
    block.hint !== undefined && `${id}-hint`,
    surface.errors[String(block.block_id)] !== undefined && `${id}-error`,
  ].filter((each) => each !== false);
  return ids.length > 0 ? ids.join(" ") : undefined;
}

/** Seconds since the epoch as a field for a local date and time takes them: the browser is on this machine, in its zone. */
export function localDateTime(seconds: unknown): string {
  if (typeof seconds !== "number") return "";
  const at = new Date(seconds * 1000);
  const two = (number: number) => String(number).padStart(2, "0");
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}T${two(at.getHours())}:${two(at.getMinutes())}`;
}
