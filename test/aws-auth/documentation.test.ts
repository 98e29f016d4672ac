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

it.each(codesOf("src/aws-auth"))("the page tells what %s means", (code) => {
  expect(page).toContain(`\`${code}\``);
});

it("finds the codes that it looks for", () => {
  const codes = codesOf("src/aws-auth");

  expect(codes).toEqual(
    expect.arrayContaining(["section-unreadable", "username-empty", "masters", "arn-path", "creator"]),
  );
  expect(codes.length).toBeGreaterThan(45);
});

/** What the table of rules names: folders of fixtures, and files of tests. */
const table = page.slice(page.indexOf("## The rules of a safe patcher"), page.indexOf("## On the command line"));
const rules = table.split("\n").filter((line) => /^\| \d+\. /.test(line));
const triedBy = rules.flatMap((line) =>
  [...(line.split("|").at(-2) ?? "").matchAll(/`([^`]+)`/g)].map(([, name = ""]) => name),
);
const files = readdirSync(new URL("test", root), { recursive: true, encoding: "utf8" }).map((path) =>
  path.split("/").at(-1),
);

it("has a line for each of the eighteen rules, and something that tries it", () => {
  const numbers = rules.map((line) => Number.parseInt(line.slice(2), 10));

  expect(numbers).toEqual(Array.from({ length: 18 }, (_, index) => index + 1));
  for (const line of rules) expect(line.split("|").at(-2)).toContain("`");
});

it.each(triedBy)("%s, by which the page says that a rule is tried, is there", (name) => {
  expect(files).toContain(name);
});
