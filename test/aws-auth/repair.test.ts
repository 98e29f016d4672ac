import { describe, expect, it } from "vitest";
import { finish } from "../../src/aws-auth/go-yaml/budget.ts";
import { parseDocument } from "../../src/aws-auth/parse.ts";
import { readDocument } from "../../src/aws-auth/read-document.ts";
import { offerEdit, offerRepairs } from "../../src/aws-auth/repair.ts";

const account = "arn:aws:iam::111122223333:";

function offers(mapRoles: string) {
  return offerRepairs(parseDocument({ mapRoles }));
}

describe("offerRepairs", () => {
  it.each([
    ["a path", `${account}role/team/dev`, "arn-path"],
    ["an assumed role", "arn:aws:sts::111122223333:assumed-role/dev/bob", "arn-assumed-role"],
    ["white space", `'${account}role/dev '`, "arn-padding"],
    ["white space around a path", `' ${account}role/team/dev'`, "arn-padding"],
  ])("offers the right ARN for %s", (_what, written, code) => {
    const [repair, ...others] = offers(`- username: dev\n  rolearn: ${written}   # the team\n`);

    expect(others).toEqual([]);
    expect(repair).toMatchObject({ code, section: "mapRoles", line: 2 });
    expect(repair?.plan.after).toEqual({ mapRoles: `- username: dev\n  rolearn: "${account}role/dev"   # the team\n` });
    expect(repair?.plan.differences.map(({ arn }) => arn)).toContain(`${account}role/dev`);
  });

  it("offers an Identity Center role without its path", () => {
    const name = "AWSReservedSSO_Admin_0123456789abcdef";

    const [repair] = offers(`- {rolearn: ${account}role/aws-reserved/sso.amazonaws.com/${name}, username: a}\n`);

    expect(repair?.plan.after.mapRoles).toBe(`- {rolearn: "${account}role/${name}", username: a}\n`);
  });

  it("offers no ARN that another entry has already", () => {
    const repairs = offers(
      `- rolearn: ${account}role/team/dev\n  username: a\n- rolearn: ${account}role/dev\n  username: b\n`,
    );

    expect(repairs).toEqual([]);
  });

  it("offers no right ARN for an entry whose template would shut out who gets in by an account", () => {
    const mapRoles = `- rolearn: ${account}role/team/dev\n  username: "{{EC2PrivateDNSName}}"\n`;

    const repairs = offerRepairs(parseDocument({ mapRoles, mapAccounts: '- "111122223333"\n' }));

    expect(repairs).toEqual([]);
  });

  it("offers to remove an entry that another one shadows, which changes no access", () => {
    const [repair] = offers(
      `- rolearn: ${account}role/dev\n  username: a\n- rolearn: ${account}role/DEV\n  username: b\n`,
    );

    expect(repair).toMatchObject({ code: "entry-shadowed", plan: { differences: [] } });
    expect(repair?.message).toBe(`Removes the entry for ${account}role/dev, which has no effect.`);
    expect(repair?.plan.after.mapRoles).toBe(`- rolearn: ${account}role/DEV\n  username: b\n`);
    expect(repair?.plan.diff).toContain(`-- rolearn: ${account}role/dev\n`);
  });

  it("offers to remove the shadowed entry alone where all entries are in one line", () => {
    const [dev, ops] = ["dev", "ops"].map((name) =>
      JSON.stringify({ rolearn: `${account}role/${name}`, username: name }),
    );

    const [repair] = offers(`[${dev}, ${dev}, ${ops}]`);

    expect(repair).toMatchObject({ code: "entry-shadowed", plan: { after: { mapRoles: `[${dev}, ${ops}]` } } });
    expect(repair?.plan.differences).toEqual([]);
  });

  it("offers a list for groups that are text, and says that they will count then", () => {
    const [repair] = offers(`- rolearn: ${account}role/dev\n  username: dev\n  groups: viewers, , editors ,\n`);

    expect(repair?.plan.after.mapRoles).toContain('groups: ["viewers", "editors"]\n');
    expect(repair?.message).toBe(`Writes the groups of ${account}role/dev as a list: viewers, editors.`);
    expect(repair?.plan.bytesLeft).toBe(1024 * 1024 - (repair?.plan.after.mapRoles?.length ?? 0));
    expect(repair?.plan.differences).toMatchObject([
      { arn: `${account}role/dev`, before: { groups: [] }, after: { groups: ["viewers", "editors"] } },
    ]);
  });

  it.each([
    ["|", "viewers", "editors"],
    [">", "viewers,", "editors"],
  ])("offers a list for groups in a block of text: %s", (style, first, second) => {
    const head = `- rolearn: ${account}role/dev\n  groups:`;

    const [repair] = offers(`${head} ${style}\n    ${first}\n    ${second}\n  username: dev\n`);

    expect(repair?.plan.after.mapRoles).toBe(`${head} ["viewers", "editors"]\n  username: dev\n`);
  });

  it.each([
    ["two", `- rolearn: ${account}role/dev\n\tusername: dev\n`, `- rolearn: ${account}role/dev\n  username: dev\n`],
    [
      "two, behind the dash",
      `-\trolearn: ${account}role/dev\n\tusername: dev\t\n`,
      `- rolearn: ${account}role/dev\n  username: dev\n`,
    ],
    [
      "two, twice behind the dash and at the end",
      `-\t\trolearn: ${account}role/dev\n\t\tusername: dev\t\t\r\n`,
      `-   rolearn: ${account}role/dev\n    username: dev\r\n`,
    ],
    [
      "four",
      `  - rolearn: ${account}role/dev\n\tusername: dev\n`,
      `  - rolearn: ${account}role/dev\n    username: dev\n`,
    ],
  ])("offers spaces for tabs: %s", (_width, before, after) => {
    const [repair] = offers(before);

    expect(repair).toMatchObject({ code: "section-unreadable", plan: { after: { mapRoles: after } } });
    expect(repair?.message).toBe("Replaces the tabs in mapRoles with spaces.");
  });

  it("offers spaces for the no-break spaces of a web page, and keeps those within a name", () => {
    const [repair] = offers(`-\u00a0rolearn:\u00a0${account}role/dev\n\u00a0\u00a0username: the\u00a0dev\n`);

    expect(repair?.plan.after.mapRoles).toBe(`- rolearn: ${account}role/dev\n  username: the\u00a0dev\n`);
    expect(repair?.message).toBe("Replaces the no-break spaces in mapRoles with spaces.");
  });

  it("offers to remove byte order marks: the authenticator reads the rest whole", () => {
    const whole = `# from a file\n- rolearn: ${account}role/dev\n  username: dev\n`;
    const [repair, ...others] = offers(whole.replace("file", "file\ufeff").replace(/dev\n$/, "d\ufeffev\n"));

    expect(repair).toMatchObject({ code: "byte-order-mark", line: 1, plan: { after: { mapRoles: whole } } });
    expect(repair?.message).toBe("Removes the invisible byte order marks in mapRoles.");
    expect(others).toEqual([]);
  });

  it("says which accounts can sign in after a repair of mapAccounts", () => {
    const mapAccounts = "# \ufeff\n- '111122223333'\n- 12\n";

    const [repair] = offerRepairs(parseDocument({ mapAccounts }));

    expect(repair?.plan.differences).toEqual([
      { arn: "111122223333", before: null, after: { username: "", groups: [] } },
    ]);
  });

  it("says what nodes get, which sign in only as an instance", () => {
    const node = { username: "system:node:{{EC2PrivateDNSName}}", groups: ["system:nodes"] };

    const [repair] = offers(`- rolearn: ${account}role/node\n  username: ${node.username}\n\tgroups: [system:nodes]\n`);

    expect(repair?.plan.differences).toEqual([{ arn: `${account}role/node`, before: null, after: node }]);
  });

  it("keeps a tab that is part of a value", () => {
    const [repair] = offers(`- rolearn: ${account}role/dev\n\tusername: "a\tb"\n`);

    expect(repair?.plan.after.mapRoles).toContain('"a\tb"');
  });

  it.each([
    ["a section that is broken in another way", "- rolearn: [\n"],
    ["tabs that no width explains", `- rolearn: ${account}role/dev\n\tusername: dev\n   groups: [a]\n`],
    ["a node's entry", `- rolearn: ${account}role/team/node\n  username: system:node:{{EC2PrivateDNSName}}\n`],
    ["an ARN that can't be guessed", `- rolearn: ${account}role/*\n  username: dev\n`],
    ["an ARN that stands elsewhere", `- &arn ${account}role/team/dev\n- rolearn: *arn\n  username: dev\n- *arn\n`],
    ["an ARN with white space that can't be guessed", `- rolearn: '${account}role/* '\n  username: dev\n`],
    ["groups that stand elsewhere", `- rolearn: ${account}role/dev\n  username: &u dev\n  groups: *u\n`],
    ["groups that are a mapping", `- rolearn: ${account}role/dev\n  username: dev\n  groups: {a: b}\n`],
    ["tabs before lines that are dropped", `- rolearn: ${account}role/dev\n\tusername: dev\n---\n- a\n`],
    ["a byte order mark in text that is broken besides", "- rolearn: [\ufeff\n"],
    [
      "a byte order mark that hides the entry which would count instead",
      `- rolearn: ${account}role/dev\n  username: dev\n- role\ufeffarn: ${account}role/dev\n  username: other\n`,
    ],
    [
      "a byte order mark in a template that shuts people out",
      `- rolearn: ${account}role/dev\n  username: system:node:{{EC2Private\ufeffDNSName}}\n`,
    ],
    [
      "groups with a template that shuts people out",
      `- rolearn: ${account}role/dev\n  username: dev\n  groups: "{{EC2PrivateDNSName}}"\n`,
    ],
    ["a field that is not read", `- rolearn: ${account}role/dev\n  username: dev\n  user: dev\n`],
    ["nothing wrong", `- rolearn: ${account}role/dev\n  username: dev\n`],
  ])("offers nothing for %s", (_what, text) => {
    const repairs = offers(text);

    expect(repairs).toEqual([]);
  });

  it("offers no section with an entry that would replace one in force", () => {
    const mapUsers = `- userarn: ${account}role/dev\n  username: dev\n`;

    const repairs = offerRepairs(
      parseDocument({ mapRoles: `- rolearn: ${account}role/dev\n\tusername: other\n`, mapUsers }),
    );

    expect(repairs).toEqual([]);
  });

  it("offers no section with byte order marks whose entry would replace one in force in another one with such marks", () => {
    const mapRoles = `# \ufeff\n- role\ufeffarn: ${account}role/dev\n  username: other\n`;
    const mapUsers = `# \ufeff\n- userarn: ${account}role/dev\n  username: dev\n`;

    const repairs = offerRepairs(parseDocument({ mapRoles, mapUsers }));

    expect(repairs.map(({ section }) => section)).toEqual(["mapUsers"]);
  });

  it.each([
    ["ARN", `- rolearn: ${account}role/team/dev\n  username: other\n`],
    ["section", `- rolearn: ${account}role/dev\n\tusername: other\n`],
  ])("offers no %s while another section has byte order marks: it can have that ARN in force", (_what, mapRoles) => {
    const mapUsers = `- userarn: ${account}role/dev\n  username: dev\n  group\ufeff: []\n`;

    const repairs = offerRepairs(parseDocument({ mapRoles, mapUsers }));

    expect(repairs.map(({ code }) => code)).toEqual(["byte-order-mark"]);
  });

  it("offers at most fifty at once", () => {
    const text = Array.from(
      { length: 60 },
      (_, index) => `- rolearn: ${account}role/p/r${index}\n  username: a\n`,
    ).join("");

    expect(offers(text)).toHaveLength(50);
  });
});

