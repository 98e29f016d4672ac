import { describe, expect, test } from "vitest";
import { lengthOfText, longestText, problemsOf } from "../../../sandbox/slack/block-limits.ts";
import { approvalMessage, openingMessage } from "../../../src/slack/decide/approval-message.ts";
import { statusAnswer } from "../../../src/slack/look/status-answer.ts";
import { beginRescue } from "../../../src/worker/rescue/rescue.ts";
import { aCluster } from "../../builders/a-cluster.ts";
import { aDecision, aLease, aLeasedRequest, aPreviewedRequest, engineerArn } from "../../builders/a-request.ts";
import { anEmergency } from "../../builders/an-emergency.ts";
import { longestStates } from "../../builders/longest-states.ts";
import { states } from "../../builders/states.ts";
import { at } from "../../builders/times.ts";
import { textOfBlocks } from "../show/text-of-blocks.ts";

test.each(Object.entries(states))("the channel reads of a request that is %s", (_, request) => {
  const message = approvalMessage(request, aCluster());

  expect(`${message.text}\n\n${textOfBlocks(message)}`).toMatchSnapshot();
});

test.each(Object.entries({ ...states, ...longestStates }))(
  "Slack takes the message of a request that is %s",
  (_, request) => {
    const message = approvalMessage(request, aCluster());

    expect(problemsOf(message.blocks)).toEqual([]);
    expect(lengthOfText(message.blocks)).toBeLessThan(longestText);
    expect(message.text.length).toBeLessThan(4_000);
  },
);

test.each(["ended", "revoked", "broken glass, reviewed"] as const)("a card says its whole state: %s", (name) => {
  const request = states[name] ?? expect.fail(`there is no state ${name}`);

  expect(textOfBlocks(approvalMessage(request, aCluster()))).not.toContain("…");
});

test("a denied card has the whole answer in place of what was asked", () => {
  const why = "use the runbook of on-call, the autoscaler replaces it";
  const request = aPreviewedRequest({ state: "denied", denial: aDecision({ verdict: "denied", why }) });

  const text = textOfBlocks(approvalMessage(request, aCluster()));

  expect(text).toContain(
    ":no_entry: *Denied by <@U0APPROVER>*\n<@U0ENGINEER> `viewer` on `staging`\n>use the runbook of",
  );
  expect(text).not.toContain("the deployment of checkout hangs");
});

test("a card of lost access says what happened in place of what was asked", () => {
  const message = `the entry of ${engineerArn} is gone; a person with kubectl edit wrote mapUsers last`;
  const drift = { at: "2026-03-01T10:00:00.000Z", message };

  const text = textOfBlocks(approvalMessage(aLeasedRequest({ state: "active", drift }), aCluster()));

  expect(text).toMatch(/^:warning: \*Access lost\*\n.*\nthe entry of `engineer` is gone…/);
});

test("where both approvers must approve, the card names both", () => {
  const text = textOfBlocks(approvalMessage(aPreviewedRequest({ approvalsWanted: 2 }), aCluster()));

  expect(text).toContain("0 of 2 approvals. Waiting for <@U0APPROVER> and <@U0APPROVER2>");
});

test("the channel reads of a rescue what it is, and what is proved of it", () => {
  const order = { cluster: aCluster(), principalArn: "arn:aws:iam::111122223333:role/rescuer", by: "U0ONCALL" };
  const as = "arn:aws:sts::111122223333:assumed-role/operators/jane";
  const wish = { as, durationSeconds: 3600, reason: "nobody gets in", good: null, keeps: false };
  const request = beginRescue({ ...order, ...wish }, "r-1", { now: () => at(0) }, 3600);
  const gone = {
    ...request,
    lease: request.lease && aLease(request.lease, { state: "ended", endedAt: at(9).toISOString() }),
  };

  const text = textOfBlocks(approvalMessage(request, aCluster()));

  expect(problemsOf(approvalMessage(request, aCluster()).blocks)).toEqual([]);
  expect(text).toContain(
    `<@U0ONCALL> took emergency control of \`staging\` to rescue it (no approval)*\nThe Slack name is unverified. AWS says: \`${as}\`\nEveryone who can assume \`rescuer\``,
  );
  expect(text).toContain("*Needs review*");
  const active = { ...request, lease: request.lease && aLease(request.lease, { state: "active" }) };
  expect(textOfBlocks(approvalMessage(active, aCluster()))).toContain("[Mark reviewed] [Revoke] [Details]");
  expect(textOfBlocks(statusAnswer({ request, events: [], acts: [] }))).toContain(
    "*Access policy*\n`AmazonEKSClusterAdminPolicy`",
  );
  expect(textOfBlocks(statusAnswer({ request: gone, events: [], acts: [] }))).toContain("its access entry is deleted");
});

