import type { KnownBlock } from "@slack/types";
import type { StepSummary } from "../../access/migration/move.ts";
import { isOver, type Move, type MovePlan } from "../../access/migration/move.ts";
import { counted } from "../../diagnosis/link.ts";
import { code, context, cut, section, told } from "../blocks/mrkdwn.ts";
import { itemWords } from "./migration-answer.ts";

/** Slack refuses a message with more than about 13,200 characters: each part has its share of them. */
const room = 4000;
const roomOfSection = 2800;
const mostItems = 10;
const mostSteps = 20;

/** What becomes of the items of aws-auth, while that is to be decided, and the steps with a mark at each that is proved. */
export function movePlanBlocks(move: Move): KnownBlock[] {
  const { plan } = move;
  if (!plan || (isOver(move) && move.done.length === 0)) return [];
  const steps = stepLines(move, plan);
  const shownSteps = fitting(steps, mostSteps);
  const stepBlocks = chunks(shownSteps).map(section);
  if (move.state !== "pending") return stepBlocks;
  const { items, keptBecause } = plan.summary;
  const told = items
    .filter(({ fate }) => fate !== "creator" && fate !== "dead")
    .map((item) => cut(itemWords(item), 600));
  const shown = fitting(told, mostItems);
  const left = told.length - shown.length + steps.length - shownSteps.length;
  return [
    ...shown.map(section),
    ...stepBlocks,
    ...keptBlocks(keptBecause),
    context(lastWords(plan, left, move.cluster)),
  ];
}

function stepLines({ done, begun, state }: Move, { summary }: MovePlan): readonly string[] {
  const states = new Map(done.map(({ name }) => [name, "✓"]));
  if (begun) states.set(begun.name, ":hourglass_flowing_sand:");
  const planned = summary.steps.map(({ name }) => name);
  const before = done.filter(({ name }) => !planned.includes(name)).map(({ name }) => `✓ ${code(name, 300)}`);
  const lines = summary.steps.map((step) => stepLine(step, states.get(step.name) ?? "·", state === "pending"));
  return [...before.slice(-mostSteps / 2), ...lines];
}

function stepLine({ does, undo }: StepSummary, state: string, toDecide: boolean): string {
  const back = toDecide ? `\n      Back: ${told(undo, 160)}` : "";
  return `${state} ${told(does, 300)}${back}`;
}

/** The first of them, as many as there is room for. */
function fitting(lines: readonly string[], most: number): readonly string[] {
  let left = room;
  const first = lines.findIndex((line) => {
    left -= line.length + 1;
    return left < 0;
  });
  return lines.slice(0, first === -1 ? most : Math.min(first, most));
}

/** Lines that fit into one section each. */
function chunks(lines: readonly string[]): readonly string[] {
  const texts: string[] = [];
  for (const line of lines) {
    const last = texts.at(-1);
    if (last !== undefined && last.length + line.length < roomOfSection) texts[texts.length - 1] = `${last}\n${line}`;
    else texts.push(line);
  }
  return texts;
}

function keptBlocks(keptBecause: string | null): KnownBlock[] {
  return keptBecause ? [section(`:warning: aws-auth is left as it is. ${told(keptBecause)}`)] : [];
}

function lastWords({ digest }: MovePlan, left: number, cluster: string): string {
  const more =
    left > 0 ? ` ${counted(left, "line")} left out here: ${code(`/eks-access migrate ${cluster}`)} shows more.` : "";
  return `Plan ${code(digest.slice(0, 12))}. Who approves it approves all of it.${more}`;
}
