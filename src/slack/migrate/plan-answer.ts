import type { KnownBlock } from "@slack/types";
import type { ItemSummary, Migration, MigrationSummary, StepSummary } from "../../access/migration.ts";
import type { Cluster } from "../../access/policy/cluster.ts";
import { counted } from "../../diagnosis/link.ts";
import { answer, type Message, messageOf } from "../show/message.ts";
import { code, context, mention, section, styled } from "../show/mrkdwn.ts";
import { askMigrationButton } from "./migration-buttons.ts";
import { migrationState } from "./migration-words.ts";

/** An answer has room for 50 blocks; the command line shows all. */
const maxItems = 25;
const maxSteps = 12;

const marks: Readonly<Record<ItemSummary["outcome"], string>> = {
  moves: "→",
  "has-entry": "✓",
  nodes: "–",
  creator: "–",
  waits: ":hourglass_flowing_sand:",
  stays: "✗",
  unmatched: "–",
};

/** `migrate <cluster>`: the future of each item of aws-auth, and the steps in order. */
export function migrationAnswer(
  cluster: Cluster,
  plan: MigrationSummary,
  { paths, open }: { readonly paths: readonly string[]; readonly open: Migration | null },
): Message {
  const { mode, items, steps, keptBecause, before, digest } = plan;
  const moving = items.filter(({ outcome }) => outcome === "moves").length;
  const head = `*From aws-auth to access entries: ${code(cluster.name)}*, mode ${code(mode)}\n${counted(moving, "item")} of ${items.length} can move, in ${counted(steps.length, "step")}. Nothing changes yet.`;
  const left = Math.max(0, items.length - maxItems) + Math.max(0, steps.length - maxSteps);
  const blocks = [
    section(head),
    ...items.slice(0, maxItems).map((item) => section(itemWords(item))),
    ...steps.slice(0, maxSteps).map((step, index) => section(stepWords(step, index))),
    ...(keptBecause === null ? [] : [section(`:warning: aws-auth stays as it is. ${styled(keptBecause)}`)]),
    context(lastWords(before.length)),
    ...(open ? [context(`${code(open.id)} of ${mention(open.requester)} is open: ${migrationState(open)}.`)] : []),
    ...(steps.length > 0 && !open ? askBlocks(cluster, paths) : []),
    context(
      `Plan ${code(digest.slice(0, 12))}. ${left > 0 ? `${counted(left, "line")} not shown. ` : ""}${whole(cluster)}`,
    ),
  ];
  return messageOf(blocks);
}

/** Null: the given ARNs do not fit into a button, so the person types them again. */
function askBlocks({ name }: Cluster, paths: readonly string[]): KnownBlock[] {
  const button = askMigrationButton(name, paths);
  if (button) return [{ type: "actions", elements: [button] }];
  return [context(`To request it: ${code(`/eks-access migrate ${name} ask`)} with the same ARNs.`)];
}

function itemWords(item: ItemSummary): string {
  return `${itemHead(item)}\n      ${styled(item.sentences.join(" "), 900)}`;
}

export function itemHead({ place, arn, outcome }: ItemSummary): string {
  return `${marks[outcome]} ${code(arn, 640)} (${place})`;
}

function stepWords({ does, proof, undo }: StepSummary, index: number): string {
  return `*${index + 1}.* ${styled(does, 900)}\n      Proof: ${styled(proof, 300)}\n      Undo: ${styled(undo, 300)}`;
}

function lastWords(inTheWay: number): string {
  if (inTheWay === 0) return `Then an operator can switch the mode to ${code("API")} for good.`;
  return `The mode ${code("API")} would drop ${counted(inTheWay, "item")} of aws-auth: see above.`;
}

function whole({ name }: Cluster): string {
  return `${code(`eks-access migrate ${name}`)} in the worker's environment shows everything.`;
}

export function nothingToMigrationAnswer(message: string): Message {
  return answer(`Nothing to plan. ${styled(message, 1200)}`);
}

export function mayNotPlanAnswer({ name }: Cluster): Message {
  return answer(`Only approvers of ${code(name)} and its on-call can see the plan.`);
}
