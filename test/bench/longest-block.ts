import { setTimeout as pause } from "node:timers/promises";
import { atMost, type Figure } from "./figure.ts";

export function blockFigure(name: string, value: number): Figure {
  return { name: `longest block, ${name}`, unit: "ms", value, target: atMost(100, value) };
}

export async function longestOf<T>(answers: readonly T[], times: number, doing: (answer: T) => Promise<unknown>) {
  let longest = 0;
  for (const answer of answers) longest = Math.max(longest, await longestBlock(times, () => doing(answer)));
  return longest;
}

/**
 * The most processor time between two looks of a timer, in milliseconds: on a machine with nothing else to do, how long the event
 * loop is blocked. What is refused counts as well. Of the rounds the shortest counts, since in the others garbage was collected that
 * was there before.
 */
export async function longestBlock(times: number, doing: () => Promise<unknown>): Promise<number> {
  await doing().catch(() => null);
  let shortest = Number.POSITIVE_INFINITY;
  for (let time = 0; time < times; time += 1) shortest = Math.min(shortest, await longestTurn(doing));
  return shortest;
}

async function longestTurn(doing: () => Promise<unknown>): Promise<number> {
  let longest = 0;
  let before = processorTime();
  const look = () => {
    const now = processorTime();
    longest = Math.max(longest, now - before);
    before = now;
  };
  const timer = setInterval(look, 1);
  await doing().catch(() => null);
  await pause(5);
  clearInterval(timer);
  look();
  return longest;
}

function processorTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
