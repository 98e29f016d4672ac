/**
 * The smallest of the values that at least this part of them does not exceed (nearest rank): with 30 values the p99 is
 * the largest one.
 *
 * @param part from 0 to 1
 * @returns NaN where there are no values
 */
export function percentile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(part * sorted.length) - 1)] ?? Number.NaN;
}

export function median(values: readonly number[]): number {
  return percentile(values, 0.5);
}