describe("the buttons", () => {
  test("carry the digest of the very change that is shown", () => {
    const request = aPreviewedRequest();

    const value = JSON.stringify({ request: request.id, digest: request.preview?.digest });

    expect(JSON.stringify(approvalMessage(request, aCluster()).blocks)).toContain(JSON.stringify(value));
  });

  test.each(Object.entries(states))("are there to decide only while a decision counts: %s", (_, request) => {
    const text = textOfBlocks(approvalMessage(request, aCluster()));

    expect(text.includes("[Approve] [Deny]")).toBe(request.state === "pending" && request.preview !== null);
  });
});

test.each(Object.entries(states))("the word active appears only where the proof was run: %s", (_, request) => {
  const isActive = request.lease?.state === "active" && !request.lease.end && !request.lease.drift;

  expect(textOfBlocks(approvalMessage(request, aCluster())).includes("*Active*")).toBe(isActive);
});

test("a proof is no longer shown once another person took the entry away", () => {
  const drift = { at: "2026-03-01T10:00:00.000Z", message: "the entry is gone" };

  const text = textOfBlocks(approvalMessage(aLeasedRequest({ state: "active", drift }), aCluster()));

  expect(text).not.toContain("*mapped*");
  expect(text).toMatch(/\*Access lost\*\n.*\nthe entry is gone/);
});

describe("the first post", () => {
  test("mentions who must act, in its text and on it: an update notifies no one", () => {
    const cluster = aCluster({ approvers: ["S0PLATFORM"] });

    const message = openingMessage(aPreviewedRequest(), cluster);

    expect(message.text).toBe(
      "<!subteam^S0PLATFORM>: <@U0ENGINEER> asks for `viewer` on `staging`: the deployment of checkout hangs",
    );
    expect(textOfBlocks(message)).toContain("\n<!subteam^S0PLATFORM>\n");
  });

  test("mentions no one who left or became a guest", () => {
    const presence = { present: ["U0APPROVER2"], departed: ["U0APPROVER"] };

    const { text } = openingMessage(aPreviewedRequest(), aCluster(), presence);

    expect(text).toMatch(/^<@U0APPROVER2>: /);
  });

  test("mentions ten people at the most, and never the requester", () => {
    const approvers = ["U0ENGINEER", ...Array.from({ length: 30 }, (_, index) => `U0PERSON${index}`)];

    const text = textOfBlocks(openingMessage(aPreviewedRequest(), aCluster({ approvers })));

    expect(text.match(/<@U0PERSON\d+>/g)).toHaveLength(10);
    expect(text).toContain("20 more");
    expect(text.match(/<@U0ENGINEER>/g)).toHaveLength(1);
  });

  test("of emergency access mentions the channel and the reviewers", () => {
    const text = textOfBlocks(openingMessage(anEmergency(), aCluster()));

    expect(text).toContain("<!channel> <@U0APPROVER>, <@U0APPROVER2>");
  });

  test.each(Object.entries({ ...states, ...longestStates }))("has no button, and Slack takes it: %s", (_, request) => {
    const message = openingMessage(request, aCluster());

    expect(problemsOf(message.blocks)).toEqual([]);
    expect(message.blocks.map(({ type }) => type)).not.toContain("actions");
    expect(message.text.length).toBeLessThan(4_000);
  });
});
