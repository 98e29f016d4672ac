import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { type JobKind, messageJobs, readJob, workerJobs } from "../../src/ledger/jobs.ts";
import { workerRuns } from "../../src/worker/worker.ts";

const waits = readFileSync(new URL("../../docs/waits.md", import.meta.url), "utf8");
const kinds: readonly (readonly [string, JobKind])[] = Object.entries({ ...workerJobs, ...messageJobs });

/** `1500ms` or `2s`, as the page writes it. */
function time(ms: number): string {
  return ms % 1_000 === 0 ? `\`${ms / 1_000}s\`` : `\`${ms}ms\``;
}

test.each(kinds)("docs/waits.md has a line with the policy of the job %s", (_, kind) => {
  const when = kind.waitMs === 0 ? "at once" : `after ${time(kind.waitMs)}`;
  const policy =
    kind.deadline === null
      ? `queue \`${kind.queue}\`, ${when}, ${kind.tries} tries from ${time(kind.retryMs)}`
      : `queue \`${kind.queue}\`${kind.isBackground ? " after everything else" : ""}, one try, deadline \`${kind.deadline}\``;

  expect(waits).toMatch(new RegExp(`^- .+: ${policy}$`, "m"));
});

test("a job with a deadline has one try, at once, and any other job has several", () => {
  const once = kinds.filter(([, kind]) => kind.tries === 1 && kind.waitMs === 0).map(([type]) => type);

  expect(once).toEqual(kinds.filter(([, kind]) => kind.deadline !== null).map(([type]) => type));
});

test("no job has the name of another one, and each job of a worker has its run", () => {
  expect(new Set(kinds.map(([type]) => type)).size).toBe(
    Object.keys(workerJobs).length + Object.keys(messageJobs).length,
  );
  expect(Object.keys(workerRuns).sort()).toEqual(Object.keys(workerJobs).sort());
});

test.each([
  ...Object.getOwnPropertyNames(Object.prototype).map((type) => ({ type, cluster: "staging" })),
  { type: "reconcile", cluster: "x".repeat(5_000_000) },
  { type: "show", record: "x".repeat(5_000_000) },
  { type: "check", cluster: "staging", user: "x".repeat(5_000_000), isResponsible: true },
  { type: "identities", cluster: "staging", email: { user: "x".repeat(5_000_000), email: "", at: "", seal: "" } },
  { type: "reconcile", cluster: "staging", more: 1 },
])("a job that an attacker with Redis queues is none of ours, and no log repeats it: %.40j", (data) => {
  expect(readJob({ ...workerJobs, ...messageJobs }, data)).toBeNull();
});
