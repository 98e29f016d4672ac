import type { KnownBlock } from "@slack/types";
import { moveApprovals } from "../../approval/decide-move.ts";
import { counted } from "../../diagnosis/link.ts";
import { isOver, type Move, type MovePlan } from "../../migration/move.ts";
import type { StepSummary } from "../../migration/summary.ts";
import { code, context, cut, mention, mentions, plainLine, section, time, told } from "../mrkdwn.ts";
import type { Message } from "./message.ts";
import { itemWords } from "./migration-answer.ts";
import { approveMoveButton, denyMoveButton, retryMoveButton, withdrawMoveButton } from "./move-buttons.ts";
import { said } from "./words.ts";

/** Slack refuses a message with more than about 13,000 characters. */
const mostItems = 10;
const mostSteps = 20;

/** What is posted first, to be changed into the message below: it has no button, and says nothing that can become untrue. */
export function openingMoveMessage(move: Move): Message {
  const title = titleOf(move);
  const note = `Migration ${code(move.id)}. If its state does not follow here, a newer message has it.`;
  return { text: title, blocks: [section(`*${title}*`), context(note)] };
}

/** The message in the cluster's channel, through the whole life of a move. A pure function of the ledger's record. */
export function moveMessage(move: Move): Message {
  return {
    text: `${titleOf(move)}: ${moveState(move)}`,
    blocks: [
      section(`*${titleOf(move)}*\n${code(move.id)}, asked ${time(move.createdAt)}`),
      ...planBlocks(move),
      ...voidedBlocks(move),
      section(moveState(move)),
      ...(move.trouble ? [section(troubleWords(move))] : []),
      ...buttonBlocks(move),
    ],
  };
}

function titleOf({ requester, cluster }: Move): string {
  return `${mention(requester)} asks to move ${code(cluster)} from aws-auth to access entries`;
}

/** The state of a move in a few words, with who and when. Says nothing that is not true yet (law 5). */
export function moveState(move: Move): string {
  const { approvals, denial, withdrawal, refusal, plan } = move;
  switch (move.state) {
    case "pending":
      if (!plan) return "Looking at the cluster";
      if (approvals.length === 0) return `Waiting for ${moveApprovals} approvals, of different people`;
      return `Approved by ${approversOf(move)}. Waiting for another approver`;
    case "running":
      return `Approved by ${approversOf(move)}. ${progressOf(move)}`;
    case "done":
      return `Approved by ${approversOf(move)}. *Done* ${time(move.endedAt ?? "")}. ${lastStep(move)}`;
    case "denied":
      return `Denied by ${mention(denial?.by ?? "")}: ${cut(plainLine(denial?.why ?? ""), 600)}`;
    case "withdrawn": {
      const why = withdrawal?.why ? `: ${cut(plainLine(withdrawal.why), 300)}` : "";
      return `*Stopped* by ${mention(withdrawal?.by ?? "")}${why}. ${whatStays(move)}`;
    }
    case "lapsed":
      return `*Lapsed* ${time(move.endedAt ?? move.lapsesAt)}. ${whatStays(move)}`;
    case "refused":
      return `Refused: ${told(refusal?.message ?? "", 1500)}`;
  }
}

function approversOf({ approvals }: Move): string {
  return approvals.map(({ by, at }) => `${mention(by)} ${time(at)}`).join(", ");
}

function progressOf({ begun, settlesAt, done, plan }: Move): string {
  const count = `${done.length} of ${plan?.summary.steps.length ?? 0} steps`;
  if (begun) return `Carrying it out: ${count}, now ${code(begun.name, 200)}`;
  if (settlesAt) return `Carrying it out: ${count}. Nothing goes out of aws-auth before ${time(settlesAt)}`;
  return `Carrying it out: ${count}`;
}

/** What was carried out is not taken back: who stops it has to know what it is, and how to go on. */
function whatStays({ done, cluster, begun }: Move): string {
  if (begun) return `The step ${code(begun.name, 200)} had begun, and is seen to`;
  if (done.length === 0) return "Nothing was changed";
  const on = code(`/eks-access migrate ${cluster} ask`);
  return `${counted(done.length, "step")} carried out, which stay: whoever could sign in before still can. ${on} goes on from there`;
}

