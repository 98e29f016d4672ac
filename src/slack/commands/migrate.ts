import { migrationReport } from "../../jobs/migration-report.ts";
import type { Cluster } from "../../policy/cluster.ts";
import { answersFor } from "../../policy/may-see.ts";
import type { SlackContext } from "../context.ts";
import type { Message } from "../messages/message.ts";
import { mayNotPlanAnswer, migrationAnswer, nothingToMoveAnswer } from "../messages/migration-answer.ts";
import { notFoundOutAnswer, noWorkerAnswer } from "../messages/why-answer.ts";
import { personShown } from "../standing.ts";
import { aboutCluster, askWorker } from "./ask-worker.ts";
import type { Command } from "./command.ts";

/** Each access entry that there is costs two calls; in milliseconds. */
const migrateWaitMs = 60_000;

export const migrate: Command = {
  word: "migrate",
  usage: "<cluster>",
  summary: "plans the move of a cluster from aws-auth to access entries",
  forApprovers: true,
  run: (context, { user, rest }) =>
    aboutCluster(context, { user, name: rest }, (cluster) => planOf(context, cluster, user)),
};

/** The plan names everybody in aws-auth with what they may do: it is for who answers for the cluster. */
async function planOf(context: SlackContext, cluster: Cluster, user: string): Promise<Message> {
  if (!answersFor(cluster, await personShown(context, user))) return mayNotPlanAnswer(cluster);
  const question = { type: "migrate", cluster: cluster.name, user } as const;
  const report = await askWorker(context, question, migrationReport, migrateWaitMs);
  if (!report) return noWorkerAnswer();
  if (report.type === "failed") return notFoundOutAnswer(cluster, report.message);
  return report.type === "refused" ? nothingToMoveAnswer(report.message) : migrationAnswer(cluster, report);
}
