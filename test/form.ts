/** The long form plays everything (`npm run test:long`); the short one as much as finds the faults that were tried on it. */
export const isLong = process.env.EKS_ACCESS_TESTS === "long";

/** How often fast-check plays a property in each form. It plays other stories in each run: many short runs see what a long one sees. */
export function stories(count: { readonly short: number; readonly long: number }): { numRuns: number } {
  return { numRuns: isLong ? count.long : count.short };
}
