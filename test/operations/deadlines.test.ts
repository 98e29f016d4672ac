import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { readConfig } from "../../src/config/config.ts";
import { workerJobs } from "../../src/ledger/jobs.ts";
import { deadlineTable, usualDeadlines } from "../../src/operations/deadlines.ts";
import { configText } from "../builders/a-cluster.ts";

const waits = readFileSync(new URL("../../docs/waits.md", import.meta.url), "utf8");

function deadlinesOf(text: string) {
  const reading = readConfig(`${configText}\n${text}`);
  return reading.type === "invalid" ? reading.problems : reading.config.timing.deadlines;
}

test("a deadline that the file does not name has its usual value, and one that it names has that", () => {
  const deadlines = deadlinesOf("timing: { deadlines: { awsCall: 1500ms, run: 1m } }");

  expect(deadlines).toEqual({ ...usualDeadlines, awsCall: 1_500, run: 60_000 });
});

test.each([
  ["a name that there is not", "callAws: 1s", "timing.deadlines.callAws: no such setting"],
  ["a time without a unit", "awsCall: 3", "timing.deadlines.awsCall: it is a number; write a time with its unit"],
  ["no time at all", "awsCall: 0s", "timing.deadlines.awsCall: write a time with its unit"],
])("%s is refused", (_, written, problem) => {
  expect(deadlinesOf(`timing: { deadlines: { ${written} } }`)).toEqual([expect.stringContaining(problem)]);
});

test("one call to AWS or to a cluster takes some seconds and no longer, so that no access hangs on it", () => {
  expect(Math.max(usualDeadlines.awsCall, usualDeadlines.clusterCall)).toBeLessThanOrEqual(5_000);
});

test("a run that people wait for ends within seconds, so that it does not delay others on its cluster", () => {
  expect(usualDeadlines.run).toBeLessThanOrEqual(8_000);
});

test.each(["end", "inspect", "adopt"] as const)("%s, which no request waits for, has more time", (type) => {
  expect(usualDeadlines[workerJobs[type].deadline]).toBeGreaterThan(usualDeadlines.clusterWrite);
});

test.each(Object.entries(deadlineTable))(
  "docs/waits.md lists %s with its usual value and reason",
  (name, { ms, why }) => {
    const usual = ms % 1_000 === 0 ? `${ms / 1_000}s` : `${ms}ms`;

    expect(waits.replaceAll(/\s+/g, " ")).toContain(`- \`${name}\` (\`${usual}\`): ${why} `);
  },
);
