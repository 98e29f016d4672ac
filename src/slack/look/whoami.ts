import type { Cluster } from "../../access/policy/cluster.ts";
import { answersFor } from "../../access/policy/may-see.ts";
import { chainReport } from "../../diagnosis/chain-report.ts";
import { completeChain, type Link } from "../../diagnosis/link.ts";
import { leasesFinding, workerMissing } from "../../diagnosis/person-links.ts";
import { openFor } from "../../ledger/open-for.ts";
import type { Command } from "../app/command.ts";
import type { SlackContext } from "../app/context.ts";
import { refuseTooMany } from "../ask/limits.ts";
import type { Message } from "../blocks/message.ts";
import { isToBeMadeAgain, personShown } from "../people/standing.ts";
import { aboutCluster, askWorker } from "./ask-worker.ts";
import { chainAnswer } from "./chain-answer.ts";
import { whoAmIAnswer } from "./who-am-i-answer.ts";

export const whoami: Command = {
  word: "whoami",
  usage: "[<cluster>]",
  summary: "shows who you are, who the bot is, and what you have; with a cluster, each link between you and its pods",
  run: async (context, { user, rest }) =>
    rest === ""
      ? ((await refuseTooMany(context, user, "questions")) ?? whoAmI(context, user))
      : aboutCluster(context, { user, name: rest }, (cluster) => chainOf(context, cluster, user)),
};

async function whoAmI(context: SlackContext, user: string): Promise<Message> {
  const workerAnswered = await context.workers
    .ask({ type: "identity" }, context.config.timing.deadlines.workerAnswer)
    .then(
      () => true,
      () => false,
    );
  const [person, link, proposal, requests, worker] = await Promise.all([
    personShown(context, user),
    context.ledger.linkOf(user),
    context.ledger.linkProposalOf(user),
    context.ledger.ofRequester(user, 50),
    context.ledger.workerIdentity(),
  ]);
  const clusters = [...context.config.clusters.values()];
  const again = isToBeMadeAgain(context, user, link);
  const principal = link?.arn ?? null;
  return whoAmIAnswer({ person, principal, again, proposal, requests, clusters, worker, workerAnswered });
}

async function chainOf(context: SlackContext, cluster: Cluster, user: string): Promise<Message> {
  const answers = answersFor(cluster, await personShown(context, user));
  const question = { type: "whoami", cluster: cluster.name, user, answers } as const;
  const report = await askWorker(context, question, chainReport);
  return chainAnswer(cluster, report?.links ?? (await chainWithoutWorker(context, cluster, user)));
}

/** The ledger's part, which this process can tell by itself. */
async function chainWithoutWorker(
  { ledger, config }: SlackContext,
  cluster: Cluster,
  user: string,
): Promise<readonly Link[]> {
  const [principal, open] = await Promise.all([ledger.principalOf(user), openFor(ledger, cluster.name, user)]);
  return completeChain([
    { name: "worker", ms: null, ...workerMissing(config.timing.deadlines.workerAnswer / 1000) },
    { name: "leases", ms: null, ...leasesFinding(open, { user, principal }) },
  ]);
}
