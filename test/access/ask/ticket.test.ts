import { describe, expect, test } from "vitest";
import { readRequest } from "../../../src/access/ask/read-request.ts";
import { splitRequestLine } from "../../../src/access/ask/request-line.ts";
import { refuseTicket, type TicketRule } from "../../../src/access/ask/ticket.ts";
import { digestOfChange } from "../../../src/access/seals.ts";
import { aCluster, aLevel, clustersOf } from "../../builders/a-cluster.ts";
import { aRequest } from "../../builders/a-request.ts";

const arn = "arn:aws:iam::111122223333:user/engineer";
const ops: TicketRule = { need: "required", pattern: "OPS-[0-9]+" };

/** The reading of a line, in a cluster with this rule. */
function read(line: string, ticket: TicketRule) {
  const clusters = clustersOf(aCluster({ ticket }));
  return readRequest(splitRequestLine(`staging ${arn} viewer ${line}`, clusters), clusters);
}

describe("a ticket in the line", () => {
  test.each([
    ["stands before the reason", "ticket OPS-12 look at the logs", ops, "OPS-12", "look at the logs"],
    ["stands after the duration", "for 4h TICKET OPS-12 look at the logs", ops, "OPS-12", "look at the logs"],
    ["stands before the duration too", "ticket OPS-12 for 4h look at the logs", ops, "OPS-12", "look at the logs"],
    [
      "leaves a reason alone that begins with for",
      "ticket OPS-12 for the migration",
      ops,
      "OPS-12",
      "for the migration",
    ],
    [
      "may be left out where it is optional",
      "look at the logs",
      { ...ops, need: "optional" },
      null,
      "look at the logs",
    ],
    ["is any word without a pattern", "ticket #4711 why", { need: "required", pattern: null }, "#4711", "why"],
    [
      "is a word of the reason where none is wanted",
      "ticket OPS-12 says so",
      { ...ops, need: "none" },
      null,
      "ticket OPS-12 says so",
    ],
  ] as const)("%s", (_, line, rule, ticket, reason) => {
    expect(read(line, rule)).toMatchObject({ type: "requested", requested: { ticket, reason } });
  });

  test.each([
    ["missing", "look at the logs", "staging needs a ticket.", "viewer ticket <ticket> look at the logs"],
    ["a placeholder", "ticket <ticket> why", "staging needs a ticket.", "viewer ticket <ticket> why"],
    ["of another form", "ticket OPS-12x why", '"OPS-12x" is not of the form OPS-[0-9]+.', "viewer ticket <ticket> why"],
  ])("that is %s is a mistake, with a line to copy", (_, line, message, corrected) => {
    expect(read(line, ops)).toMatchObject({
      type: "mistakes",
      mistakes: [{ part: "ticket", message }],
      corrected: `/eks-access request staging ${arn} ${corrected}`,
    });
  });
});

describe("what is no ticket", () => {
  test.each([
    ["x".repeat(65), "65 characters; the limit is 64"],
    ["two words", "A ticket is one word"],
    ["xOPS-1", "is not of the form"],
    ["OPS-1\n", "A ticket is one word"],
  ])("%j", (ticket, sentence) => {
    expect(refuseTicket(ops, ticket)).toContain(sentence);
  });

  test("is refused in linear time, whatever the pattern repeats", () => {
    const rule: TicketRule = { need: "required", pattern: "([A-Z]+)+(([0-9]*)*-?)*" };

    expect(refuseTicket(rule, `${"A".repeat(31)}!${"A".repeat(31)}`)).toContain("is not of the form");
  });

  test("a pattern of alternatives means the whole of each", () => {
    const rule: TicketRule = { need: "required", pattern: "OPS-1|DEV-1" };

    expect(refuseTicket(rule, "DEV-1")).toBeNull();
    expect(refuseTicket(rule, "OPS-1x")).not.toBeNull();
  });
});

test("an approval is of one ticket, or of none", () => {
  const digest = (ticket: string | null) =>
    digestOfChange(aRequest({ ticket }), aCluster(), aLevel(), { base: null, way: "aws-auth", leases: [] });

  expect(new Set([digest(null), digest("OPS-1"), digest("OPS-2")]).size).toBe(3);
});
