import { readdirSync, readFileSync } from "node:fs";
import { expect, it } from "vitest";

const root = new URL("../../", import.meta.url);
const page = readFileSync(new URL("docs/aws-auth.md", root), "utf8");

/** Codes as the sources write them: beside a severity, or as the first word of a refusal. */
function codesOf(folder: string): string[] {
  const names = readdirSync(new URL(folder, root), { encoding: "utf8" }).filter((name) => name.endsWith(".ts"));
  const paths = [...names.map((name) => `${folder}/${name}`), "src/access/arn.ts"];
  const text = paths.map((path) => readFileSync(new URL(path, root), "utf8")).join("\n");
  const before = [...text.matchAll(/"([a-z]+(?:-[a-z]+)+)",\s*"(?:error|warning|notice)"/g)];
  const within = [...text.matchAll(/(?:code: |about\(|reject(?:Part)?\(|warn\()\s*"([a-z]+(?:-[a-z]+)*)"/g)];
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

/** The tests of each rule of the page: folders of fixtures, and test files. */
const triedBy = [
  [
    "refuse-a-document-with-a-section-that-is-broken",
    "a-user-goes-while-the-roles-are-broken",
    "add-leaves-old-problems-alone",
  ],
  ["a-second-yaml-document-is-dropped", "a-dedent-drops-the-rest", "add-before-a-document-marker"],
  ["add-a-name-that-looks-like-a-boolean", "text-edit.test.ts"],
  ["refuse-white-space-around-an-arn", "refuse-a-letter-that-only-looks-right", "refuse-a-line-break-in-a-username"],
  [
    "of-a-field-given-twice-the-last-wins",
    "groups-as-text-give-no-groups",
    "refuse-an-empty-username",
    "a-section-in-lower-case-is-not-read",
  ],
  ["refuse-a-path-and-offer-the-right-arn", "refuse-an-assumed-role", "refuse-a-wildcard", "refuse-a-foreign-account"],
  ["an-entry-is-found-in-any-case", "refuse-users-that-differ-in-case", "remove-takes-all-duplicates"],
  ["refuse-an-unknown-template", "refuse-a-session-name-without-a-prefix", "refuse-a-template-in-a-group"],
  ["refuse-to-change-a-node-entry", "refuse-to-remove-a-fargate-entry", "refuse-to-change-a-windows-node-entry"],
  ["verify.test.ts", "laws.property.test.ts", "refuse-to-remove-the-last-administrator"],
  ["refuse-the-creator", "refuse-the-creator-known-by-a-session"],
  ["way-adapter.contract.test.ts"],
  ["cluster-client.test.ts", "late-writes.test.ts"],
  ["size.test.ts", "settle-document.test.ts"],
  ["cluster-client.test.ts", "trouble.test.ts"],
  ["config-map.test.ts", "check-answer.test.ts"],
  ["refuse-system-masters", "add-while-an-account-is-mapped"],
  ["preview-warnings.test.ts"],
] as const;
const files = readdirSync(new URL("test", root), { recursive: true, encoding: "utf8" }).map((path) =>
  path.split("/").at(-1),
);

it("each rule of the page has a test", () => {
  const section = page.slice(page.indexOf("## The rules of a safe patcher"), page.indexOf("## On the command line"));
  const numbers = [...section.matchAll(/^(\d+)\. \S/gm)].map(([, number]) => Number(number));

  expect(numbers).toEqual(triedBy.map((_, index) => index + 1));
  expect(numbers.length).toBe(18);
});

it.each(triedBy.flat())("the fixture or test %s exists", (name) => {
  expect(files).toContain(name);
});
