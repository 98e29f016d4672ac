import type { KnownBlock } from "@slack/types";
import { counted } from "../../diagnosis/link.ts";
import { isOver, type Move, type MovePlan } from "../../migration/move.ts";
import type { StepSummary } from "../../migration/summary.ts";
import { code, context, cut, mentions, section, time, told } from "../mrkdwn.ts";
import type { Message } from "./message.ts";
import { itemWords } from "./migration-answer.ts";
import { approveMoveButton, denyMoveButton, retryMoveButton, withdrawMoveButton } from "./move-buttons.ts";
import { moveState, moveTitle, moveTrouble } from "./move-words.ts";
import { said } from "./words.ts";

/** Slack refuses a message with more than about 13,000 characters. */
const mostItems = 10;
const mostSteps = 20;

/** What is posted first, to be changed into the message below: it has no button, and says nothing that can become untrue. */
export function openingMoveMessage(move: Move): Message {
  const title = moveTitle(move);
  const note = `Migration ${code(move.id)}. If its state does not follow here, a newer message has it.`;
  return { text: title, blocks: [section(`*${title}*`), context(note)] };
}

/** The message in the cluster's channel, through the whole life of a move. A pure function of the ledger's record. */
export function moveMessage(move: Move): Message {
  const trouble = moveTrouble(move);
  return {
    text: `${moveTitle(move)}: ${moveState(move)}`,
    blocks: [
      section(`*${moveTitle(move)}*\n${code(move.id)}, asked ${time(move.createdAt)}`),
      ...planBlocks(move),
      ...voidedBlocks(move),
      section(moveState(move)),
      ...(trouble ? [section(trouble)] : []),
      ...buttonBlocks(move),
    ],
  };
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
