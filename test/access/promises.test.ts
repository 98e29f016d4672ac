import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { AccessError, failureCodes } from "../../src/access/access-error.ts";

/** Words that promise what the program does, so that a person waits for it. */
const promise =
  /\b(?:by itself|tries again|looks again|worker (?:removes|restores|deletes)|log has|in the worker's log)\b/;

/** Where the behaviour behind each promise is tested: a file, and the beginning of a test's name there. */
const testsOf: Readonly<Record<string, readonly [string, string]>> = {
  "access-entry-late": [
    "test/worker/reconcile/access-entries.test.ts",
    "what arrives of such a call is removed at the next look, and the lease is over only then",
  ],
  "binding-late": [
    "test/worker/reconcile/binding-way.test.ts",
    "a lease whose binding was asked for twice ends only when the first call can't arrive any more",
  ],
  "document-unchanged": [
    "test/worker/reconcile/way-adapter.contract.test.ts",
    "stays on record while its section can't be read, and is removed when it can",
  ],
  unexpected: [
    "test/worker/reconcile/access-entries.test.ts",
    "what no one foresaw at a call is in the worker's log, as the message says",
  ],
};

const promising = failureCodes.filter((code) => promise.test(new AccessError(code, "what").remedy));

test("each sentence of the catalogue that promises something has a test of what it promises, and no other has", () => {
  expect(promising.toSorted()).toEqual(Object.keys(testsOf).toSorted());
});

test.each(Object.entries(testsOf))("what %s promises is tested", (_, [file, name]) => {
  // A test, or a table of tests, with this name.
  expect(readFileSync(file, "utf8")).toMatch(new RegExp(`(?:test|\\]\\)|\\] as const\\))\\(\\s*"${name}"`));
});

test("no remedy says that something is tried again: messages name the next try", () => {
  const saying = failureCodes.filter((code) => /tries? again|tried again/.test(new AccessError(code, "what").remedy));

  expect(saying).toEqual([]);
});
