import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const read = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** Tests of what a test does with a stand-in, not of how the stand-in answers. */
const ofTheHarness = ["slack/changes.test.ts", "slack/text-of.test.ts"];

test("docs/sandbox.md names the test of each stand-in", () => {
  const page = readFileSync(read("../../docs/sandbox.md"), "utf8");
  const tests = ["aws", "cluster", "slack"].flatMap((folder) =>
    readdirSync(read(`./${folder}`))
      .filter((name) => name.endsWith(".test.ts"))
      .map((name) => `${folder}/${name}`),
  );

  expect(tests.length).toBeGreaterThan(20);
  expect(tests.filter((each) => !ofTheHarness.includes(each) && !page.includes(`test/sandbox/${each})`))).toEqual([]);
});
