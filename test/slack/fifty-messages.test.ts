import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { fiftyMessages, type Read } from "./fifty-messages.ts";

const folder = fileURLToPath(new URL("../../src/slack", import.meta.url));
const source = readdirSync(folder, { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".ts"))
  .map((name) => readFileSync(join(folder, name), "utf8"))
  .join();
const messages = Object.values(fiftyMessages).flatMap((group) => Object.entries<Read>(group));

test.each(messages)("the text of %s leads its reader to what they do next", (name, { leads, text }) => {
  expect(source).toMatch(new RegExp(`function ${name}\\(|["\`]${name}(?:["\`]|-["$])`));
  expect(text()).toMatch(leads);
});

test("fifty messages have a reader and a next step", () => {
  expect(new Set(messages.map(([name]) => name)).size).toBe(50);
});
