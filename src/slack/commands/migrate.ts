import { migrationReport } from "../../jobs/migration/migration-report.ts";
import { isOver } from "../../migration/move.ts";
import type { Cluster } from "../../policy/cluster.ts";
import { answersFor } from "../../policy/may-see.ts";
import type { SlackContext } from "../context.ts";
import { askForMove, stopMove } from "../handlers/move-clicks.ts";
import { mostArns } from "../handlers/move-values.ts";
import type { Message } from "../messages/message.ts";
import { mayNotPlanAnswer, migrationAnswer, nothingToMoveAnswer } from "../messages/migration-answer.ts";
import { noMoveAnswer } from "../messages/move-answers.ts";
import { notFoundOutAnswer, noWorkerAnswer } from "../messages/why-answer.ts";
import { personShown } from "../standing.ts";
import { aboutCluster, askWorker } from "./ask-worker.ts";
import { type Command, idAndRest } from "./command.ts";

export const migrate: Command = {
  word: "migrate",
  usage: "<cluster> [ask|withdraw] [<arn> …]",
  summary: "plans the move of a cluster from aws-auth to access entries, asks for it, or stops it",
  forApprovers: true,
  run: (context, { user, rest }) => {
    const [name, words] = idAndRest(rest);
    const [word, others] = idAndRest(words);
    return aboutCluster(context, { user, name }, (cluster) => {
      if (word === "ask") return askForMove(context, cluster, user, arnsIn(others));
      if (word === "withdraw") return withdraw(context, cluster, user, others);
      return planOf(context, cluster, user, arnsIn(words));
    });
  },
};

function arnsIn(words: string): readonly string[] {
  return words
    .split(/\s+/)
    .filter((arn) => arn.startsWith("arn:"))
    .slice(0, mostArns);
}

async function withdraw(context: SlackContext, cluster: Cluster, user: string, why: string): Promise<Message> {
  const latest = await context.ledger.moves.latestOf(cluster.name);
  const answer = latest && (await stopMove(context, user, latest.id, why));
  return answer ?? noMoveAnswer(cluster.name);
}

/** The plan names everybody in aws-auth with what they may do: it is for who answers for the cluster. */
async function planOf(
  context: SlackContext,
  cluster: Cluster,
  user: string,
  told: readonly string[],
): Promise<Message> {
  if (!answersFor(cluster, await personShown(context, user))) return mayNotPlanAnswer(cluster);
  const question = { type: "migrate" as const, cluster: cluster.name, user, told: [...told] };
  const report = await askWorker(context, question, migrationReport);
  if (!report) return noWorkerAnswer();
  if (report.type === "failed") return notFoundOutAnswer(cluster, report.message);
  if (report.type === "refused") return nothingToMoveAnswer(report.message);
  const latest = await context.ledger.moves.latestOf(cluster.name);
  const open = latest && !isOver(latest) ? latest : null;
  return migrationAnswer(cluster, report, { paths: told, open });
}
