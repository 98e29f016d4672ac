import { jsonArgument, textArgument } from "./arguments.ts";
import { lengthOfText, longestText, problemsOf } from "./block-limits.ts";
import { isObject, type JsonObject } from "./json.ts";
import { refusedFor, SlackRefusal } from "./refusal.ts";
import type { SandboxMessage } from "./shapes.ts";
import { storedBlocks } from "./stored-blocks.ts";

type Content = Pick<SandboxMessage, "text" | "blocks" | "metadata">;

/**
 * Text, blocks and metadata of a message that the app sends, checked as Slack does. What the app does not name is taken
 * from `kept`, the message that is changed.
 */
export function messageContent(args: JsonObject, kept?: Content): Content {
  const given = jsonArgument(args, "blocks", "invalid_blocks_format");
  const text = textArgument(args, "text") ?? kept?.text ?? "";
  if (text.length > 40_000) throw new SlackRefusal("msg_too_long");
  const blocks = given === undefined || given === null ? (kept?.blocks ?? []) : checkedBlocks(given);
  if (text === "" && blocks.length === 0) throw new SlackRefusal("no_text");
  return { text, blocks, ...metadata(args) };
}

function checkedBlocks(given: unknown): Content["blocks"] {
  if (!Array.isArray(given)) throw new SlackRefusal("invalid_blocks_format");
  const problems = problemsOf(given);
  if (problems.length > 0) throw refusedFor("invalid_blocks", problems);
  if (lengthOfText(given) > longestText) throw new SlackRefusal("msg_blocks_too_long");
  return storedBlocks(given);
}

function metadata(args: JsonObject): { metadata?: JsonObject } {
  const given = jsonArgument(args, "metadata", "invalid_metadata_format");
  if (given === undefined || given === null) return {};
  const valid = isObject(given) && typeof given.event_type === "string" && isObject(given.event_payload);
  if (!valid) throw new SlackRefusal("invalid_metadata_schema");
  return { metadata: given };
}
