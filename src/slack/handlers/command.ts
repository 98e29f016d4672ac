import type { AllMiddlewareArgs, SlackCommandMiddlewareArgs } from "@slack/bolt";
import { explain } from "../../failure/access-error.ts";
import { creatorReport } from "../../jobs/creator-report.ts";
import { nearest } from "../../request/nearest.ts";
import { readRequest, splitRequestLine } from "../../request/request-line.ts";
import type { SlackContext } from "../context.ts";
import {
  failureAnswer,
  helpAnswer,
  mistakesAnswer,
  requestedAnswer,
  unknownCommandAnswer,
  whoAmIAnswer,
} from "../messages/answers.ts";
import { creatorAnswer, noSuchClusterAnswer } from "../messages/creator-answer.ts";
import type { Message } from "../messages/message.ts";
import { requestModal } from "../request-modal.ts";
import { cancelRequest, revokeGrant } from "./end-access.ts";
import { extendGrant } from "./extend.ts";
import { submitRequest } from "./submit-request.ts";

type Command = SlackCommandMiddlewareArgs & AllMiddlewareArgs;

/** How long somebody waits for the answer of a worker, in milliseconds. */
const answerWaitMs = 8_000;
/** CloudTrail takes two questions a second, and may have many pages. */
const creatorWaitMs = 60_000;

const words: Readonly<
  Record<string, (context: SlackContext, command: Command, rest: string) => Promise<Message | null>>
> = {
  request,
  whoami: whoAmI,
  help: async () => helpAnswer(),
  creator: whoCreated,
  revoke: (context, { command: { user_id } }, rest) => {
    const [id = "", ...why] = rest.split(" ");
    return revokeGrant(context, user_id, id, why.join(" "));
  },
  cancel: (context, { command: { user_id } }, rest) => cancelRequest(context, user_id, rest),
  extend: (context, { command: { user_id } }, rest) => {
    const [id = "", ...by] = rest.split(" ").filter((word) => word !== "for");
    return extendGrant(context, user_id, id, by.join("") || undefined);
  },
};

/** `/eks-access …`: acknowledges at once, then answers to whoever typed it. */
export async function handleCommand(context: SlackContext, command: Command): Promise<void> {
  await command.ack();
  const [word = "", ...rest] = command.command.text.trim().split(/\s+/);
  const name = word.toLowerCase() || "help";
  // `constructor` is a key of every object, and no word of ours.
  const handle = Object.hasOwn(words, name) ? words[name] : undefined;
  const answer = handle
    ? await handle(context, command, rest.join(" ")).catch((error: unknown) => {
        context.log.error({ err: error, command: word }, "a command failed");
        return failureAnswer(explain(error));
      })
    : unknownCommandAnswer(word, nearest(word, Object.keys(words)));
  if (answer) await command.respond({ response_type: "ephemeral", text: answer.text, blocks: [...answer.blocks] });
}

async function request(context: SlackContext, command: Command, line: string): Promise<Message | null> {
  const user = command.command.user_id;
  if (line === "") {
    // The trigger lives for three seconds: what is remembered must not cost the form.
    const principal = await context.ledger.principalOf(user).catch(() => null);
    const view = requestModal(context.config.clusters, { principal });
    await command.client.views.open({ trigger_id: command.command.trigger_id, view });
    return null;
  }
  const reading = readRequest(splitRequestLine(unescapeText(line)), context.config.clusters);
  if (reading.type === "mistakes") return mistakesAnswer(reading);
  return requestedAnswer(await submitRequest(context, user, reading.wish));
}

async function whoAmI(context: SlackContext, command: Command): Promise<Message> {
  const user = command.command.user_id;
  const workerAnswered = await context.workers.ask({ type: "identity" }, answerWaitMs).then(
    () => true,
    () => false,
  );
  const [principal, requests, worker] = await Promise.all([
    context.ledger.principalOf(user),
    context.ledger.ofRequester(user, 50),
    context.ledger.workerIdentity(),
  ]);
  return whoAmIAnswer({ user, principal, requests, worker, workerAnswered });
}

async function whoCreated(context: SlackContext, _command: Command, name: string): Promise<Message> {
  const cluster = context.config.clusters.get(name);
  if (!cluster) return noSuchClusterAnswer(name, [...context.config.clusters.keys()]);
  const answer = await context.workers.ask({ type: "creator", cluster: name }, creatorWaitMs).catch(() => null);
  const report = creatorReport.safeParse(answer);
  return report.success
    ? creatorAnswer(cluster, report.data)
    : failureAnswer("No worker answered. Check that one runs, then ask again.");
}

/** Slack escapes these three in the text of a command. */
function unescapeText(text: string): string {
  return text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
}
