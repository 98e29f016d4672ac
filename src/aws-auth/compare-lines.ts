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
  while (head < old.length && head < now.length && old[head] === now[head]) head += 1;
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
  for (let cost = 0; cost <= Math.min(old.length + now.length, MOST_DIFFERENCES); cost++) {
    reached.push(furthest);
    furthest = new Map(furthest);
    for (let diagonal = -cost; diagonal <= cost; diagonal += 2) {
      let at = stepTo(furthest, diagonal, cost);
      while (at < old.length && at - diagonal < now.length && old[at] === now[at - diagonal]) at += 1;
      furthest.set(diagonal, at);
      if (at >= old.length && at - diagonal >= now.length) return walkBack(reached, old.length, now.length);
    }
  }
  return [...Array<Sign>(old.length).fill("-"), ...Array<Sign>(now.length).fill("+")];
}

function stepTo(furthest: ReadonlyMap<number, number>, diagonal: number, cost: number): number {
  const down = furthest.get(diagonal + 1) ?? -1;
  const right = furthest.get(diagonal - 1) ?? -1;
  return diagonal === -cost || (diagonal !== cost && right < down) ? down : right + 1;
}

function walkBack(reached: readonly ReadonlyMap<number, number>[], oldLength: number, nowLength: number): Sign[] {
  const signs: Sign[] = [];
  let [at, to] = [oldLength, nowLength];
  for (let cost = reached.length - 1; cost > 0; cost--) {
    const before = reached[cost] ?? new Map<number, number>();
    const diagonal = at - to;
    const down = before.get(diagonal + 1) ?? -1;
    const right = before.get(diagonal - 1) ?? -1;
    const isDown = diagonal === -cost || (diagonal !== cost && right < down);
    const start = isDown ? down : right + 1;
    while (at > start) {
      signs.push(" ");
      at -= 1;
      to -= 1;
    }
    signs.push(isDown ? "+" : "-");
    if (isDown) to -= 1;
    else at -= 1;
  }
  while (at > 0) {
    signs.push(" ");
    at -= 1;
  }
  return signs.reverse();
}
