import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { z } from "zod";
import { configFile } from "../src/config/config-file.ts";
import { helpAnswer } from "../src/slack/messages/answers.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const read = (path: string) => readFileSync(join(root, path), "utf8");

const pages = [
  ...["README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "deploy/iam/README.md"],
  ...readdirSync(join(root, "docs"))
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`),
];
const settings = `${read("README.md")}\n${read("docs/configuration.md")}`;

/** Distinct first groups of a pattern in a text. */
function found(pattern: RegExp, text: string): string[] {
  return [...new Set([...text.matchAll(pattern)].map(([, name = ""]) => name))];
}

function sourceOf(...folders: readonly string[]): string {
  return folders
    .flatMap((folder) => readdirSync(join(root, folder)).map((name) => read(`${folder}/${name}`)))
    .join("\n");
}

/** The names of all properties in a JSON schema, at any depth. */
function propertiesIn(schema: unknown): string[] {
  if (typeof schema !== "object" || schema === null) return [];
  return Object.entries(schema).flatMap(([key, value]) => [
    ...(key === "properties" ? Object.keys(value as object) : []),
    ...propertiesIn(value),
  ]);
}

test("every variable that the code reads from the environment is documented", () => {
  const variables = found(/\benv\.([A-Z][A-Z_]+)/g, sourceOf("src/config", "src/bin"));

  expect(variables.length).toBeGreaterThan(8);
  // Not ours: the terminal's convention (no-color.org), and the SDK's own settings.
  const ours = variables.filter((name) => name !== "NO_COLOR" && !name.startsWith("AWS_"));
  expect(ours.filter((name) => !settings.includes(`\`${name}\``))).toEqual([]);
});

test("every setting of eks-access.yml is documented, and shown in the example", () => {
  const names = [...new Set(propertiesIn(z.toJSONSchema(configFile, { io: "input", unrepresentable: "any" })))];
  const page = read("docs/configuration.md");

  expect(names.length).toBeGreaterThan(15);
  expect(names.filter((name) => !new RegExp(`\\b${name}\\b`).test(page))).toEqual([]);
  expect(names.filter((name) => !new RegExp(`\\b${name}\\b`).test(read("eks-access.example.yml")))).toEqual([]);
});

test("every word of the slash command is in the help, the README and the manifest's hint", () => {
  const [table = ""] = /const words[\s\S]*?\n};/.exec(read("src/slack/handlers/command.ts")) ?? [];
  const words = found(/^ {2}(\w+)(?:,|:)/gm, table);
  const hint = /usage_hint: "([^"]+)"/.exec(read("manifest.yml"))?.[1] ?? "";

  expect(words).toContain("request");
  expect(words.filter((word) => !helpAnswer().text.includes(`/eks-access ${word}`))).toEqual([]);
  expect(words.filter((word) => !read("README.md").includes(`/eks-access ${word}`))).toEqual([]);
  expect(words.filter((word) => !hint.includes(word))).toEqual([]);
});

test("every command of the command line is in the README", () => {
  const commands = found(/^ {2}(\w+): \{/gm, read("src/bin/eks-access.ts")).filter((name) => name !== "demo");

  expect(commands).toContain("worker");
  expect(commands.filter((name) => !read("README.md").includes(`eks-access ${name}`))).toEqual([]);
});

test.each(pages)("every link of %s leads to a file that is there", (page) => {
  const targets = found(/\]\((?!https?:|#|mailto:)([^)#\s]+)/g, read(page));

  expect(targets.filter((target) => !existsSync(join(root, dirname(page), target)))).toEqual([]);
});
