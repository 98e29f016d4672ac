import type { KnownBlock } from "@slack/types";
import type { ItemSummary, Migration, MigrationSummary, StepSummary } from "../../access/migration/migration.ts";
import type { Cluster } from "../../access/policy/cluster.ts";
import { counted } from "../../diagnosis/link.ts";
import type { Message } from "../blocks/message.ts";
import { answer } from "../blocks/message.ts";
import { code, context, mention, section, styled } from "../blocks/mrkdwn.ts";
import { askMigrationButton } from "./migration-buttons.ts";
import { migrationState } from "./migration-words.ts";

/** An answer holds 50 blocks; the command line shows all. */
const mostItems = 25;
const mostSteps = 12;

const marks: Readonly<Record<ItemSummary["fate"], string>> = {
  moves: "→",
  stands: "✓",
  nodes: "–",
  creator: "–",
  waits: ":hourglass_flowing_sand:",
  stays: "✗",
  dead: "–",
};

/** `migrate <cluster>`: what becomes of each item of aws-auth, and the steps in their order. */
export function migrationAnswer(
  cluster: Cluster,
  plan: MigrationSummary,
  { paths, open }: { readonly paths: readonly string[]; readonly open: Migration | null },
): Message {
  const { mode, items, steps, keptBecause, before, digest } = plan;
  const moving = items.filter(({ fate }) => fate === "moves").length;
  const head = `*From aws-auth to access entries: ${code(cluster.name)}*, mode ${code(mode)}\n${counted(moving, "item")} of ${items.length} can move, in ${counted(steps.length, "step")}. Nothing was changed.`;
  const left = Math.max(0, items.length - mostItems) + Math.max(0, steps.length - mostSteps);
  const blocks = [
    section(head),
    ...items.slice(0, mostItems).map((item) => section(itemWords(item))),
    ...steps.slice(0, mostSteps).map((step, index) => section(stepWords(step, index))),
    ...(keptBecause === null ? [] : [section(`:warning: aws-auth is left as it is. ${styled(keptBecause)}`)]),
    context(lastWords(before.length)),
    ...(open ? [context(`${code(open.id)} of ${mention(open.requester)} is under way: ${migrationState(open)}.`)] : []),
    ...(steps.length > 0 && !open ? askBlocks(cluster, paths) : []),
    context(
      `Plan ${code(digest.slice(0, 12))}. ${left > 0 ? `${counted(left, "line")} left out here. ` : ""}${whole(cluster)}`,
    ),
  ];
  return { text: head, blocks };
}

/** Null: the paths that were told do not fit into a button, and have to be typed again. */
function askBlocks({ name }: Cluster, paths: readonly string[]): KnownBlock[] {
  const button = askMigrationButton(name, paths);
  if (button) return [{ type: "actions", elements: [button] }];
  return [context(`To ask for it: ${code(`/eks-access migrate ${name} ask`)} and the same ARNs.`)];
}

/** What becomes of one item of aws-auth. */
export function itemWords({ place, arn, fate, sentences }: ItemSummary): string {
  return `${marks[fate]} ${code(arn, 300)} (${place})\n      ${styled(sentences.join(" "), 900)}`;
}

function stepWords({ does, proof, undo }: StepSummary, index: number): string {
  return `*${index + 1}.* ${styled(does, 900)}\n      Proof: ${styled(proof, 300)}\n      Back: ${styled(undo, 300)}`;
}

function lastWords(inTheWay: number): string {
  if (inTheWay === 0)
    return `After that nothing needs aws-auth any more, and an operator can switch the mode to ${code("API")} for good.`;
  return `${counted(inTheWay, "item")} of aws-auth would be lost in the mode ${code("API")}: see above.`;
}

function whole({ name }: Cluster): string {
  return `${code(`eks-access migrate ${name}`)} in the worker's environment shows all of it.`;
}

export function nothingToMigrationAnswer(message: string): Message {
  return answer(`There is nothing to plan. ${styled(message, 1200)}`);
}

export function mayNotPlanAnswer({ name }: Cluster): Message {
  return answer(
    `The plan names everybody who can sign in to ${code(name)}. Approvers of the cluster and its on-call may see it.`,
  );
}