/** The mode is never switched to API by us: there is no way back from it, and nobody reads aws-auth then. */
function lastStep({ plan, cluster }: Move): string {
  const before = plan?.summary.before.length ?? 0;
  const left =
    before > 0 ? `${counted(before, "item")} of aws-auth would be lost by it` : "Nothing needs aws-auth any more";
  return `The mode ${code("API")} is an operator's own step, which can't be taken back. ${left}: ${code(`/eks-access migrate ${cluster}`)} says how`;
}

function planBlocks(move: Move): KnownBlock[] {
  const { plan } = move;
  if (!plan || (isOver(move) && move.done.length === 0)) return [];
  const { summary } = plan;
  const toDecide = move.state === "pending";
  const items = summary.items.filter(({ fate }) => fate !== "creator" && fate !== "dead");
  return [
    ...(toDecide ? items.slice(0, mostItems).map((item) => section(cut(itemWords(item), 600))) : []),
    ...stepBlocks(move, plan, toDecide),
    ...(toDecide && summary.keptBecause
      ? [section(`:warning: aws-auth is left as it is. ${told(summary.keptBecause)}`)]
      : []),
    ...(toDecide ? [context(leftOut(items.length, plan, move.cluster))] : []),
  ];
}

function stepBlocks({ done, begun }: Move, { summary }: MovePlan, toDecide: boolean): KnownBlock[] {
  const states = new Map(done.map(({ name }) => [name, "✓"]));
  if (begun) states.set(begun.name, ":hourglass_flowing_sand:");
  const planned = summary.steps.map(({ name }) => name);
  const before = done.filter(({ name }) => !planned.includes(name)).map(({ name }) => `✓ ${code(name, 300)}`);
  const lines = summary.steps.slice(0, mostSteps).map((step) => stepLine(step, states.get(step.name) ?? "·", toDecide));
  return chunks([...before.slice(-mostSteps), ...lines]).map(section);
}

function stepLine({ does, undo }: StepSummary, state: string, toDecide: boolean): string {
  const back = toDecide ? `\n      Back: ${told(undo, 160)}` : "";
  return `${state} ${told(does, 300)}${back}`;
}

/** Lines that fit into one section each. */
function chunks(lines: readonly string[]): string[] {
  const texts: string[] = [];
  for (const line of lines) {
    const last = texts.at(-1);
    if (last !== undefined && last.length + line.length < 2800) texts[texts.length - 1] = `${last}\n${line}`;
    else texts.push(line);
  }
  return texts.slice(0, 4);
}

function leftOut(items: number, { digest, summary: { steps } }: MovePlan, cluster: string): string {
  const left = Math.max(0, items - mostItems) + Math.max(0, steps.length - mostSteps);
  const more =
    left > 0 ? ` ${counted(left, "line")} left out here: ${code(`/eks-access migrate ${cluster}`)} shows more.` : "";
  return `Plan ${code(digest.slice(0, 12))}. Who approves it approves all of it.${more}`;
}

function voidedBlocks({ voided, state }: Move): KnownBlock[] {
  if (!voided || state !== "pending") return [];
  return [
    section(`:warning: The approvals by ${mentions(voided.by)} are void: ${said(voided.message, 400)}. Decide again.`),
  ];
}

function troubleWords({ trouble, done }: Move): string {
  if (!trouble) return "";
  const stays = done.length > 0 ? " What was carried out stays." : "";
  return `:warning: ${told(trouble.message, 1200)}${stays} It is tried again ${time(trouble.retryAt)}.`;
}

/** The digest in the button binds the click to the plan that this message shows. */
function buttonBlocks(move: Move): KnownBlock[] {
  const { id, plan, trouble } = move;
  if (isOver(move) || !plan) return [];
  const retry = trouble ? [retryMoveButton(move)] : [];
  const elements =
    move.state === "pending"
      ? [approveMoveButton(move), denyMoveButton(move), withdrawMoveButton(move)]
      : [...retry, withdrawMoveButton(move)];
  return [{ type: "actions", block_id: `move-${id}-${plan.digest.slice(0, 12)}`, elements }];
}
