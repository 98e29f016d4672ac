/**
 * The result of `work`, or `late` if it takes longer than `ms`. The timer stops with the work: a timer that ran on would keep the
 * result in memory, and thousands of commands a second would fill it.
 */
export async function withinTime<T, L>(work: Promise<T>, ms: number, late: L): Promise<T | L> {
  let clock: NodeJS.Timeout | undefined;
  const isLate = new Promise<L>((resolve) => {
    clock = setTimeout(resolve, ms, late).unref();
  });
  try {
    return await Promise.race([work, isLate]);
  } finally {
    clearTimeout(clock);
  }
}
