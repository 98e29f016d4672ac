import type { Cluster } from "../../access/policy/cluster.ts";
import type { ClusterJob, ClusterQuestion } from "../../ledger/queues.ts";
import type { WorkerContext } from "../context.ts";
import { reportMigration } from "../migration/migration.ts";
import { reportChain } from "./chain.ts";
import { reportCheck } from "./check.ts";
import { reportCreator } from "./creator.ts";
import { reportWhy } from "./why.ts";

const questions: ReadonlySet<ClusterJob["type"]> = new Set<ClusterQuestion["type"]>([
  "creator",
  "whoami",
  "check",
  "migrate",
  "why",
]);

export function isQuestion(job: ClusterJob): job is ClusterQuestion {
  return questions.has(job.type);
}

/** What somebody in Slack wants to know of a cluster. The answer goes back as the job's return value. */
export async function answerQuestion(
  context: WorkerContext,
  cluster: Cluster,
  question: ClusterQuestion,
): Promise<unknown> {
  switch (question.type) {
    case "creator":
      return reportCreator(context, cluster);
    case "whoami":
      return reportChain(context, cluster, question);
    case "check":
      return reportCheck(context, cluster, question);
    case "migrate":
      return reportMigration(context, cluster, question);
    case "why":
      return reportWhy(context, cluster, question);
  }
}
