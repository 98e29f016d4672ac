import { describe, expect, it } from "vitest";
import { parseDocument } from "../../src/aws-auth/parse.ts";

const account = "111122223333";
const role = `arn:aws:iam::${account}:role/a`;

describe("parseDocument", () => {
  it("says where each entry begins", () => {
    const { entries } = parseDocument({
      mapRoles: `  - rolearn: ${role}\n`,
      mapAccounts: `-  "${account}"\n-\n  - a\n- ${account}\n`,
    });

    expect(entries.map(({ section, line, column, index }) => [section, line, column, index])).toEqual([
      ["mapRoles", 1, 5, 0],
      ["mapAccounts", 1, 4, 0],
      ["mapAccounts", 4, 3, 2],
    ]);
  });

  it.each([
    ["absent", undefined, "empty"],
    ["blank", " \u00a0\u2003\n", "empty"],
    ["two quotes among spaces", '\n "" \n', "empty"],
    ["a hundred tabs", "\t".repeat(100), "empty"],
    ["comments", "# nobody", "empty"],
    ["null", "~", "empty"],
    ["text", "hello", "unreadable"],
    ["a mapping", "a: b", "unreadable"],
    ["broken", "- [", "unreadable"],
    ["a list", "- a", "list"],
    ["an empty list", "[]", "list"],
  ])("shows for a section that is %s whether there is a list", (_what, text, state) => {
    const data = text === undefined ? {} : { mapRoles: text, mapUsers: text, mapAccounts: text };

    const { sections } = parseDocument(data);

    expect([sections.mapRoles.state, sections.mapUsers.state, sections.mapAccounts.state]).toEqual(
      Array(3).fill(state),
    );
    expect(sections.mapAccounts.list === null).toBe(state !== "list");
  });

  it("takes no time for a text of blanks that ends in something else", () => {
    const { sections } = parseDocument({ mapRoles: `${" ".repeat(1_000_000)}x` });

    expect(sections.mapRoles.state).toBe("unreadable");
  });

  it("gives no list of accounts that could not be read to their end", () => {
    const { sections, entries } = parseDocument({ mapAccounts: `- "${account}"\n- !!int a\n- b\n` });

    expect(sections.mapAccounts).toMatchObject({ state: "unreadable", list: null });
    expect(entries.map(({ arn }) => arn)).toEqual([account]);
  });

  it("lets no item take the place of an account, whatever its ARN is", () => {
    const { problems } = parseDocument({
      mapRoles: `- rolearn: "${account}"\n  username: a\n`,
      mapAccounts: `- "${account}"\n`,
    });

    expect(problems.map(({ code }) => code)).toEqual(["not-an-arn", "account-mapped"]);
  });

  it("reports problems of the whole before those of sections, and the sections in order", () => {
    const { problems } = parseDocument({
      mapAccounts: "- x",
      mapUsers: "- x",
      mapRoles: "- x",
      mapuser: "",
      maprole: "",
    });

    expect(problems.map(({ section, key }) => section ?? key)).toEqual([
      "mapuser",
      "maprole",
      "mapRoles",
      "mapUsers",
      "mapAccounts",
    ]);
  });

  it("looks up principals, and accounts apart from them", () => {
    const { lookup } = parseDocument({ mapRoles: `- rolearn: ${role}\n`, mapAccounts: `- "${account}"\n` });

    expect([...lookup.items.keys()]).toEqual([role]);
    expect([...lookup.accounts]).toEqual([account]);
  });
});
