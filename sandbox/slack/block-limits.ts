import { isObject, type JsonObject, listAt, textAt } from "../json.ts";
import { messageBlocks, plainText, type, viewBlocks } from "./block-limits/blocks.ts";
import { type Check, object, problem, string } from "./block-limits/check.ts";

/**
 * Slack's words with a JSON pointer: `must be less than 3001 characters [json-pointer:/blocks/0/text/text]`. Empty:
 * Slack takes the blocks.
 */
export function problemsOf(
  blocks: unknown,
  surface: "message" | "view" = "message",
  at = "/blocks",
): readonly string[] {
  const check = surface === "message" ? messageBlocks : viewBlocks;
  return [...check(blocks, at), ...idsGivenTwice(blocks, at)];
}

export function problemsOfView(view: unknown): readonly string[] {
  const home = isObject(view) && view.type === "home";
  return [...(home ? homeView : modal)(view, "/view"), ...(home ? [] : submitMissing(view))];
}

const common = {
  private_metadata: string({ max: 3000 }),
  callback_id: string({ max: 255 }),
};

const blocksOfView: Check = (blocks, at) => problemsOf(blocks, "view", at);

const homeView = object({ type: type("home"), blocks: blocksOfView }, common);

const modal = object(
  { type: type("modal"), title: plainText(24), blocks: blocksOfView },
  {
    ...common,
    close: plainText(24),
    submit: plainText(24),
  },
);

/** A modal with inputs needs a submit button. */
function submitMissing(view: unknown): readonly string[] {
  const asks = listAt(view, "blocks").some((block) => block.type === "input");
  return asks && isObject(view) && view.submit === undefined
    ? [problem("missing required field: submit", "/view")]
    : [];
}

function idsGivenTwice(blocks: unknown, at: string): readonly string[] {
  const all = listAt({ blocks }, "blocks");
  const ofBlocks = twice(all, "block_id").map((index) =>
    problem("`block_id` already exists", `${at}/${index}/block_id`),
  );
  const ofActions = all.flatMap((block, index) =>
    twice(listAt(block, "elements"), "action_id").map((element) =>
      problem("`action_id` already exists", `${at}/${index}/elements/${element}/action_id`),
    ),
  );
  return [...ofBlocks, ...ofActions];
}

function twice(objects: readonly JsonObject[], key: string): readonly number[] {
  const ids = objects.map((object) => textAt(object, key));
  return ids.flatMap((id, index) => (id !== undefined && ids.indexOf(id) < index ? [index] : []));
}

/** Slack refuses more than about 13,200 as `msg_blocks_too_long`. */
export function lengthOfText(value: unknown): number {
  if (Array.isArray(value)) return value.reduce((sum: number, item) => sum + lengthOfText(item), 0);
  if (!isObject(value)) return 0;
  return Object.entries(value).reduce(
    (sum, [key, field]) => sum + (key === "text" && typeof field === "string" ? field.length : lengthOfText(field)),
    0,
  );
}

/** @see https://github.com/slackapi/bolt-js/issues/2509 */
export const longestText = 13_200;
