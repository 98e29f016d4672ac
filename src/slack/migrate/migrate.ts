import type { Cluster } from "../../access/policy/cluster.ts";
import { isResponsibleFor } from "../../access/policy/may.ts";
import { isMigrationOver } from "../../access/request/migration.ts";
import { migrationReport } from "../../diagnosis/reports.ts";
import { askWorker } from "../app/ask-worker.ts";
import { type Command, idAndRest } from "../app/command.ts";
import type { SlackContext } from "../app/context.ts";
import { aboutCluster, notFoundOutAnswer, noWorkerAnswer } from "../look/about-cluster.ts";
import { personShown } from "../people/requester-facts.ts";
import type { Message } from "../show/message.ts";
import { maxArns } from "./migration-buttons.ts";
import { askForMigration, stopMigration } from "./migration-clicks.ts";
import { noMigrationAnswer } from "./migration-words.ts";
import { mayNotPlanAnswer, migrationAnswer, nothingToMigrationAnswer } from "./plan-answer.ts";

export const migrate: Command = {
  word: "migrate",
  usage: "<cluster> [ask|withdraw] [<arn> …]",
  summary: "plans, requests or stops a cluster's migration from aws-auth to access entries",
  forApprovers: true,
  run: (context, { user, rest }) => {
    const [name, words] = idAndRest(rest);
    const [word, others] = idAndRest(words);
    return aboutCluster(context, { user, name }, (cluster) => {
      if (word === "ask") return askForMigration(context, cluster, user, arnsIn(others));
      if (word === "withdraw") return withdraw(context, cluster, user, others);
      return planOf(context, cluster, user, arnsIn(words));
    });
  },
};

/** The worker makes the plan for the approvers; without a request it would say no more than `check`. */
export const repair: Command = {
  word: "repair",
  usage: "<cluster> [<arn> …]",
  summary: "requests new entries for roles that were deleted and made again",
  forApprovers: true,
  run: (context, { user, rest }) => {
    const [name, words] = idAndRest(rest);
    return aboutCluster(context, { user, name }, (cluster) =>
      askForMigration(context, cluster, user, arnsIn(words), "repair"),
    );
  },
};

function arnsIn(words: string): readonly string[] {
  return words
    .split(/\s+/)
    .filter((arn) => arn.startsWith("arn:"))
    .slice(0, maxArns);
}

async function withdraw(context: SlackContext, cluster: Cluster, user: string, why: string): Promise<Message> {
  const latest = await context.ledger.migrations.latestOf(cluster.name);
  const answer = latest && (await stopMigration(context, user, latest.id, why));
  return answer ?? noMigrationAnswer(cluster.name);
}

/** The plan names everyone in aws-auth with their rights, so only approvers and on-call see it. */
async function planOf(
  context: SlackContext,
  cluster: Cluster,
  user: string,
  givenArns: readonly string[],
): Promise<Message> {
  if (!isResponsibleFor(cluster, await personShown(context, user))) return mayNotPlanAnswer(cluster);
  const question = { type: "migrate" as const, cluster: cluster.name, user, givenArns: [...givenArns] };
  const report = await askWorker(context, question, migrationReport);
  if (!report) return noWorkerAnswer();
  if (report.type === "failed") return notFoundOutAnswer(cluster, report.message);
  if (report.type === "refused") return nothingToMigrationAnswer(report.message);
  const latest = await context.ledger.migrations.latestOf(cluster.name);
  const open = latest && !isMigrationOver(latest) ? latest : null;
  return migrationAnswer(cluster, report, { paths: givenArns, open });
}
