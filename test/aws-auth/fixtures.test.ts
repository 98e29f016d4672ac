import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { Change } from "../../src/access/principal.ts";
import { readConfigMapFile } from "../../src/aws-auth/config-map.ts";
import type { PlanGuard } from "../../src/aws-auth/document.ts";
import { parseDocument } from "../../src/aws-auth/parse.ts";
import { planChanges } from "../../src/aws-auth/plan.ts";
import { type Identity, resolve } from "../../src/aws-auth/resolve.ts";

/** One folder a case, named for its lesson. What is expected of a reading is what go-yaml and encoding/json answered. */
const root = new URL("../fixtures/aws-auth/", import.meta.url);
const folders = readdirSync(root, { withFileTypes: true }).filter((entry) => entry.isDirectory());
const withFile = (file: string) =>
  folders.map(({ name }) => name).filter((name) => readdirSync(new URL(`${name}/`, root)).includes(file));

function read(name: string, file: string): string {
  return readFileSync(new URL(`${name}/${file}`, root), "utf8");
}

function readJson<T>(name: string, file: string): T {
  return JSON.parse(read(name, file)) as T;
}

function dataOf(name: string, file: string): Readonly<Record<string, string>> {
  const reading = readConfigMapFile(read(name, file));
  if (reading.type === "unusable") throw new Error(`${name}/${file}: ${reading.message}`);
  return reading.file.data;
}

interface Expected {
  problems: unknown[];
  entries: unknown[];
  callers: Record<string, Identity | null>;
}

interface ExpectedPlan {
  type: "planned" | "refused";
  refusal?: unknown;
  refused?: unknown[];
  differences?: unknown[];
}

describe("a document is read as the authenticator reads it", () => {
  it.each(withFile("expect.json"))("%s", (name) => {
    const expected = readJson<Expected>(name, "expect.json");

    const document = parseDocument(dataOf(name, "before.yaml"));

    const problems = document.problems.map(({ key: _, ...problem }) => problem);
    const entries = document.entries.map(({ section, arn, username, groups, line, reachable }) => {
      return { section, arn, username, groups, line, reachable };
    });
    const callers = Object.keys(expected.callers).map((arn) => [arn, resolve(document, arn)]);
    expect({ problems, entries, callers: Object.fromEntries(callers) }).toEqual(expected);
  });
});

describe("a change is planned as its lesson says", () => {
  it.each(withFile("plan.json"))("%s", (name) => {
    const expected = readJson<ExpectedPlan>(name, "plan.json");
    const { changes, guard } = readJson<{ changes: Change[]; guard: PlanGuard }>(name, "change.json");

    const plan = planChanges(parseDocument(dataOf(name, "before.yaml")), changes, guard);

    if (plan.type === "refused") {
      expect(plan).toEqual(expected);
      return;
    }
    const { type, refused, differences } = plan;
    expect({ type, refused, differences }).toEqual(expected);
    expect(plan.after).toEqual(dataOf(name, "after.yaml"));
  });
});

describe("every problem and refusal of the fixtures", () => {
  it.each(withFile("before.yaml"))("%s: speaks in whole sentences and says how to fix it", (name) => {
    const document = parseDocument(dataOf(name, "before.yaml"));

    const sentences = document.problems.flatMap(({ message, remedy }) => [message, remedy]);

    for (const sentence of sentences) expect(sentence).toMatch(/^["A-Z{a-z].*\.$/s);
  });
});
