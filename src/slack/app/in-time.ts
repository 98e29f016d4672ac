/**
 * What `work` comes to, or `late` where it takes longer than `ms`. The clock is stopped as soon as the work is done: one that
 * ran on would hold what the work came to, and thousands of commands a second would fill the memory with answers long sent.
 */
export async function inTime<T, L>(work: Promise<T>, ms: number, late: L): Promise<T | L> {
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
