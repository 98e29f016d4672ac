import { expect, test } from "vitest";
import { parseDocument } from "../../src/aws-auth/parse.ts";
import { summarize } from "../../src/diagnosis/problems.ts";
import { developers, roleEntry } from "../builders/why-facts.ts";

const path = (index: number) => roleEntry(`arn:aws:iam::111122223333:role/team/r${index}`);
const summaryOf = (data: Readonly<Record<string, string>>) => summarize(parseDocument(data), []);

test("problems of one kind appear together, with the lines of the first ten", () => {
  const mapRoles = Array.from({ length: 12 }, (_, index) => path(index)).join("");

  const { groups, counts } = summaryOf({ mapRoles });

  expect(counts.error).toBe(12);
  expect(groups).toMatchObject([{ code: "arn-path", severity: "error", count: 12 }]);
  expect(groups[0]?.places).toHaveLength(10);
  expect(groups[0]?.places.slice(0, 2)).toEqual(["mapRoles line 1", "mapRoles line 4"]);
});

test("errors come before notices, wherever they are", () => {
  const mapRoles = `${roleEntry(developers, ["system:masters"])}${path(1)}`;

  expect(summaryOf({ mapRoles }).groups.map(({ severity }) => severity)).toEqual(["error", "notice"]);
});

test("a key that is nearly a section is named by the key", () => {
  expect(summaryOf({ maproles: "[]" }).groups[0]?.places).toEqual(["maproles"]);
});

test("entries and bytes are counted as the API server counts them", () => {
  expect(summaryOf({ mapRoles: roleEntry(developers) })).toMatchObject({
    entries: 1,
    bytes: roleEntry(developers).length,
    groups: [],
    left: 0,
  });
});

test("other writers are named with their sections, we ourselves are not", () => {
  const writer = (manager: string, ...dataKeys: readonly string[]) => ({ manager, time: null, dataKeys });
  const writers = [writer("eks-access", "mapUsers"), writer("terraform", "mapRoles"), writer("kube-controller")];

  expect(summarize(parseDocument({}), writers).writers).toEqual([{ manager: "terraform", sections: ["mapRoles"] }]);
});
