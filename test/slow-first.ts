import { BaseSequencer, type TestSpecification } from "vitest/node";

/** What takes longest, most of it first; folders end with a slash. */
const slow: readonly string[] = [
  "test/fault/matrix.test.ts",
  "test/flow/trouble.test.ts",
  "test/flow/lease.test.ts",
  "test/fault/",
  "test/aws-auth/hostile.test.ts",
  "test/flow/",
  "test/runbooks/",
  "test/worker/",
  "test/aws-auth/laws.property.test.ts",
];

/**
 * The slow files first, so that no core waits for the last of them. Vitest knows by itself only after a run how long each file
 * takes, and a fresh clone has none.
 */
export class SlowFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification) => {
      const at = slow.findIndex((place) => moduleId.includes(`/${place}`));
      return at < 0 ? slow.length : at;
    };
    return (await super.sort(files)).toSorted((a, b) => rank(a) - rank(b));
  }
}
