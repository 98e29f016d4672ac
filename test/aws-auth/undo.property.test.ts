import fc from "fast-check";
import { expect, it } from "vitest";
import type { Change } from "../../src/access/principal.ts";
import type { Data } from "../../src/aws-auth/document.ts";
import { parseDocument } from "../../src/aws-auth/parse.ts";
import { type Plan, planChanges } from "../../src/aws-auth/plan.ts";
import { stories } from "../form.ts";

const arn = "arn:aws:iam::111122223333:role/dev";
const team = `- rolearn: "arn:aws:iam::111122223333:role/team"\n  username: team\n  groups: &team [viewers]\n- &base {groups: *team}\n`;

/** Values that `groups:` can have, apart from a list of names. */
const oneLine = [
  "",
  " *team",
  " viewers",
  ' "viewers"',
  " 'viewers'",
  " ~",
  " null",
  " 12",
  " yes",
  " {a: b}",
  " []",
  " [ ]",
];
const manyLines = [
  " |\n    viewers",
  " >-\n    viewers\n",
  " |+\n    viewers\n\n",
  "\n    viewers",
  "\n    a: b",
  ' "a\n    b"',
];

interface Form {
  groups: string;
  isFlow: boolean;
  fields: readonly string[];
  end: string;
  lineBreak: string;
}

const order = fc.shuffledSubarray(["rolearn", "username", "groups"], { minLength: 3, maxLength: 3 });
const end = fc.constantFrom("", "\n", " # the end\n", "\n\n# the end");
const lineBreak = fc.constantFrom("\n", "\r\n");
const forms: fc.Arbitrary<Form> = fc.oneof(
  fc.record({
    groups: fc.constantFrom(...oneLine, ...manyLines),
    isFlow: fc.constant(false),
    fields: order,
    end,
    lineBreak,
  }),
  fc.record({ groups: fc.constantFrom(...oneLine), isFlow: fc.constant(true), fields: order, end, lineBreak }),
  fc.record({
    groups: fc.constantFrom(" *team"),
    isFlow: fc.boolean(),
    fields: fc.constantFrom(["rolearn", "username"], ["rolearn", "username", "<<"], ["<<", "rolearn", "username"]),
    end,
    lineBreak,
  }),
);

function textOf({ groups, isFlow, fields, end: tail, lineBreak: eol }: Form): string {
  const values: Record<string, string> = { rolearn: ` "${arn}"`, username: " dev", groups, "<<": " *base" };
  const written = fields.map((field) => `${field}:${values[field]}`);
  const entry = isFlow ? `- {${written.join(", ")} }` : `- ${written.join("\n  ")}`;
  return `${team}${entry}${tail}`.replaceAll("\n", eol);
}

function planned(data: Readonly<Record<string, string>>, groups: readonly string[]): Plan {
  const plan = planChanges(parseDocument(data), [{ type: "map", arn, username: "dev", groups }]);
  if (plan.type === "refused") throw new Error(`${plan.refusal.code}: ${plan.refusal.message}`);
  expect(plan.refused).toEqual([]);
  return plan;
}

it("removing our groups in any order restores a list with a tag that has no text", () => {
  const data = { mapRoles: `- rolearn: ${arn}\n  username: dev\n  groups: [!!binary , viewers, !!binary ]\n` };

  const { after } = planned(data, ["", "viewers", "one", "two"]);
  const left = planned(after, ["", "viewers", "two"]);

  expect(groupsIn(left.after)).toEqual(["", "viewers", "two"]);
  expect(planned(left.after, ["", "viewers"]).after).toEqual(data);
});

it.each([
  `- rolearn: ${arn}\n  username: dev\n  groups: [ viewers ]\n  groups: [ viewers ]\n`,
  `- rolearn: ${arn}\n  username: dev\n  Groups: [viewers]\n  groups: [ "viewers" ]\n`,
  `- {rolearn: "${arn}", username: dev, groups: [viewers], groups: [ viewers ]}\n`,
])("removing our group restores an entry that has groups twice: %j", (mapRoles) => {
  const { after } = planned({ mapRoles }, ["viewers", "one"]);

  expect(groupsIn(after)).toEqual(["viewers", "one"]);
  expect(planned(after, ["viewers"]).after).toEqual({ mapRoles });
});

const role = (name: string) => `arn:aws:iam::111122223333:role/${name}`;
const map = (name: string, groups: readonly string[]) => ({
  type: "map" as const,
  arn: role(name),
  username: name,
  groups,
});
const plan = (data: Data, changes: readonly Change[]): Data => {
  const planned = planChanges(parseDocument(data), changes);
  return planned.type === "planned" ? planned.after : {};
};
const fields = (name: string) => `rolearn: ${role(name)}\n  username: ${name}\n`;

