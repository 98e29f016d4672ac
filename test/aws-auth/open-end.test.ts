import { describe, expect, it } from "vitest";
import { parseDocument } from "../../src/aws-auth/parse.ts";
import { planChanges } from "../../src/aws-auth/plan.ts";

const arn = "arn:aws:iam::111122223333:role/dev";
const guard = { allowNoAdministrator: true };

/** The text after a change of the only entry's groups, and the text after the change back. */
function thereAndBack(mapRoles: string) {
  const before = parseDocument({ mapRoles });
  const [entry] = before.entries;
  if (entry === undefined) throw new Error("there is no entry");
  const { username, groups } = entry;
  const there = planChanges(before, [{ type: "map", arn, username, groups: [...groups, "viewers"] }], guard);
  if (there.type === "refused") return { refused: there.refusal.code };
  const after = parseDocument(there.after);
  const back = planChanges(after, [{ type: "map", arn, username, groups }], guard);
  if (back.type === "refused") return { refused: back.refusal.code };
  return { entries: after.entries.map((some) => [some.username, some.groups]), back: back.after.mapRoles };
}

describe("groups are added to an entry with a last value that ends the text without a line break", () => {
  it.each([
    ["a kept folded username", `- rolearn: ${arn}\n  username: >+\n    dev`, "dev", []],
    ["a kept literal username", `- rolearn: ${arn}\n  username: |+\n    dev`, "dev", []],
    ["a clipped username", `- rolearn: ${arn}\n  username: |\n    dev`, "dev", []],
    ["a username above other entries' end", `- username: dev\n  rolearn: >+\n    ${arn}`, "dev", []],
    ["a username before its ARN", `- groups: [a]\n  rolearn: ${arn}\n  username: >+\n    dev`, "dev", ["a"]],
    ["a kept group", `- rolearn: ${arn}\n  username: dev\n  groups:\n    - >+\n      a`, "dev", ["a"]],
    ["an ARN that is the whole entry", `- rolearn: >+\n    ${arn}`, "", []],
  ])("%s", (_what, mapRoles, username, groups) => {
    const result = thereAndBack(mapRoles);

    const given = [...groups, "viewers"].sort();
    expect(result.entries?.map(([name, of]) => [name, [...(of ?? [])].sort()])).toEqual([[username, given]]);
    expect(result.back).toBe(mapRoles);
  });
});

describe("the last entry is removed from a list that can't be absent: what is left would not be read", () => {
  it.each([
    ["above the end of the document", "", "...\n"],
    ["below a tag", "--- !!seq # people\n", ""],
    ["among comments", "!!seq\n# first\n", "# last\n... # end\n"],
  ])("%s", (_what, before, after) => {
    const document = parseDocument({ mapRoles: `${before}- rolearn: ${arn}\n  username: dev\n${after}` });

    const plan = planChanges(document, [{ type: "unmap", arn }], guard);

    expect(plan).toMatchObject({ type: "planned", after: { mapRoles: `${before}[]\n${after}` } });
  });
});