const entry = (name: string, username = name) =>
  `- rolearn: arn:aws:iam::111122223333:role/${name}\n  username: ${username}\n  groups: [viewers]\n`;

/** Offers a text in the place of three entries, as if to repair the second. */
function offer(text: string) {
  const before = readDocument({ mapRoles: entry("a") + entry("b") + entry("c") });
  const [, second] = before.entries;
  if (second === undefined) throw new Error("there is no second entry");
  return finish(offerEdit(before, { entry: second, text, code: "code", message: "It repairs." }));
}

it.each([
  ["the entry is another", entry("a") + entry("d") + entry("c")],
  ["the entry is gone", entry("a") + entry("c")],
])("an edit is offered where %s, and all others are what they were", (_what, text) => {
  expect(offer(text)).toMatchObject({
    code: "code",
    section: "mapRoles",
    line: 4,
    message: "It repairs.",
    plan: { type: "planned", after: { mapRoles: text }, refused: [] },
  });
});

it.each([
  ["an entry before it is another", entry("a", "x") + entry("d") + entry("c")],
  ["an entry behind it is another", entry("a") + entry("d") + entry("c", "x")],
  ["an entry before it is gone", entry("b") + entry("c")],
  ["an entry behind it is gone", entry("a") + entry("b")],
  ["two entries are gone", entry("a")],
  ["all entries are gone", ""],
  ["an entry came along", entry("a") + entry("x") + entry("b") + entry("c")],
  ["an entry came along at its place", entry("a") + entry("b") + entry("x") + entry("c")],
  ["others changed places", entry("c") + entry("b") + entry("a")],
])("nothing is offered where %s", (_what, text) => {
  expect(offer(text)).toBeNull();
});

it("nothing is offered that can't be read, though but one entry is lost", () => {
  const before = readDocument({ mapRoles: entry("a") });
  const [only] = before.entries;

  const repair =
    only === undefined
      ? undefined
      : finish(offerEdit(before, { entry: only, text: "- [\n", code: "code", message: "It repairs." }));

  expect(repair).toBeNull();
});
