export interface DiffLine {
  readonly sign: " " | "-" | "+";
  readonly text: string;
  /** How many lines stand before it, in the old text and in the new one. */
  readonly old: number;
  readonly now: number;
}

/** More differences than this are shown as one block: the shortest script would take long and help nobody. */
const MOST_DIFFERENCES = 1000;

/** The lines of two texts side by side, by a shortest edit script (Myers, 1986). */
export function compareLines(old: readonly string[], now: readonly string[]): DiffLine[] {
  let head = 0;
  while (head < old.length && old[head] === now[head]) head += 1;
  let tail = 0;
  const most = Math.min(old.length, now.length) - head;
  while (tail < most && old[old.length - 1 - tail] === now[now.length - 1 - tail]) tail += 1;
  const middle = { old: old.slice(head, old.length - tail), now: now.slice(head, now.length - tail) };
  const signs = shortestScript(middle.old, middle.now);
  return number([...Array(head).fill(" "), ...signs, ...Array(tail).fill(" ")], old, now);
}

type Sign = DiffLine["sign"];

function number(signs: readonly Sign[], old: readonly string[], now: readonly string[]): DiffLine[] {
  let [at, to] = [0, 0];
  return signs.map((sign) => {
    const line = { sign, text: (sign === "+" ? now[to] : old[at]) ?? "", old: at, now: to };
    if (sign !== "+") at += 1;
    if (sign !== "-") to += 1;
    return line;
  });
}

function shortestScript(old: readonly string[], now: readonly string[]): Sign[] {
  const reached: Map<number, number>[] = [];
  let furthest = new Map<number, number>([[1, 0]]);
  for (let cost = 0; cost <= MOST_DIFFERENCES; cost++) {
    reached.push(furthest);
    furthest = new Map(furthest);
    for (let diagonal = -cost; diagonal <= cost; diagonal += 2) {
      let { at } = stepTo(furthest, diagonal);
      while (at < old.length && old[at] === now[at - diagonal]) at += 1;
      furthest.set(diagonal, at);
      if (at >= old.length && at - diagonal >= now.length) return walkBack(reached, old.length, now.length);
    }
  }
  return [...Array<Sign>(old.length).fill("-"), ...Array<Sign>(now.length).fill("+")];
}

interface Step {
  /** It adds a line; else it takes one away. */
  readonly isDown: boolean;
  /** How many old lines are behind it. */
  readonly at: number;
}

/** The last step to a diagonal that a script of this cost takes: the one that comes further. */
function stepTo(furthest: ReadonlyMap<number, number>, diagonal: number): Step {
  const down = furthest.get(diagonal + 1) ?? -1;
  const right = furthest.get(diagonal - 1) ?? -1;
  return right < down ? { isDown: true, at: down } : { isDown: false, at: right + 1 };
}

function walkBack(reached: readonly ReadonlyMap<number, number>[], oldLength: number, nowLength: number): Sign[] {
  const signs: Sign[] = [];
  let [at, to] = [oldLength, nowLength];
  for (const furthest of reached.slice(1).reverse()) {
    const step = stepTo(furthest, at - to);
    // One by one: there can be more lines than a call may have arguments.
    for (let kept = at - step.at; kept > 0; kept -= 1) signs.push(" ");
    signs.push(step.isDown ? "+" : "-");
    to -= at - step.at;
    at = step.at;
    if (step.isDown) to -= 1;
    else at -= 1;
  }
  return [...signs, ...Array<Sign>(at).fill(" ")].reverse();
}
