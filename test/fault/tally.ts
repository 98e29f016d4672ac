/** What all runs together came to. */
export interface Tally {
  readonly steps: Set<string>;
  readonly faults: Set<string>;
  runs: number;
  active: number;
  failed: number;
  refused: number;
  /** Each names its run. */
  readonly lost: string[];
  readonly doubled: string[];
  readonly untrue: string[];
  readonly leftBehind: string[];
  readonly stuck: string[];
  /** The fault was never met: the run proves nothing. */
  readonly missed: string[];
}

export function newTally(): Tally {
  return {
    ...{ steps: new Set(), faults: new Set(), runs: 0, active: 0, failed: 0, refused: 0 },
    ...{ lost: [], doubled: [], untrue: [], leftBehind: [], stuck: [], missed: [] },
  };
}

const problemNames = ["lost", "doubled", "untrue", "leftBehind", "stuck", "missed"] as const;

/** A line for each. As the message of an assertion, which shortens what it compares, a report of failures has them all. */
export function problemsOf(tally: Tally): string {
  return problemNames.flatMap((name) => tally[name].map((problem) => `${name}: ${problem}`)).join("\n");
}

/** One line for people. */
export function tallyText(tally: Tally): string {
  const { steps, faults, runs, active, failed, refused } = tally;
  const problems = problemNames
    .map((name) => `${name === "leftBehind" ? "left behind" : name} ${tally[name].length}`)
    .join(", ");
  return (
    `${steps.size} steps × ${faults.size} faults: ${runs} runs ` +
    `(${active} active and ended, ${failed} failed with a reason, ${refused} refused with a reason); ${problems}`
  );
}
