import { describe, expect, it } from "vitest";
import { readRequest } from "../../../src/access/ask/read-request.ts";
import { bare, splitRequestLine } from "../../../src/access/ask/request-line.ts";
import { aCluster, aLevel, clustersOf } from "../../builders/a-cluster.ts";
import { cpuTimeOf } from "../../cpu-time.ts";

const arn = "arn:aws:iam::111122223333:role/developers";
const ticket = { need: "optional", pattern: "OPS-[0-9]+" } as const;
const clusters = clustersOf(
  aCluster({ ticket }),
  aCluster({ name: "production" }),
  aCluster({ name: "ops-7", ticket: { need: "optional", pattern: "ops-[0-9]+" } }),
);
const nothing = {
  cluster: "",
  principal: "",
  level: "",
  namespaces: "",
  duration: null,
  ticket: null,
  for: null,
  reason: "",
};
const bob = { name: "@bob", user: null, isAtEnd: false };
const staging = { ...nothing, cluster: "staging", level: "viewer" };

describe("namespaces in a line", () => {
  const level = aLevel({ name: "editor", groups: ["ClusterRole edit in ?"] });
  const choosing = clustersOf(aCluster({ levels: [level, aLevel()] }));
  const editor = { ...nothing, cluster: "staging", level: "editor" };

  it.each([
    ["staging editor in shop fix it", { ...editor, namespaces: "shop", reason: "fix it" }],
    [
      "staging editor in shop,payments 2h fix",
      { ...editor, namespaces: "shop,payments", duration: "2h", reason: "fix" },
    ],
    [
      "staging editor for 2h in shop, payments fix",
      { ...editor, namespaces: "shop, payments", duration: "2h", reason: "fix" },
    ],
    ["staging editor in namespace shop fix", { ...editor, namespaces: "shop", reason: "fix" }],
    ["staging editor in `shop` fix", { ...editor, namespaces: "shop", reason: "fix" }],
    ["staging editor in shop and payments fix", { ...editor, namespaces: "<namespaces>", reason: "fix" }],
    ["staging viewer in a hurry", { ...editor, level: "viewer", reason: "in a hurry" }],
  ])("%s", (line, parts) => {
    expect(splitRequestLine(line, choosing)).toEqual(parts);
  });

  it.each(["in the shop namespace fix", "in shop and fix it"])("%s: a word of the sentence is none", (rest) => {
    const reading = readRequest(splitRequestLine(`staging ${arn} editor ${rest}`, choosing), choosing);

    expect(reading).toMatchObject({ mistakes: [{ part: "namespaces" }] });
  });

  it("can have the name of such a word in a form", () => {
    const parts = splitRequestLine(`staging ${arn} editor in shop fix`, choosing);
    const form = { ...parts, namespaces: "the,and" };

    expect(readRequest(form, choosing)).toMatchObject({ requested: { namespaces: "and,the" } });
  });
});

