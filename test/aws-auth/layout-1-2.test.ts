import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseDocument as parse12 } from "yaml";
import { parseDocument } from "../../src/aws-auth/parse.ts";

/** Places of the problems of these codes, by line and column from 0; null where the authenticator reads no list. */
function told(mapRoles: string, codes: readonly string[] = ["readers-differ"]): string[] | null {
  const { sections, problems } = parseDocument({ mapRoles });
  if (sections.mapRoles.state !== "list") return null;
  const notices = problems.filter(({ code }) => codes.includes(code));
  return notices.map(({ line, column }) => `${(line ?? 0) - 1}:${(column ?? 0) - 1}`);
}

/** Null where it is refused. */
function readBy12(text: string): unknown {
  const document = parse12(text, { logLevel: "silent" });
  return document.errors.length > 0 ? null : document.toJS();
}

const ARN = "arn:aws:iam::111122223333:role/a";

describe("a line of brackets or quotes that YAML 1.2 refuses is reported", () => {
  it.each([
    ["- rolearn: a\n  groups: [\n  x]\n", "2:2"],
    ["- rolearn: a\r\n  groups: [x,\r\n y]\r\n", "2:1"],
    ["- {rolearn: a,\nusername: b}\n", "1:0"],
    ["- {groups: [\n    x\n]}\n", "2:0"],
    ["- groups: [\n   x, 'b\n  c']\n", "2:2"],
    ["- [\n\tx]\n", "1:1"],
    ['- username: "a\n  b"\n', "1:2"],
    ["- username: 'a\n  #b'\n", "1:2"],
    ["- username: 'a\n\t\n   b'\n", "1:0"],
    ["- groups:\n  - 'a\n  b'\n", "2:2"],
    ["- username: 'a\n  '\n", "1:2"],
    ["- ? 'a'\n  : - 'b\n    c'\n", "2:4"],
    ["- [a\n, [b,\nc]]\n", "1:0"],
  ])("%j", (text, place) => {
    expect(told(text)).toEqual([place]);
    expect(readBy12(text)).toBeNull();
  });
});

describe("a line of brackets or quotes that YAML 1.2 accepts is not reported", () => {
  it.each([
    "- rolearn: a\n  groups: [\n    x\n  ]\n",
    "- rolearn: a\n  groups: [ # why\n# why\n\t\n\n   x\n   ]\n",
    "- [a,\n]\n",
    "- {rolearn: a,\n username: b\n}\n",
    "[{rolearn: a,\nusername: 'b\nc'}\n]\n",
    "- username: 'a\n\n  \n   b'\n",
    "- groups:\n  - 'a\n   b'\n",
    "- username: a\n",
  ])("%j", (text) => {
    expect(told(text)).toEqual([]);
    expect(readBy12(text)).not.toBeNull();
  });
});

describe("a tag that continues over a comma or a bracket is reported", () => {
  it.each<[string, string[], unknown]>([
    ["- [!, a]\n", ["0:6"], [["", "a"]]],
    ["- [!x, a]\n", ["0:7"], [["", "a"]]],
    ["- [!x,b c, d]\n", ["0:8"], [["", "b c", "d"]]],
    ["- [&k !x, a, &l !y ]\n", ["0:10"], [["", "a", ""]]],
    ["- [!x, &k a, !!str, b]\n", ["0:10", "0:20"], [["", "a", "", "b"]]],
    ["- [!x, ]\n", ["0:3"], [[""]]],
    ["- [!x] ]\n", ["0:3"], null],
    ["- {username: !x, a: b}\n", [], null],
    ["- username: !x, b\n", ["0:16"], null],
    ["- !x,\n  username: b\n", ["1:2"], null],
  ])("%j", (text, places, seen) => {
    const notices = told(text);

    // A key behind such a tag has no value for the authenticator, so it refuses the section.
    expect(notices).toEqual(places.length === 0 ? null : places);
    if (places.length > 0) expect(readBy12(text)).toEqual(seen);
  });

  it.each([
    "- [! a, !x b]\n",
    "- [!<x,y> a]\n",
    "- [! , a]\n",
    "- [!x # !y,\n   a]\n",
    "- ['!x, a', \"!, b\"]\n",
    "- &k a: !x b\n",
  ])("and not a tag that ends before them: %j", (text) => {
    expect(told(text)).toEqual([]);
    expect(readBy12(text)).not.toBeNull();
  });

  it.each(["- [!]\n", "- [!x]\n", "- {username: !x}\n"])("which the authenticator may not read at all: %j", (text) => {
    expect(told(text)).toBeNull();
    expect(readBy12(text)).not.toBeNull();
  });
});

it("the accounts of a document are looked at too", () => {
  const { problems } = parseDocument({ mapAccounts: "- '111122223333'\n- \"44445555\\\n6666\"\n" });

  expect(problems).toContainEqual(expect.objectContaining({ code: "readers-differ", line: 3, column: 1 }));
});

it("of any layout of lines, exactly those that YAML 1.2 refuses are reported", () => {
  // A comment in column 0 behind the value of a pair is refused by `yaml`, though not by YAML 1.2.
  const gap = fc
    .tuple(fc.constantFrom("", "\n", " # why\n", "\n\n", "\r\n", "\n # why\n"), fc.nat({ max: 6 }))
    .map(([lines, spaces]) => (lines === "" ? " " : lines + " ".repeat(spaces)));
  const broken = fc.tuple(fc.constantFrom('"', "'", ""), fc.constantFrom("\n", "\n\n", "\r\n"), fc.nat({ max: 6 }));
  const scalar = fc.oneof(
    fc.constantFrom("x", "'y'", '"z"'),
    broken.map(([quote, lines, spaces]) => `${quote}a${lines}${" ".repeat(spaces)}b${quote}`),
  );
  const { value } = fc.letrec<{ value: string }>((tie) => ({
    value: fc.oneof(
      { depthSize: "small" },
      scalar,
      fc.tuple(gap, tie("value"), gap, tie("value"), gap).map(([a, x, b, y, c]) => `[${a}${x}${b},${c}${y}${a}]`),
      fc.tuple(gap, tie("value"), gap).map(([a, x, b]) => `{${a}k: ${x}${b}}`),
    ),
  }));
  const frame = fc.constantFrom(
    (some: string) => `- ${some}\n`,
    (some: string) => `- rolearn: ${ARN}\n  username: ${some}\n  groups: []\n`,
    (some: string) => `- groups:\n  - ${some}\n  - b\n`,
    (some: string) => `- groups:\n    - ${some}\n`,
    (some: string) => `- - ${some}\n`,
    (some: string) => `  - &k a: !x ${some}\n`,
    (some: string) => `[${some}]\n`,
  );

  fc.assert(
    fc.property(frame, value, (framed, some) => {
      const text = framed(some);
      // The authenticator drops a line that is too far out to be in the list, and check reports that.
      const notices = told(text, ["readers-differ", "content-dropped"]);
      if (notices !== null) expect(notices.length > 0).toBe(readBy12(text) === null);
    }),
  );
});
