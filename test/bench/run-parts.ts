import type { Figure, Scale } from "./figure.ts";

/** Measures one thing. */
export type Part = (scale: Scale) => Promise<readonly Figure[]>;

/** What came of one part. */
export interface PartResult {
  readonly part: string;
  readonly seconds: number;
  readonly figures: readonly Figure[];
  /** Why there are no figures; null: there are. */
  readonly failure: string | null;
}

/** Runs the parts in their order; one that fails holds up none of the others. `tell` hears of each as it goes. */
export async function runParts(
  parts: Readonly<Record<string, Part>>,
  scale: Scale,
  tell: (line: string) => void,
): Promise<readonly PartResult[]> {
  const results: PartResult[] = [];
  for (const [part, measure] of Object.entries(parts)) {
    tell(`${part} …`);
    const result = await runPart(part, measure, scale);
    const { seconds, failure } = result;
    tell(
      failure === null
        ? `${part}: ${seconds.toFixed(0)} s`
        : `${part} FAILED after ${seconds.toFixed(0)} s: ${failure}`,
    );
    results.push(result);
  }
  return results;
}

async function runPart(part: string, measure: Part, scale: Scale): Promise<PartResult> {
  const startedAt = performance.now();
  const secondsSoFar = () => (performance.now() - startedAt) / 1000;
  try {
    const figures = await measure(scale);
    return { part, seconds: secondsSoFar(), figures, failure: null };
  } catch (error) {
    const failure = error instanceof Error ? error.message : String(error);
    return { part, seconds: secondsSoFar(), figures: [], failure };
  }
}
