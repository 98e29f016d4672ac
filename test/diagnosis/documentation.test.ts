import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { entryProblemCodes } from "../../src/diagnosis/access-entry-problems.ts";
import { causeCodes } from "../../src/diagnosis/facts.ts";
import { bindingProblemCodes } from "../../src/diagnosis/leases.ts";
import { linkNames, linkWords } from "../../src/diagnosis/link.ts";

const page = readFileSync(new URL("../../docs/diagnosis.md", import.meta.url), "utf8");

test("docs/diagnosis.md has every cause, and no other", () => {
  const [, listed = ""] = page.split("`why <cluster> [<arn>]`");
  const named = [...listed.matchAll(/^- `([a-z-]+)`/gm)].map(([, code]) => code);

  expect(named.toSorted()).toEqual([...causeCodes].sort());
});

test("docs/diagnosis.md has every link of the chain, in its order", () => {
  const [, table = ""] = page.split("`whoami <cluster>`");
  const rows = [...(table.split("##")[0]?.matchAll(/^\d+\. \*\*([\w' ]+)\*\*/gm) ?? [])].map(([, name]) => name);

  const operator = { type: "role", roleArn: "arn:aws:iam::111122223333:role/operator", through: [] } as const;
  expect(rows).toEqual(linkNames.map((name) => linkWords(name, { operator })));
  expect(table).toContain("without an operator it is **the creator**");
});

test("docs/diagnosis.md has every problem of access entries and bindings, and no other", () => {
  const [, section = ""] = page.split("## `check <cluster>`");
  const named = [...(section.split("\n## ")[0]?.matchAll(/^- `([a-z-]+)`/gm) ?? [])].map(([, code]) => code);

  expect(named.toSorted()).toEqual([...entryProblemCodes, ...bindingProblemCodes].sort());
});
