import { describe, expect, it } from "vitest";
import type { Intent } from "../../src/aws-auth/document.ts";
import { isAsIntended } from "../../src/aws-auth/edit-section.ts";
import { refuseResult } from "../../src/aws-auth/guard.ts";
import { readDocument } from "../../src/aws-auth/read-document.ts";

const arn = (name: string) => `arn:aws:iam::111122223333:role/${name}`;
const entry = (name: string, ...groups: string[]) =>
  `- rolearn: ${arn(name)}\n  username: ${name}\n  groups: [${groups.join(", ")}]\n`;
const read = (mapRoles: string, mapUsers?: string) =>
  readDocument(mapUsers === undefined ? { mapRoles } : { mapRoles, mapUsers });

const before = read(entry("a", "x") + entry("b", "y"));
const [first] = before.entries;
const add: Intent = { type: "add", arn: arn("c"), section: "mapRoles", username: "c", groups: ["z"] };
const addTwo: Intent = { ...add, groups: ["w", "z"] };
const remove: Intent = { type: "remove", arn: arn("a"), entries: before.entries.slice(0, 1) };
const edit: Intent = { type: "edit", arn: arn("a"), entry: first ?? never(), username: "a", groups: ["x", "z"] };

function never(): never {
  throw new Error("there is no entry");
}

describe("a text is as intended", () => {
  it.each<[string, string, readonly Intent[]]>([
    ["where nothing is intended and nothing changed", entry("a", "x") + entry("b", "y"), []],
    ["where an entry came at the end", entry("a", "x") + entry("b", "y") + entry("c", "z"), [add]],
    ["where an entry came at the front", entry("c", "z") + entry("a", "x") + entry("b", "y"), [add]],
    ["where an entry went", entry("b", "y"), [remove]],
    ["where groups changed, in any order", entry("a", "z", "x") + entry("b", "y"), [edit]],
    [
      "where the groups of what came are in another order",
      entry("a", "x") + entry("b", "y") + entry("c", "z", "w"),
      [addTwo],
    ],
    ["where all of this happened", entry("b", "y") + entry("c", "z"), [add, remove]],
  ])("%s", (_what, text, intents) => {
    expect(isAsIntended(before, read(text), "mapRoles", intents)).toBe(true);
  });

  it.each<[string, string, readonly Intent[]]>([
    ["where an entry is missing", entry("a", "x"), []],
    ["where an entry is one too many", entry("a", "x") + entry("b", "y") + entry("c", "z"), []],
    ["where entries changed places", entry("b", "y") + entry("a", "x"), []],
    ["where a username changed", entry("a", "x") + entry("b", "y").replace("username: b", "username: c"), []],
    ["where an ARN changed", entry("a", "x") + entry("c", "y").replace("username: c", "username: b"), []],
    ["where a group was lost", entry("a", "x") + entry("b"), []],
    ["where a group came", entry("a", "x") + entry("b", "y", "z"), []],
    ["where a group is there twice now", entry("a", "x") + entry("b", "y", "y"), []],
    ["where the wrong entry went", entry("a", "x"), [remove]],
    ["where an edit did not come about", entry("a", "x") + entry("b", "y"), [edit]],
    ["where an edit gave too much", entry("a", "x", "z", "w") + entry("b", "y"), [edit]],
    ["where what was added is another", entry("a", "x") + entry("b", "y") + entry("d", "z"), [add]],
    ["where what was added stands in the middle", entry("a", "x") + entry("c", "z") + entry("b", "y"), [add]],
    ["where an entry came at the front and another changed", entry("c", "z") + entry("a", "x") + entry("b"), [add]],
    ["where the text can't be read", "- [\n", [remove]],
    ["where a part of the text is dropped", `${entry("a", "x")}${entry("b", "y")}---\n- x\n`, []],
  ])("but not %s", (_what, text, intents) => {
    expect(isAsIntended(before, read(text), "mapRoles", intents)).toBe(false);
  });

  it("but not if the text is unreadable, though no one should be left in it", () => {
    const alone = read(entry("a", "x"));
    const all: Intent = { type: "remove", arn: arn("a"), entries: alone.entries };

    expect(isAsIntended(alone, read("- [\n"), "mapRoles", [all])).toBe(false);
    expect(isAsIntended(alone, read(""), "mapRoles", [all])).toBe(true);
  });

  it("looks at the section that was edited alone", () => {
    const user: Intent = { ...add, section: "mapUsers" };

    expect(isAsIntended(before, read(entry("a", "x") + entry("b", "y")), "mapRoles", [user])).toBe(true);
    expect(isAsIntended(before, read(entry("a", "x") + entry("b", "y")), "mapUsers", [user])).toBe(false);
    expect(isAsIntended(before, read(entry("b", "y") + entry("a", "x")), "mapRoles", [user])).toBe(false);
  });
});

describe("a result is refused", () => {
  it("if a principal changes that no intent names", () => {
    const after = read(entry("a", "x") + entry("b", "z"));

    expect(refuseResult(before, after, [], {})).toEqual({
      code: "unintended-change",
      message: `This also affects ${arn("b")}. Write them out.`,
    });
  });

  it("if the username, the number of groups or the entry of another principal changes", () => {
    const results = [entry("b", "y").replace(": b", ": c"), entry("b"), entry("b", "y", "w"), ""].map((text) =>
      refuseResult(before, read(entry("a", "x") + text), [], {}),
    );

    expect(results.map((refusal) => refusal?.code)).toEqual(Array(4).fill("unintended-change"));
  });

  it("where an entry of another section comes to count", () => {
    const after = read(entry("a", "x") + entry("b", "y"), `- userarn: ${arn("c")}\n  username: c\n`);

    expect(refuseResult(before, after, [], {})?.code).toBe("unintended-change");
  });

  it("and says of many only who the first three are", () => {
    const all = ["a", "b", "c", "d"];
    const [some, others] = ["x", "y"].map((group) => read(all.map((name) => entry(name, group)).join("")));

    const refusal = refuseResult(some ?? before, others ?? before, [], {});

    expect(refusal?.message).toBe(`This also affects ${arn("a")}, ${arn("b")}, ${arn("c")}. Write them out.`);
  });

  it("if one of two users changes between which chance decides", () => {
    const users = (group: string) =>
      read("", `- userarn: ${arn("u")}\n  username: u\n- userarn: ${arn("U")}\n  username: U\n  groups: [${group}]\n`);

    expect(refuseResult(users("x"), users("y"), [], {})?.code).toBe("unintended-change");
    expect(refuseResult(users("x"), users("x"), [], {})).toBeNull();
  });

  it("where a change does not take effect", () => {
    const same = read(entry("a", "x") + entry("b", "y"));
    const codes = [add, remove, edit].map((intent) => refuseResult(before, same, [intent], {}));

    expect(codes).toEqual(
      ["c", "a", "a"].map((name) => ({
        code: "without-effect",
        message: `Another entry overrides that for ${arn(name)}. Keep only one.`,
        arn: arn(name),
      })),
    );
  });

  it("where a change takes another effect", () => {
    const after = read(entry("a", "x").replace("username: a", "username: c") + entry("b", "y"));
    const renamed: Intent = { ...edit, groups: ["x"] };

    expect(refuseResult(before, after, [renamed], {})?.code).toBe("without-effect");
  });

  it("but not where all is as it was meant", () => {
    const after = read(entry("a", "z", "x") + entry("b", "y"));

    expect(refuseResult(before, after, [edit], {})).toBeNull();
    expect(refuseResult(before, before, [], {})).toBeNull();
  });
});
