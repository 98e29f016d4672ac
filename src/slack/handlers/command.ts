import type { AllMiddlewareArgs, SlackCommandMiddlewareArgs } from "@slack/bolt";
import { explain } from "../../failure/access-error.ts";
import { nearest } from "../../request/nearest.ts";
import { commands } from "../commands/all.ts";
import type { SlackContext } from "../context.ts";
import { failureAnswer } from "../messages/answers.ts";
import { unknownCommandAnswer } from "../messages/help-answer.ts";
import type { Message } from "../messages/message.ts";

type SlashCommand = SlackCommandMiddlewareArgs & AllMiddlewareArgs;

/** `/eks-access …`: acknowledges at once, then answers to whoever typed it. */
export async function handleCommand(context: SlackContext, command: SlashCommand): Promise<void> {
  await command.ack();
  const [word = "", ...rest] = unescapeText(command.command.text).trim().split(/\s+/);
  const answer = await run(context, command, word, rest.join(" ")).catch((error: unknown) => {
    context.log.error({ err: error, command: word }, "a command failed");
    return failureAnswer(explain(error));
  });
  if (answer) await command.respond({ response_type: "ephemeral", text: answer.text, blocks: [...answer.blocks] });
}

async function run(
  context: SlackContext,
  { command: { user_id: user, trigger_id: triggerId }, client }: SlashCommand,
  word: string,
  rest: string,
): Promise<Message | null> {
  const name = word.toLowerCase() || "help";
  const found = commands.find((each) => each.word === name);
  if (found) return found.run(context, { user, rest, triggerId, client, commands });
  // The id of a request alone: somebody wants to see it.
  if (/^r-[a-z0-9]+$/.test(name)) return unknownCommandAnswer(word, "status", name);
  const words = commands.map((each) => each.word);
  return unknownCommandAnswer(word, nearest(word, words), rest);
}

/** Slack escapes these three in the text of a command. */
function unescapeText(text: string): string {
  return text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
}