describe("a request in one line", () => {
  it.each([
    ["staging viewer debug", { ...staging, reason: "debug" }],
    [`staging ${arn} viewer 2h look`, { ...staging, principal: arn, duration: "2h", reason: "look" }],
    ["staging viewer for 2 hours look at it", { ...staging, duration: "2 hours", reason: "look at it" }],
    ["staging viewer 90 min look", { ...staging, duration: "90 min", reason: "look" }],
    ["staging viewer 1d look", { ...staging, duration: "1d", reason: "look" }],
    ["staging viewer 1h 30m look", { ...staging, duration: "1h 30m", reason: "look" }],
    ["staging 2h viewer look", { ...staging, duration: "2h", reason: "look" }],
    [`viewer ${arn} staging look`, { ...staging, principal: arn, reason: "look" }],
    ["viewer in staging for 2h look", { ...staging, duration: "2h", reason: "look" }],
    ["staging | viewer | 2h — look", { ...staging, duration: "2h", reason: "look" }],
    [`staging "Arn": "${arn}", viewer look`, { ...staging, principal: arn, reason: "look" }],
    [`staging userarn=${arn} viewer look`, { ...staging, principal: arn, reason: "look" }],
    [`staging A${arn.slice(1)} viewer look`, { ...staging, principal: arn, reason: "look" }],
    ["staging viewer ticket: OPS-1 look", { ...staging, ticket: "OPS-1", reason: "look" }],
    [`${arn} staging for 1h viewer look`, { ...staging, principal: arn, duration: "1h", reason: "look" }],
    ["staging viewer look for 2h", { ...staging, duration: "2h", reason: "look" }],
    ["staging viewer look ticket OPS-1", { ...staging, ticket: "OPS-1", reason: "look" }],
    ["staging viewer look OPS-1", { ...staging, ticket: "OPS-1", reason: "look" }],
    ["staging viewer look for 2h ticket OPS-1", { ...staging, duration: "2h", ticket: "OPS-1", reason: "look" }],
    ["staging viewer look (OPS-1)", { ...staging, ticket: "OPS-1", reason: "look" }],
    ["staging viewer #OPS-1: look", { ...staging, ticket: "OPS-1", reason: "look" }],
    ["staging viewer look OPS-1.", { ...staging, ticket: "OPS-1", reason: "look" }],
    ["staging viewer look OPS-1 for 2h", { ...staging, duration: "2h", ticket: "OPS-1", reason: "look" }],
    ["staging viewer 2h it hangs for 3h", { ...staging, duration: "2h", reason: "it hangs for 3h" }],
    ["staging viewer for 1h for 2h look", { ...staging, duration: "1h for 2h", reason: "look" }],
    ["staging viewer 1h for @bob for 2h", { ...staging, duration: "1h for 2h", for: bob }],
    ["staging viewer 1h for the move", { ...staging, duration: "1h", reason: "for the move" }],
    ["staging viewer ticket OPS-1 for the move", { ...staging, ticket: "OPS-1", reason: "for the move" }],
    ["staging viewer 2h OPS-1 look", { ...staging, duration: "2h", ticket: "OPS-1", reason: "look" }],
    ["staging viewer OPS-1 2h look", { ...staging, duration: "2h", ticket: "OPS-1", reason: "look" }],
    ["OPS-1 staging viewer look", { ...staging, ticket: "OPS-1", reason: "look" }],
    ["staging viewer OPS-1 for the move", { ...staging, ticket: "OPS-1", reason: "for the move" }],
    ["staging viewer see OPS-1 about the move", { ...staging, ticket: "OPS-1", reason: "see about the move" }],
    ["staging viewer see ticket OPS-1 about it", { ...staging, ticket: "OPS-1", reason: "see about it" }],
    ["staging viewer OPS-1 or OPS-2", { ...staging, reason: "OPS-1 or OPS-2" }],
    ["staging viewer ticket OPS-1 not OPS-2", { ...staging, ticket: "OPS-1", reason: "not OPS-2" }],
    ["staging viewer ticket 12 not OPS-2", { ...staging, ticket: "12", reason: "not OPS-2" }],
    ["staging viewer OPS-1", { ...staging, ticket: "OPS-1" }],
    ["production viewer OPS-1 look", { ...staging, cluster: "production", reason: "OPS-1 look" }],
    ["ops-7 viewer ops-8 look", { ...staging, cluster: "ops-7", ticket: "ops-8", reason: "look" }],
    ["ops-7 viewer look", { ...staging, cluster: "ops-7", reason: "look" }],
    ["staging viewer permanent damage", { ...staging, reason: "permanent damage" }],
    ["staging viewr why", { ...nothing, cluster: "staging", level: "viewr", reason: "why" }],
    ["staging developers viewer why", { ...staging, principal: "developers", reason: "why" }],
    ["production viewer see ticket OPS-1", { ...staging, cluster: "production", reason: "see ticket OPS-1" }],
  ])("%s", (line, parts) => {
    expect(splitRequestLine(line, clusters)).toEqual(parts);
  });
});

it("reads a word of a hundred thousand signs at once", () => {
  const word = `${",".repeat(100_000)}x`;

  const took = cpuTimeOf(() => expect(bare(word)).toBe(word));

  expect(took).toBeLessThan(500);
});