it.each([
  ["an alias", `- ${fields("base")}  groups: &base [viewers]\n- ${fields("dev")}  groups: *base\n`, ["viewers"]],
  ["a merge of no groups", `- &base\n  ${fields("base")}- <<: *base\n  ${fields("dev")}`, []],
])("groups of ours that go from two entries at once, beside other changes, bring back %s", (_what, mapRoles, own) => {
  const first = plan({ mapRoles }, [map("dev", [...own, "one"])]);
  const given = plan(first, [map("base", [...own, "two"]), map("new", ["one"])]);
  const left = plan(given, [map("base", own), map("dev", own), { type: "unmap", arn: role("new") }, map("late", [])]);

  expect(plan(left, [{ type: "unmap", arn: role("late") }])).toEqual({ mapRoles });
});

const block = `- ${fields("dev")}  groups:\n  - |-\n    team\n`;
const unmap: Change = { type: "unmap", arn: role("new") };

it.each([
  ["a group", map("dev", ["team", "ours"]), map("dev", ["team"]), `- ${fields("base")}`, "  "],
  ["an entry", map("new", ["ours"]), unmap, "", ""],
])("%s of ours goes although a comment below it would become text before it", (_what, begin, end, rest, indent) => {
  const given = plan({ mapRoles: block + rest }, [begin]);
  const mapRoles = given.mapRoles?.replace('- "ours"\n', '- "ours"\n      # why\n') ?? "";

  expect(plan({ mapRoles }, [end])).toEqual({ mapRoles: `${block}${indent}# why\n${rest}` });
});

it("an end leaves a list as it was beside a lease that must begin before others' text at the end", () => {
  const data = { mapRoles: `- ${fields("dev")}  groups:\n  - team\n- ${fields("base")}  groups:\n  - |\n    x` };

  const both = plan(plan(data, [map("dev", ["team", "ours"])]), [map("dev", ["team"]), map("base", ["x", "ours"])]);

  expect(plan(both, [map("base", ["x"])])).toEqual(data);
});

it("the end of a lease in a merged entry brings back the end of a text without a line break", () => {
  const data = { mapRoles: `- &base\n  ${fields("base")}- <<: *base\n  ${fields("dev").trimEnd()}` };

  const both = plan(plan(data, [map("dev", ["one"])]), [map("base", ["two"])]);

  expect(plan(plan(both, [map("dev", [])]), [map("base", [])])).toEqual(data);
});

it("an end leaves others' empty list as they spaced it, beside an entry that merges another", () => {
  const data = {
    mapRoles: `- &base\n  ${fields("base")}- <<: *base\n  ${fields("dev")}- ${fields("team")}  groups: [  ]\n`,
  };

  expect(plan(plan(data, [map("team", ["ours"])]), [map("team", [])])).toEqual(data);
});

it.each([
  ["a carriage return", "\r", "\r\n\n"],
  ["an invisible separator", "\u2028", "\n"],
])("adding an entry after %s writes ordinary line ends, and its removal restores the text", (_what, first, last) => {
  const data = { mapRoles: `# team${first}${team.replaceAll("\n", last)}` };
  const document = parseDocument(data);

  const plan = planChanges(document, [{ type: "map", arn, username: "dev", groups: ["one"] }]);
  if (plan.type === "refused") throw new Error(plan.refusal.message);
  const back = planChanges(parseDocument(plan.after), [{ type: "unmap", arn }]);

  expect(plan.after.mapRoles).toMatch(/role\/dev"\r?\n {2}username: "dev"\r?\n {2}groups:\r?\n {4}- "one"\r?\n/);
  expect(back).toMatchObject({ after: data });
});

const groupsIn = (data: Readonly<Record<string, string>>) =>
  parseDocument(data).entries.find((entry) => entry.arn === arn)?.groups;

it("removing our last group restores the former value of groups, byte for byte", () => {
  fc.assert(
    fc.property(forms, fc.uniqueArray(fc.constantFrom("one", "two", "three"), { minLength: 1 }), (form, ours) => {
      const data: Readonly<Record<string, string>> = { mapRoles: textOf(form) };
      const before = groupsIn(data) ?? [];

      const added = ours.reduce((last, _, at) => planned(last, [...before, ...ours.slice(0, at + 1)]).after, data);
      const back = ours.reduce((last, _, at) => planned(last, [...before, ...ours.slice(at + 1)]).after, added);

      expect(groupsIn(added)).toEqual([...before, ...ours]);
      expect(back).toEqual(data);
    }),
    stories({ short: 100, long: 500 }),
  );
});
