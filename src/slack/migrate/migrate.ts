import { bare } from "../../access/ask/request-line.ts";
import { isMigrationOver } from "../../access/migration.ts";
import type { Cluster } from "../../access/policy/cluster.ts";
import { startOf } from "../../access/redact.ts";
import { migrationReport } from "../../diagnosis/reports.ts";
import { askWorker, type Command, idAndRest, type SlackContext } from "../app/context.ts";
import { aboutCluster, notFoundOutAnswer, noWorkerAnswer } from "../look/about-cluster.ts";
import { answer, type Message, maxWhyLength } from "../show/message.ts";
import { code, styled } from "../show/mrkdwn.ts";
import { maxArns } from "./migration-buttons.ts";
import { askForMigration, stopMigration } from "./migration-clicks.ts";
import { noMigrationAnswer } from "./migration-words.ts";
import { mayNotPlanAnswer, migrationAnswer } from "./plan-answer.ts";

export const migrate: Command = {
  word: "migrate",
  usage: "<cluster> [ask|stop] [<arn> …]",
  summary: "plans, requests or stops a cluster's migration from aws-auth to access entries",
  forApprovers: true,
  run: (context, { user, rest }) => {
    const [name, words] = idAndRest(rest);
    const [word, others] = idAndRest(words);
    return aboutCluster(context, { user, name }, async (cluster, isResponsible) => {
      if (word === "stop") {
        const latest = await context.ledger.migrations.latestOf(cluster.name);
        const stopped = latest && (await stopMigration(context, user, latest.id, startOf(others, maxWhyLength)));
        return stopped ?? noMigrationAnswer(cluster.name);
      }
      const isAsked = word === "ask";
      const arns = readArns(isAsked ? others : words);
      if (arns.type === "mistake") return mistakeAnswer(migrate, arns.word);
      if (isAsked) return askForMigration(context, cluster, user, arns.arns);
      // The plan names everyone in aws-auth with their rights.
      return isResponsible ? planOf(context, cluster, user, arns.arns) : mayNotPlanAnswer(cluster);
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
    const arns = readArns(words);
    return aboutCluster(context, { user, name }, (cluster) =>
      arns.type === "mistake"
        ? Promise.resolve(mistakeAnswer(repair, arns.word))
        : askForMigration(context, cluster, user, arns.arns, "repair"),
    );
  },
};

type Arns =
  | { readonly type: "arns"; readonly arns: readonly string[] }
  | { readonly type: "mistake"; readonly word: string };

function readArns(words: string): Arns {
  const arns = words.split(/\s+/).map(bare).filter(Boolean);
  const wrong = arns.find((word) => !word.startsWith("arn:")) ?? arns[maxArns];
  return wrong === undefined ? { type: "arns", arns } : { type: "mistake", word: wrong };
}

function mistakeAnswer({ word, usage }: Pick<Command, "word" | "usage">, mistake: string): Message {
  const why = mistake.startsWith("arn:") ? `it takes at most ${maxArns} ARNs` : `it doesn't know ${code(mistake)}`;
  return answer(`Nothing changed: ${why}. Write ${code(`/eks-access ${word} ${usage}`)}.`);
}

async function planOf(context: SlackContext, cluster: Cluster, user: string, givenArns: readonly string[]) {
  const question = { type: "migrate" as const, cluster: cluster.name, user, givenArns: [...givenArns] };
  const report = await askWorker(context, question, migrationReport);
  if (!report) return noWorkerAnswer();
  if (report.type === "failed") return notFoundOutAnswer(cluster, report.message);
  if (report.type === "refused") return answer(`Nothing to plan. ${styled(report.message, 1200)}`);
  const latest = await context.ledger.migrations.latestOf(cluster.name);
  const open = latest && !isMigrationOver(latest) ? latest : null;
  return migrationAnswer(cluster, report, { paths: givenArns, open });
}
