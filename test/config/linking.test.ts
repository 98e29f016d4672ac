import { expect, test } from "vitest";
import { readConfig } from "../../src/config/config.ts";
import { configText } from "../builders/a-cluster.ts";

const linkingOf = (text: string) => {
  const reading = readConfig(`${configText}${text}`);
  return reading.type === "config" ? reading.config.linking : reading.problems;
};

test("links need no confirmation unless the file says so", () => {
  expect(linkingOf("")).toEqual({ mustBeConfirmed: false, administrators: [] });
});

test("links are confirmed by the administrators that the file names", () => {
  expect(linkingOf("administrators: [U0ADMIN]\nlinking: { confirm: administrator }\n")).toEqual({
    mustBeConfirmed: true,
    administrators: ["U0ADMIN"],
  });
});

test("a confirmation that nobody could give is told at the start", () => {
  expect(linkingOf("linking: { confirm: administrator }\n")).toEqual([
    "administrators: name at least one; linking.confirm needs an administrator besides the person who links.",
  ]);
});

test("an administrator is a person, named by the id", () => {
  expect(linkingOf("administrators: [S0GROUP]\n")).toEqual([
    "administrators[0]: use a Slack user id, for example U012ABCDEF (not a name).",
  ]);
});
