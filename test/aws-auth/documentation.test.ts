import { readdirSync, readFileSync } from "node:fs";
import { expect, it } from "vitest";

const root = new URL("../../", import.meta.url);
const page = readFileSync(new URL("docs/aws-auth.md", root), "utf8");

/** Codes as the sources write them: beside a severity, or as the first word of a refusal. */
function codesOf(folder: string): string[] {
  const names = readdirSync(new URL(folder, root), { encoding: "utf8" }).filter((name) => name.endsWith(".ts"));
  const text = names.map((name) => readFileSync(new URL(`${folder}/${name}`, root), "utf8")).join("\n");
  const before = [...text.matchAll(/"([a-z]+(?:-[a-z]+)+)",\s*"(?:error|warning|notice)"/g)];
  const within = [...text.matchAll(/(?:code: |about\(|reject\(|warn\()\s*"([a-z]+(?:-[a-z]+)*)"/g)];
  return [...new Set([...before, ...within].map(([, code = ""]) => code))];
}

it.each(codesOf("src/aws-auth"))("the page explains %s", (code) => {
  expect(page).toContain(`\`${code}\``);
});

it("finds the codes that it looks for", () => {
  const codes = codesOf("src/aws-auth");

  expect(codes).toEqual(
    expect.arrayContaining(["section-unreadable", "username-empty", "masters", "arn-path", "creator"]),
  );
  expect(codes.length).toBeGreaterThan(45);
});

/** What each rule names: folders of fixtures, and files of tests. */
const table = page.slice(page.indexOf("## The rules of a safe patcher"), page.indexOf("## On the command line"));
const rules = table.split(/^(?=\d+\. )/m).slice(1);
const triedBy = rules.flatMap((rule) =>
  [...(rule.split("Tried by")[1]?.split("\n\n")[0] ?? "").matchAll(/`([^`]+)`/g)].map(([, name = ""]) => name),
);
const files = readdirSync(new URL("test", root), { recursive: true, encoding: "utf8" }).map((path) =>
  path.split("/").at(-1),
);

it("each of the eighteen rules has a test", () => {
  const numbers = rules.map((rule) => Number.parseInt(rule, 10));

  expect(numbers).toEqual(Array.from({ length: 18 }, (_, index) => index + 1));
  for (const rule of rules) expect(rule).toMatch(/Tried by\s+`/);
});

it.each(triedBy)("the page names %s, and it exists", (name) => {
  expect(files).toContain(name);
});
