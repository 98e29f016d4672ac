import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { z } from "zod";
import { readConfig } from "../src/config/config.ts";
import { configFile } from "../src/config/config-file.ts";
import { commands } from "../src/slack/app/commands.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const read = (path: string) => readFileSync(join(root, path), "utf8");

const pages = [
  ...[
    "README.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "CHANGELOG.md",
    "deploy/README.md",
    "deploy/iam/README.md",
    "deploy/kubernetes/README.md",
    "deploy/rbac/README.md",
  ],
  ...readdirSync(join(root, "docs"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`),
];
const code = ["src", "sandbox", "test", "scripts", "deploy"].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: "utf8" }).map((path) => `${folder}/${path}`),
);
const settings = `${read("README.md")}\n${read("docs/configuration.md")}`;

/** Distinct first groups of a pattern in a text. */
function found(pattern: RegExp, text: string): string[] {
  return [...new Set([...text.matchAll(pattern)].map(([, name = ""]) => name))];
}

/** A page's text without its line breaks. */
const oneLine = (text: string) => text.replaceAll(/\s+/g, " ");

/** The sections of a page, by their heading. */
function sectionsOf(page: string): ReadonlyMap<string, string> {
  const sections = read(page).split(/^## /m).slice(1);
  return new Map(sections.map((text) => [text.slice(0, text.indexOf("\n")), text]));
}

function sourceOf(...folders: readonly string[]): string {
  return folders
    .flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, encoding: "utf8" }).map((name) => `${folder}/${name}`),
    )
    .filter((path) => path.endsWith(".ts"))
    .map(read)
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
  const page = ["configuration", "policy", "waits"].map((name) => read(`docs/${name}.md`)).join("\n");

  expect(names.length).toBeGreaterThan(15);
  expect(names.filter((name) => !new RegExp(`\\b${name}\\b`).test(page))).toEqual([]);
  expect(names.filter((name) => !new RegExp(`\\b${name}\\b`).test(read("eks-access.example.yml")))).toEqual([]);
});

test("every word of the slash command has its line in docs/commands.md, with its whole usage", () => {
  const page = oneLine(read("docs/commands.md"));
  const lines = commands.map(({ word, usage }) => `/eks-access ${word} ${usage}`.trim());

  expect(lines.length).toBeGreaterThan(5);
  expect(lines.filter((line) => !page.includes(`\`${line}\``))).toEqual([]);
});

test("the manifest's hint names words that there are", () => {
  const hint = /usage_hint: "([^"]+)"/.exec(read("manifest.yml"))?.[1] ?? "";
  const named = hint.split(" | ").map((each) => each.split(" ")[0]);
  const words = commands.map(({ word }) => word);

  expect(named).toContain("help");
  expect(named.filter((name) => !words.some((word) => word === name))).toEqual([]);
});

test("the first configuration has fifteen lines, and is whole", () => {
  const [, text = ""] = /^```yaml\n([\s\S]+?)^```$/m.exec(read("docs/day-1.md")) ?? [];

  expect(text.trim().split("\n").length).toBeLessThanOrEqual(15);
  expect(readConfig(text)).toMatchObject({ type: "config" });
});

test("every command of the command line is in the README", () => {
  const commands = found(/^ {2}(\w+): \{/gm, read("src/bin/commands.ts")).filter((name) => name !== "demo");

  expect(commands).toContain("worker");
  expect(commands.filter((name) => !read("README.md").includes(`eks-access ${name}`))).toEqual([]);
});

test.each(pages)("every link of %s leads to a file that is there", (page) => {
  const targets = found(/\]\((?!https?:|#|mailto:)([^)#\s]+)/g, read(page));

  expect(targets.filter((target) => !existsSync(join(root, dirname(page), target)))).toEqual([]);
});

test.each(pages)("every file and folder of the code that %s names is there", (page) => {
  const named = found(/`((?:src|sandbox|test|scripts|deploy)\/[\w./-]+|[\w/-]+\.ts)`/g, read(page));

  expect(named.filter((name) => !code.some((path) => `/${path}/`.includes(`/${name.replace(/\/$/, "")}/`)))).toEqual(
    [],
  );
});

test("docs/waits.md names every file that waits, beside those that take a time of its table", () => {
  const waiting =
    /AbortSignal\.timeout\((?!callWithinMs)|(?:withinTime|inTimeOr)\((?!.*, withinMs)|(?<!function )startTicking\(|await (?:pause|wait)\(/;
  const files = code.filter((path) => path.startsWith("src/") && path.endsWith(".ts") && waiting.test(read(path)));

  expect(files.length).toBeGreaterThan(40);
  expect(files.filter((path) => !read("docs/waits.md").includes(`](../${path})`))).toEqual([]);
});

/** The anchors of a page's headings, as GitHub makes them. */
function anchorsOf(page: string): string[] {
  const headings = read(page).matchAll(/^#+ (.+)$/gm);
  return [...headings].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-"),
  );
}

test.each(pages)("every link of %s into a page leads to a heading that is there", (page) => {
  const links = [...read(page).matchAll(/\]\((?!https?:|mailto:)([^)#\s]*)#([^)\s]+)\)/g)];
  const leadsNowhere = links.filter(([, target = "", anchor = ""]) => {
    const path = target === "" ? page : join(dirname(page), target);
    return path.endsWith(".md") && !anchorsOf(path).includes(anchor);
  });

  expect(leadsNowhere.map(([link]) => link)).toEqual([]);
});

test("each law of docs/architecture.md has its attack in SECURITY.md, with a test that plays it", () => {
  const laws = read("docs/architecture.md").split("## Laws")[1]?.split("\n## ")[0] ?? "";
  const items = (sectionsOf("SECURITY.md").get("The laws and their tests") ?? "").split(/^(?=\d+\. )/m).slice(1);
  const played = items.filter((item) => /\]\(test\/.+\.test\.ts\)/.test(item));

  expect(played.map((item) => item.split(".")[0])).toEqual([...laws.matchAll(/^(\d+)\. /gm)].map(([, law]) => law));
  expect(laws).toMatch(/^12\. /m);
});

test("each attack and accident of SECURITY.md has its defence and a test that plays it", () => {
  const section = sectionsOf("SECURITY.md").get("Attacks and accidents") ?? "";
  const attacks = section.split(/^- /m).slice(1);

  expect(attacks.length).toBeGreaterThan(26);
  expect(
    attacks.filter(
      (attack) => !/^\*\*[^*]+\.\*\* \S[^[]+ \[.+\]\(test\/.+\.(?:test|program)\.ts\)/.test(oneLine(attack)),
    ),
  ).toEqual([]);
});

test("each runbook names a test that plays it, and each play of test/runbooks has its runbook", () => {
  const [, page = ""] = read("docs/operating.md").split("\n## Runbooks\n");
  const runbooks = page.split(/^## /m).slice(1);
  const plays = readdirSync(join(root, "test/runbooks")).filter((name) => name.endsWith(".test.ts"));

  expect(runbooks.length).toBeGreaterThan(9);
  expect(
    runbooks.filter((each) => !/\]\(\.\.\/test\/.+\.test\.ts\)/.test(each)).map((each) => each.split("\n")[0]),
  ).toEqual([]);
  expect(plays.filter((name) => !page.includes(`(../test/runbooks/${name})`))).toEqual([]);
});
