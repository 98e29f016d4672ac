/** How many lines two texts have in common, in their order: found by the table, not by what is tested with it. */
export function longestCommon(some: readonly string[], others: readonly string[]): number {
  let row = new Array<number>(others.length + 1).fill(0);
  for (const line of some) {
    const next = [0];
    for (const [index, other] of others.entries()) {
      next.push(line === other ? (row[index] ?? 0) + 1 : Math.max(row[index + 1] ?? 0, next[index] ?? 0));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
