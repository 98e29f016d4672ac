import { expect, it } from "vitest";
import { parseDocument } from "../../src/aws-auth/parse.ts";
import { planChanges } from "../../src/aws-auth/plan.ts";

const mebibyte = 1024 * 1024;
const account = "arn:aws:iam::111122223333:";
const mapRoles = `- rolearn: ${account}role/a\n  username: a\n`;
const dev = { type: "map", arn: `${account}role/dev`, username: "dev", groups: ["viewers"] } as const;

/** A document of exactly so many bytes in its texts: keys do not count. */
const documentOf = (bytes: number) => parseDocument({ mapRoles, notes: "x".repeat(bytes - mapRoles.length) });

it("a document may be as large as a ConfigMap, and not a byte larger", () => {
  const [fits, toolarge] = [documentOf(mebibyte), documentOf(mebibyte + 1)];

  expect(fits.problems).toEqual([]);
  expect(toolarge.problems).toEqual([
    {
      code: "document-too-large",
      severity: "error",
      section: null,
      line: null,
      column: null,
      message: "The document has 1048577 bytes; a ConfigMap can have 1048576.",
      remedy: "Remove unused entries.",
    },
  ]);
});

it("counts bytes, not letters", () => {
  const document = parseDocument({ notes: "é".repeat(mebibyte / 2), more: "x" });

  expect(document.problems.map(({ code }) => code)).toEqual(["document-too-large"]);
});

it("a plan says how much room is left, and is refused where there is not enough", () => {
  const added = planChanges(documentOf(1000), [dev]);
  const refused = planChanges(documentOf(mebibyte), [dev]);

  const bytes = added.type === "planned" ? Object.values(added.after).join("").length : 0;
  expect(added).toMatchObject({ bytesLeft: mebibyte - bytes });
  expect(refused).toMatchObject({ type: "refused", refusal: { code: "document-too-large" } });
});

it("a plan may fill the room that there is to the last byte, and no further", () => {
  const added = planChanges(documentOf(1000), [dev]);
  const size = added.type === "planned" ? mebibyte - added.bytesLeft - 1000 : 0;

  const fits = planChanges(documentOf(mebibyte - size), [dev]);
  const refused = planChanges(documentOf(mebibyte - size + 1), [dev]);

  expect(fits).toMatchObject({ type: "planned", bytesLeft: 0 });
  expect(refused).toMatchObject({
    refusal: {
      message: "The document would have 1048577 bytes; a ConfigMap can have 1048576. Remove unused entries.",
    },
  });
});

it("entries for which there is no room at all are refused for that, also where the text would have more values than are read", () => {
  const groups = Array.from({ length: 10 }, (_, at) => `group-${at}`);
  const added = Array.from({ length: 12_000 }, (_, at) => {
    return { type: "map", arn: `${account}role/team-${at}`, username: `team-${at}`, groups } as const;
  });

  expect(planChanges(documentOf(1000), added)).toMatchObject({
    refusal: {
      code: "document-too-large",
      message: expect.stringMatching(/^The document would have at least 1\d{6} bytes; a ConfigMap can have 1048576\./),
    },
  });
});

it("a document that is too large already may shrink, or stay as large as it is", () => {
  const shrinks = planChanges(documentOf(mebibyte + 500), [{ type: "unmap", arn: `${account}role/a` }]);
  const stays = parseDocument({
    mapRoles: `- rolearn: ${account}role/a\n  username: "a"\n`,
    notes: "x".repeat(mebibyte),
  });

  const other = planChanges(stays, [{ type: "map", arn: `${account}role/a`, username: "b", groups: [] }]);

  expect([shrinks.type, other.type]).toEqual(["planned", "planned"]);
});

it("a nesting that no real document has is not read, and does not exhaust the stack", () => {
  const deep = (depth: number) => parseDocument({ mapRoles: `${"[".repeat(depth)}${"]".repeat(depth)}` });

  expect(deep(500).sections.mapRoles.state).toBe("list");
  expect(deep(501).problems).toMatchObject([
    { code: "section-too-large", column: 501, message: expect.stringContaining("nested deeper than 500 levels") },
  ]);
  expect(deep(100_000).problems.map(({ code }) => code)).toEqual(["section-too-large"]);
});

it("a thousand changes are planned at once", () => {
  const changes = Array.from({ length: 1000 }, (_, index) => ({ ...dev, arn: `${account}role/r${index}` }));

  const plan = planChanges(parseDocument({ mapRoles }), changes);

  expect(plan).toMatchObject({ type: "planned", refused: [] });
  expect(plan.type === "planned" && plan.differences).toHaveLength(1000);
});
