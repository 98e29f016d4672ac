import { describe, expect, it } from "vitest";
import { parseDocument } from "../../src/aws-auth/parse.ts";

/** The authenticator's reader takes 512 bytes at a time, and refuses a control character in what it has taken. */
const chunk = 512;
const entry = "- rolearn: arn:aws:iam::111122223333:role/a\n  username: a\n";

/** A document, filled up with a comment to this many bytes, and the text after its end. */
const withTail = (bytes: number, tail: string, filler = "x") => {
  const room = bytes - Buffer.byteLength(entry) - Buffer.byteLength("#\n");
  const comment = filler.repeat(Math.floor(room / Buffer.byteLength(filler)));
  return `#${comment.padEnd(comment.length + room - Buffer.byteLength(comment), "x")}\n${entry}${tail}`;
};

const codes = (mapRoles: string) => parseDocument({ mapRoles }).problems.map(({ code }) => code);

describe("a control character behind the first YAML document", () => {
  it.each([
    ["in the bytes that are read with its end", withTail(400, "---\n\u0001"), "section-unreadable"],
    ["at the last byte that is read with its end", withTail(chunk - 5, "---\n\u0001"), "section-unreadable"],
    ["at the first byte that is never read", withTail(chunk - 4, "---\n\u0001"), "content-dropped"],
    ["at the end of the second piece", withTail(2 * chunk - 5, "---\n\u0001"), "section-unreadable"],
    ["behind the second piece", withTail(2 * chunk - 4, "---\n\u0001"), "content-dropped"],
    ["far behind it", withTail(100, `---\n${"a".repeat(chunk)}\u0001`), "content-dropped"],
    ["behind a document end", withTail(chunk - 4, "...\n\u0001"), "content-dropped"],
    ["behind letters of two bytes", withTail(chunk - 4, "---\n\u0001", "é"), "content-dropped"],
    ["within letters of two bytes", withTail(chunk - 5, "---\n\u0001", "é"), "section-unreadable"],
    ["that is NUL", withTail(chunk - 4, "---\n\u0000"), "content-dropped"],
  ])("%s", (_where, text, code) => {
    expect(codes(text)).toEqual([code]);
  });

  it("keeps the entries before it where it is never read", () => {
    const { entries } = parseDocument({ mapRoles: withTail(chunk - 4, "---\n\u0001") });

    expect(entries.map(({ username }) => username)).toEqual(["a"]);
  });
});

it.each([
  ["within the document", `${entry}- {rolearn: "\u0001"}\n`],
  ["far down in the document", `${entry.repeat(20)}# \u0001\n`],
  ["behind a document that ends with the text", `${entry}\n\u0001`],
])("a control character %s makes it unreadable", (_where, text) => {
  expect(codes(text)).toContain("section-unreadable");
});

it("a letter of three bytes that the end of a piece cuts in two is read with the next piece", () => {
  const early = withTail(chunk - 6, "---\n €\u0001");

  expect(codes(early)).toEqual(["content-dropped"]);
});
