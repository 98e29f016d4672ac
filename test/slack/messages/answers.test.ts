import { describe, expect, test } from "vitest";
import { readRequest, splitRequestLine } from "../../../src/request/request-line.ts";
import { lengthOfText, longestText, problemsOf } from "../../../src/sandbox/slack/block-limits.ts";
import {
  failureAnswer,
  mistakesAnswer,
  notYoursToExtendAnswer,
  requestedAnswer,
  whoAmIAnswer,
} from "../../../src/slack/messages/answers.ts";
import type { Message } from "../../../src/slack/messages/message.ts";
import { aCluster, clustersOf } from "../../builders/a-cluster.ts";
import { aGrantedRequest, aRequest } from "../../builders/a-request.ts";
import { at } from "../../builders/times.ts";
import { textOfBlocks } from "./text-of-blocks.ts";

const worker = {
  arn: "arn:aws:sts::111122223333:assumed-role/eks-access-worker/0",
  account: "111122223333",
  at: at(0).toISOString(),
};

function mistakesOf(line: string, clusters = clustersOf(aCluster())): Message {
  const reading = readRequest(splitRequestLine(line), clusters);
  if (reading.type === "wish") throw new Error("The line has no mistake.");
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

    expect(textOfBlocks(answer).replaceAll("\u200b", "")).toBe(
      [
        'Nothing was requested. Understood: principal `arn:aws:iam::111122223333:role/developers`, level viewer, reason "why"',
        "✗ *cluster*: There is no cluster stagin. Clusters: staging.",
        "✗ *duration*: viewer can be had for at most 8h.",
        "Copy this line:",
        "```/eks-access request staging arn:aws:iam::111122223333:role/developers viewer for 8h why```",
      ].join("\n"),
    );
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

    expect(textOfBlocks(answer)).toContain(`viewer ${"&amp;".repeat(500)}\`\`\``);
  });
});

describe("whoami", () => {
  test("tells the person, the linked principal, what is active and who the worker is", () => {
    const requests = [aGrantedRequest({ state: "active" }), aRequest({ id: "r-2" })];
    const principal = "arn:aws:iam::111122223333:user/engineer";

    const answer = whoAmIAnswer({ user: "U0ENGINEER", principal, requests, worker, workerAnswered: true });

    expect(textOfBlocks(answer)).toMatchInlineSnapshot(`
      "*You* <@U0ENGINEER> (\`U0ENGINEER\`)
      *Linked principal* \`arn:aws:iam::111122223333:user/engineer\`
      *Your active access*
      • \`viewer\` on \`staging\` (\`r-1\`): Approved by <@U0APPROVER> <!date^1772355720^{date_short_pretty} {time}|2026-03-01T09:02:00.000Z>. *Active* until <!date^1772370120^{date_short_pretty} {time}|2026-03-01T13:02:00.000Z>
      *The worker* ✓ AWS says: \`arn:aws:sts::111122223333:assumed-role/eks-access-worker/0\` in account \`111122223333\`"
    `);
  });

  test("says what is missing, and that nobody is there", () => {
    const answer = whoAmIAnswer({
      user: "U0ENGINEER",
      principal: null,
      requests: [],
      worker: null,
      workerAnswered: false,
    });

    expect(textOfBlocks(answer)).toMatchInlineSnapshot(`
      "*You* <@U0ENGINEER> (\`U0ENGINEER\`)
      *Linked principal* none yet; your first request links the principal that it names
      *Your active access* none
      *The worker* ✗ no worker has ever answered. Check that one runs and that it has AWS credentials."
    `);
  });

  test("does not pass an old answer of the worker for a new one", () => {
    const answer = whoAmIAnswer({ user: "U0ENGINEER", principal: null, requests: [], worker, workerAnswered: false });

    expect(textOfBlocks(answer)).toContain("✗ no worker answered just now. Last seen");
  });
});

test("whoever may not extend a grant is told who may", () => {
  expect(notYoursToExtendAnswer(aRequest()).text).toBe("Only <@U0ENGINEER> can ask to extend `r-1`.");
});

test("a request that was recorded is told as no more than that", () => {
  expect(requestedAnswer(aRequest()).text).toBe(
    "Request `r-1` is recorded: `viewer` on `staging` for `arn:aws:iam::111122223333:user/engineer`. The worker looks at the cluster first, then the approvers are asked.",
  );
});

test("Slack takes a failure of any length", () => {
  expectSlackTakes(failureAnswer("&".repeat(10_000)));
});
