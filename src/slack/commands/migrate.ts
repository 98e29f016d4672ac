import { migrationReport } from "../../jobs/migration-report.ts";
import type { Cluster } from "../../policy/cluster.ts";
import { answersFor } from "../../policy/may-see.ts";
import type { SlackContext } from "../context.ts";
import type { Message } from "../messages/message.ts";
import { mayNotPlanAnswer, migrationAnswer, nothingToMoveAnswer } from "../messages/migration-answer.ts";
import { notFoundOutAnswer, noWorkerAnswer } from "../messages/why-answer.ts";
import { personShown } from "../standing.ts";
import { aboutCluster, askWorker } from "./ask-worker.ts";
import { type Command, idAndRest } from "./command.ts";

/** Each access entry that there is costs two calls; in milliseconds. */
const migrateWaitMs = 60_000;

const mostArns = 50;

export const migrate: Command = {
  word: "migrate",
  usage: "<cluster> [<arn> …]",
  summary: "plans the move of a cluster from aws-auth to access entries",
  forApprovers: true,
  run: (context, { user, rest }) => {
    const [name, arns] = idAndRest(rest);
    return aboutCluster(context, { user, name }, (cluster) => planOf(context, cluster, user, arns));
  },
};

/** The plan names everybody in aws-auth with what they may do: it is for who answers for the cluster. */
async function planOf(context: SlackContext, cluster: Cluster, user: string, arns: string): Promise<Message> {
  if (!answersFor(cluster, await personShown(context, user))) return mayNotPlanAnswer(cluster);
  const told = arns
    .split(/\s+/)
    .filter((arn) => arn.startsWith("arn:"))
    .slice(0, mostArns);
  const question = { type: "migrate", cluster: cluster.name, user, told } as const;
  const report = await askWorker(context, question, migrationReport, migrateWaitMs);
  if (!report) return noWorkerAnswer();
  if (report.type === "failed") return notFoundOutAnswer(cluster, report.message);
  return report.type === "refused" ? nothingToMoveAnswer(report.message) : migrationAnswer(cluster, report);
}
