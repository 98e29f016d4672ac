import { describe, expect, test } from "vitest";
import { lengthOfText, longestText, problemsOf } from "../../../sandbox/slack/block-limits.ts";
import { readRequest } from "../../../src/access/ask/read-request.ts";
import { splitRequestLine } from "../../../src/access/ask/request-line.ts";
import { mistakesAnswer } from "../../../src/slack/ask/request.ts";
import { requestedAnswer } from "../../../src/slack/ask/submit-request.ts";
import { failureAnswer, type Message } from "../../../src/slack/show/message.ts";
import { aCluster, clustersOf } from "../../builders/a-cluster.ts";
import { aRequest } from "../../builders/a-request.ts";
import { textOfBlocks } from "../show/text-of-blocks.ts";

function mistakesOf(line: string, clusters = clustersOf(aCluster())): Message {
  const reading = readRequest(splitRequestLine(line, clusters), clusters);
  if (reading.type === "requested") throw new Error("The line has no mistake.");
  return mistakesAnswer(reading);
}

function expectSlackTakes({ blocks, text }: Message): void {
  expect(problemsOf(blocks)).toEqual([]);
  expect(lengthOfText(blocks)).toBeLessThan(longestText);
  expect(text.length).toBeLessThan(40_000);
}

describe("a line with mistakes", () => {
  test("is answered with what was understood, each mistake and a line to copy", () => {
    const answer = mistakesOf("stagin arn:aws:iam::111122223333:role/developers viewer for 9h why");

    expect(textOfBlocks(answer)).toBe(
      [
        'No request made. Understood: principal `arn:aws:iam::111122223333:role/developers`, level viewer, reason "why"',
        "✗ *cluster*: There is no cluster stagin. Clusters: staging.",
        "✗ *duration*: viewer lasts at most 8h.",
        "Copy this line:",
        "```/eks-access request staging arn:aws:iam::111122223333:role/developers viewer for 8h why```",
        "[Run request]",
      ].join("\n"),
    );
  });

  test.each([
    ["a placeholder", "stagin viewer why", "request staging"],
    ["no known cluster", "x viewer why", "request"],
    ["a person", "stagin arn:aws:iam::111122223333:role/developers viewer for @bob why", "request staging"],
  ])("with %s is there to copy, and a button opens the form", (_, line, form) => {
    const answer = mistakesOf(line);

    expect(textOfBlocks(answer)).toMatch(/```\/eks-access request .*```\n\[Ask for access\]$/);
    expect(JSON.stringify(answer.blocks)).toContain(`"value":"${form}"`);
  });

  test("of thousands of characters is answered with something that Slack takes", () => {
    const long = "<&".repeat(2_000);
    const many = clustersOf(
      ...Array.from({ length: 300 }, (_, index) => aCluster({ name: `c-${index}-${"x".repeat(50)}` })),
    );

    expectSlackTakes(mistakesOf(`${long} ${long} ${long} for ${long} ${long}`, many));
  });

  test("keeps the whole line to copy where the reason is as long as it may be", () => {
    const reason = "&".repeat(500);

    const answer = mistakesOf(`stagin arn:aws:iam::111122223333:role/developers viewer ${reason}`);

    expect(textOfBlocks(answer)).toContain(`viewer ${reason}\`\`\``);
  });
});

test("the answer to a recorded request says only that it is recorded, with everything understood", () => {
  expect(requestedAnswer(aRequest()).text).toBe(
    "Requested `viewer` on `staging` for 4h (`r-1`). I'll DM you.\nPrincipal: `arn:aws:iam::111122223333:user/engineer`. Reason: the deployment of checkout hangs",
  );
});

test("Slack takes a failure of any length", () => {
  expectSlackTakes(failureAnswer("&".repeat(10_000)));
});
