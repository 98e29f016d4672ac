import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { type JobKind, messageJobs, workerJobs } from "../../src/ledger/jobs.ts";
import { workerRuns } from "../../src/worker/jobs.ts";

const operating = readFileSync(new URL("../../docs/operating.md", import.meta.url), "utf8");
const kinds: readonly (readonly [string, JobKind])[] = Object.entries({ ...workerJobs, ...messageJobs });

/** `1500ms` or `2s`, as the page writes it. */
function time(ms: number): string {
  return ms % 1_000 === 0 ? `\`${ms / 1_000}s\`` : `\`${ms}ms\``;
}

test.each(kinds)("docs/operating.md has a row with the policy of the job %s", (_, kind) => {
  const policies = operating.split("\n").map((line) =>
    line
      .split("|")
      .slice(2)
      .map((cell) => cell.trim()),
  );

  expect(policies).toContainEqual([
    `\`${kind.queue}\``,
    kind.waitMs === 0 ? "none" : time(kind.waitMs),
    String(kind.tries),
    kind.tries === 1 ? "none" : time(kind.retryMs),
    kind.deadline === null ? "none" : `\`${kind.deadline}\``,
    "",
  ]);
});

test("no job has the name of another one, and each job of a worker has its run", () => {
  expect(new Set(kinds.map(([type]) => type)).size).toBe(
    Object.keys(workerJobs).length + Object.keys(messageJobs).length,
  );
  expect(Object.keys(workerRuns).sort()).toEqual(Object.keys(workerJobs).sort());
});
