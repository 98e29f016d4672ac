import type { Cluster } from "../../access/policy/cluster.ts";
import { answersFor } from "../../access/policy/may-see.ts";
import { whyReport } from "../../diagnosis/why-report.ts";
import { type Command, idAndRest } from "../app/command.ts";
import type { SlackContext } from "../app/context.ts";
import type { Message } from "../blocks/message.ts";
import { personShown } from "../people/standing.ts";
import { aboutCluster, askWorker } from "./ask-worker.ts";
import { nobodyLinkedAnswer, notFoundOutAnswer, noWorkerAnswer, whyAnswer } from "./why-answer.ts";

/** Longer than any ARN that can be meant. */
const longestGiven = 2048;

export const why: Command = {
  word: "why",
  usage: "<cluster> [<arn>]",
  summary: "says why kubectl answers Unauthorized or Forbidden, and what to do about it",
  run: (context, { user, rest }) => {
    const [name, given] = idAndRest(rest);
    return aboutCluster(context, { user, name }, (cluster) => whyOf(context, cluster, user, given.trim()));
  },
};

async function whyOf(context: SlackContext, cluster: Cluster, user: string, given: string): Promise<Message> {
  const principal = given.slice(0, longestGiven) || (await context.ledger.principalOf(user));
  if (!principal) return nobodyLinkedAnswer(cluster);
  const answers = answersFor(cluster, await personShown(context, user));
  const question = { type: "why", cluster: cluster.name, user, answers, principal } as const;
  const report = await askWorker(context, question, whyReport);
  if (!report) return noWorkerAnswer();
  return report.type === "failed" ? notFoundOutAnswer(cluster, report.message) : whyAnswer(cluster, report);
}
