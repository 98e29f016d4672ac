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
    "of a lease whose call was never answered no message says that nothing is left, while that call may still arrive",
  ],
  "binding-late": [
    "test/worker/reconcile/binding-way.test.ts",
    "a lease that was never proved is not reported as over while a call that makes its binding may still arrive",
  ],
  "document-unchanged": [
    "test/worker/reconcile/void-approvals.test.ts",
    "stays on record while its section can't be read, and is removed when it can",
  ],
  "aws-unexpected": [
    "test/operations/log.test.ts",
    "of an error only its name, message, code, stack and cause are written",
  ],
  "cluster-unexpected": [
    "test/operations/log.test.ts",
    "of an error only its name, message, code, stack and cause are written",
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
  expect(readFileSync(file, "utf8")).toContain(`test("${name}`);
});

test("no remedy says that something is tried again: messages name the next try", () => {
  const saying = failureCodes.filter((code) => /tries? again|tried again/.test(new AccessError(code, "what").remedy));

  expect(saying).toEqual([]);
});
