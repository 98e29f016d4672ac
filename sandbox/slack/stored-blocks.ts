import { randomBytes } from "node:crypto";
import type { SlackBlock } from "./inputs.ts";
import { isObject, type JsonObject, listAt } from "./json.ts";

const freshId = () => randomBytes(4).toString("base64url").slice(0, 5);

/** Blocks as Slack keeps and returns them: each gets a block_id, each interactive element an action_id, where the app gave none. */
export function storedBlocks(blocks: unknown): readonly SlackBlock[] {
  return listAt({ blocks }, "blocks").map((block) => {
    const stored: Record<string, unknown> = { ...block, block_id: block.block_id ?? freshId() };
    for (const place of ["accessory", "element"]) {
      if (isObject(stored[place])) stored[place] = storedElement(stored[place]);
    }
    if (Array.isArray(block.elements)) stored.elements = listAt(block, "elements").map(storedElement);
    return stored;
  });
}

/** These carry no action_id. */
const passive = ["mrkdwn", "plain_text", "image"];

function storedElement(element: JsonObject): JsonObject {
  const type = String(element.type);
  if (passive.includes(type) || type.startsWith("rich_text_") || type === "card") return element;
  return { ...element, action_id: element.action_id ?? freshId() };
}
