import type { KnownBlock } from "@slack/types";
import { migrationApprovals } from "../../approval/migration-approval.ts";
import { counted } from "../../diagnosis/link.ts";
import type { ItemSummary, MigrationSummary, StepSummary } from "../../migration/summary.ts";
import type { Cluster } from "../../policy/cluster.ts";
import { code, context, section, told } from "../mrkdwn.ts";
import { approveMigrationAction } from "./actions.ts";
import { answer } from "./answers.ts";
import type { Message } from "./message.ts";

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
export function migrationAnswer(cluster: Cluster, plan: MigrationSummary): Message {
  const { mode, items, steps, keptBecause, before, digest } = plan;
  const moving = items.filter(({ fate }) => fate === "moves").length;
  const head = `*From aws-auth to access entries: ${code(cluster.name)}*, mode ${code(mode)}\n${counted(moving, "item")} of ${items.length} can move, in ${counted(steps.length, "step")}. Nothing was changed.`;
  const left = Math.max(0, items.length - mostItems) + Math.max(0, steps.length - mostSteps);
  const blocks = [
    section(head),
    ...items.slice(0, mostItems).map((item) => section(itemWords(item))),
    ...steps.slice(0, mostSteps).map((step, index) => section(stepWords(step, index))),
    ...(keptBecause === null ? [] : [section(`:warning: aws-auth is left as it is. ${told(keptBecause)}`)]),
    context(lastWords(before.length)),
    ...(steps.length > 0 ? [approveBlock(cluster, digest)] : []),
    context(
      `Plan ${code(digest.slice(0, 12))}. ${left > 0 ? `${counted(left, "line")} left out here. ` : ""}${whole(cluster)}`,
    ),
  ];
  return { text: head, blocks };
}

/** The click is bound to this very plan. */
function approveBlock({ name: cluster }: Cluster, digest: string): KnownBlock {
  const text = { type: "plain_text" as const, text: "Approve this plan" };
  const value = JSON.stringify({ cluster, digest });
  return { type: "actions", elements: [{ type: "button", action_id: approveMigrationAction, text, value }] };
}

export function migrationApprovedAnswer({ name }: Cluster, digest: string, count: number): Message {
  const plan = code(digest.slice(0, 12));
  if (count < migrationApprovals)
    return answer(`Your approval of the plan ${plan} is recorded. Another approver has to approve it too.`);
  const line = code(`eks-access migrate ${name} --apply ${digest} --backup FILE`);
  return answer(`The plan ${plan} is approved. An operator carries it out in the worker's environment with ${line}.`);
}

export function migrationRefusedAnswer({ name }: Cluster, refusal: "not-an-approver" | "approved-already"): Message {
  if (refusal === "approved-already")
    return answer("You have approved this plan already. Another approver has to approve it too.");
  return answer(`Approvers of ${code(name)} decide about this plan.`);
}

function itemWords({ place, arn, fate, sentences }: ItemSummary): string {
  return `${marks[fate]} ${code(arn, 300)} (${place})\n      ${told(sentences.join(" "), 900)}`;
}

function stepWords({ does, proof, undo }: StepSummary, index: number): string {
  return `*${index + 1}.* ${told(does, 900)}\n      Proof: ${told(proof, 300)}\n      Back: ${told(undo, 300)}`;
}

function lastWords(inTheWay: number): string {
  if (inTheWay === 0)
    return `After that nothing needs aws-auth any more, and an operator can switch the mode to ${code("API")} for good.`;
  return `${counted(inTheWay, "item")} of aws-auth would be lost in the mode ${code("API")}: see above.`;
}

function whole({ name }: Cluster): string {
  return `${code(`eks-access migrate ${name}`)} in the worker's environment shows all of it.`;
}

export function nothingToMoveAnswer(message: string): Message {
  return answer(`There is nothing to plan. ${told(message, 1200)}`);
}

export function mayNotPlanAnswer({ name }: Cluster): Message {
  return answer(
    `The plan names everybody who can sign in to ${code(name)}. Approvers of the cluster and its on-call may see it.`,
  );
}
