import { readRequest } from "../../access/request/request-line.ts";
import { splitRequestLine } from "../../access/request/split-line.ts";
import type { Command, CommandCall } from "../app/command.ts";
import type { SlackContext } from "../app/context.ts";
import { formFailure } from "../app/slack-failure.ts";
import type { Message } from "../blocks/message.ts";
import { mistakesAnswer } from "./answers.ts";
import { requestForm } from "./request-form.ts";
import { askFor } from "./submit-request.ts";

export const request: Command = {
  word: "request",
  usage: "[<cluster> [<arn>] <level> [for 4h] [ticket <id>] <reason>]",
  summary: "asks for access; alone it opens a form",
  records: true,
  run: (context, call) => (call.rest === "" ? openForm(context, call) : askInOneLine(context, call)),
};

async function openForm(context: SlackContext, { user, triggerId, client }: CommandCall): Promise<null> {
  const view = await requestForm(context, user);
  await client.views.open({ trigger_id: triggerId, view }).catch((error: unknown) => {
    throw formFailure(error);
  });
  return null;
}

async function askInOneLine(context: SlackContext, { user, rest }: CommandCall): Promise<Message> {
  const { clusters } = context.config;
  const parts = splitRequestLine(rest, clusters);
  const principal = parts.principal || ((await context.ledger.principalOf(user)) ?? "");
  const reading = readRequest({ ...parts, principal }, clusters);
  if (reading.type === "mistakes") return mistakesAnswer(reading);
  return askFor(context, user, reading.wish);
}
