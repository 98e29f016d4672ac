import { BaseSequencer, type TestSpecification } from "vitest/node";

/** The slowest tests, which mostly wait, slowest first; folders end with a slash. */
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
 * The slow files first, so that no core waits for the last of them, and the others evenly among them: the slow ones wait for leases,
 * processes and sockets, and the others keep the processors busy meanwhile. Vitest knows by itself only after a run how long each file
 * takes, and a fresh clone has none.
 */
export class SlowFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification) => slow.findIndex((place) => moduleId.includes(`/${place}`));
    const sorted = await super.sort(files);
    const first = sorted.filter((file) => rank(file) >= 0).toSorted((a, b) => rank(a) - rank(b));
    const others = sorted.filter((file) => rank(file) < 0);
    const each = Math.ceil(others.length / Math.max(1, first.length));
    return [
      ...first.flatMap((file, at) => [file, ...others.slice(at * each, (at + 1) * each)]),
      ...(first.length === 0 ? others : []),
    ];
  }
}
