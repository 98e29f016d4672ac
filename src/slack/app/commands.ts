import { bare, isName } from "../../access/ask/request-line.ts";
import { breakGlassCommand } from "../ask/break-glass.ts";
import { extend } from "../ask/extend.ts";
import { request } from "../ask/request.ts";
import { approve, deny, reviewed } from "../decide/decide-commands.ts";
import { cancelCommand, revokeCommand } from "../decide/end-access.ts";
import { link } from "../link/link.ts";
import { check } from "../look/check.ts";
import { clusters } from "../look/clusters.ts";
import { creator } from "../look/creator.ts";
import { commandMeant, help, readHelp, unknownCommandAnswer } from "../look/help.ts";
import { list } from "../look/list.ts";
import { review } from "../look/review.ts";
import { status } from "../look/status.ts";
import { whoami } from "../look/whoami.ts";
import { why } from "../look/why.ts";
import { migrate, repair } from "../migrate/migrate.ts";
import { helpAction, runAction } from "../show/buttons.ts";
import { failedAnswer, type Message, notRecordedYetAnswer } from "../show/message.ts";
import { acknowledgeWhenDone, answers, type Buttons } from "./answer.ts";
import { type Command, type CommandCall, readCommandText, type SlackContext } from "./context.ts";
import type { SlashCommand } from "./payload.ts";

const notYet = ephemeral(notRecordedYetAnswer());

/** Every word of `/eks-access`, in the order of the help. A new word is a new file and a line here. */
export const commands: readonly Command[] = [
  request,
  list,
  status,
  approve,
  deny,
  extend,
  revokeCommand,
  cancelCommand,
  breakGlassCommand,
  reviewed,
  review,
  link,
  whoami,
  why,
  clusters,
  check,
  migrate,
  repair,
  creator,
  help,
];

/** Answers `/eks-access …`. A quick answer is in the acknowledgement, which saves a call to Slack. */
export async function handleCommand(context: SlackContext, { command, client, ack, respond }: SlashCommand) {
  const { text: sent, user_id: user, channel_id: channel, trigger_id: triggerId } = command;
  const line = readLine(sent);
  const doesRecord = line.command?.records === true && line.rest !== "";
  const doing = runLine(context, line, { user, channel, triggerId, client }).catch((error: unknown) => {
    context.log.error({ err: error, command: line.word }, "a command failed");
    return failedAnswer(error);
  });
  const late = doesRecord ? notYet : undefined;
  const { deadlines } = context.config.timing;
  const { outcome, inTime } = await acknowledgeWhenDone(
    doing,
    // An answer that only reads can follow the acknowledgement.
    doesRecord ? deadlines.acknowledge : deadlines.answer,
    (progress) => ack(progress.type === "done" ? answerOf(progress.outcome) : late),
  );
  if (outcome && !inTime) await respond(ephemeral(outcome));
}

function ephemeral(message: Message) {
  return { response_type: "ephemeral", ...message } as const;
}

/** Undefined: a form opened instead. */
function answerOf(message: Message | null) {
  return message ? ephemeral(message) : undefined;
}

/** @param sent Slack's text: a button to run it keeps its people */
function readLine(sent: string) {
  const { text, people } = readCommandText(sent);
  const [word, rest] = wordAndRest(text);
  const name = word.toLowerCase();
  return { sent, people, word, rest, name, command: commands.find((each) => each.word === (name || "help")) };
}

type Sender = Pick<CommandCall, "user" | "channel" | "triggerId" | "client">;

/** Runs a typed or a corrected line: each command checks the person's rights. */
async function runLine(context: SlackContext, line: ReturnType<typeof readLine>, by: Sender): Promise<Message | null> {
  const { sent, people, word, rest, name, command } = line;
  if (command) return command.run(context, { ...by, rest, people, commands });
  // The id of a request alone shows that request.
  if (/^r-[a-z0-9]+$/.test(name)) return unknownCommandAnswer(word, "status", name);
  if (isName(name, context.config.clusters))
    return unknownCommandAnswer(word, "request", `${word} ${rest}`, sent.trim());
  const meant = await commandMeant(context, by.user, commands, word);
  return unknownCommandAnswer(word, meant, rest, wordAndRest(sent.trim())[1]);
}

/** The product's own two words for emergency access, as people say them, are its command. */
function wordAndRest(text: string): readonly [word: string, rest: string] {
  const spelled = text.replace(/^(?:break\s+glass|emergency\s+access)(?!\S)/i, breakGlassCommand.word);
  const [word = "", first = "", ...others] = spelled.split(/\s+/);
  return [word, [bare(first), ...others].join(" ")];
}

export const commandButtons: Buttons = {
  [helpAction]: answers((context, user) => readHelp(context, user, commands, true)),
  [runAction]: (context, click) => {
    const { body, client } = click;
    const by = { user: body.user.id, channel: body.channel?.id ?? "", triggerId: body.trigger_id, client };
    return answers((_, __, line) => runLine(context, readLine(line), by))(context, click);
  },
};
