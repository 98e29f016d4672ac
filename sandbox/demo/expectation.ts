/** A step of the story did not go as expected. */
export class StoryError extends Error {
  readonly step: string;

  constructor(step: string, expected: string, found: string, cause?: unknown) {
    super(`${step}: expected ${expected}, found ${found}`, { cause });
    this.name = "StoryError";
    this.step = step;
  }
}

/** @throws StoryError where it is not so */
export function expectThat(condition: boolean, step: string, expected: string, found: string): void {
  if (!condition) throw new StoryError(step, expected, found);
}
