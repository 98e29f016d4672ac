import { describe, expect, test } from "vitest";
import { lengthOfText, longestText, problemsOf } from "../../../sandbox/slack/block-limits.ts";
import { approvalMessage } from "../../../src/slack/decide/approval-message.ts";
import { beginRescue } from "../../../src/worker/rescue/rescue.ts";
import { aCluster } from "../../builders/a-cluster.ts";
import { aGrantedRequest, aLease, aPreview, aPreviewedRequest } from "../../builders/a-request.ts";
import { longestStates } from "../../builders/longest-states.ts";
import { states } from "../../builders/states.ts";
import { at } from "../../builders/times.ts";
import { textOfBlocks } from "../blocks/text-of-blocks.ts";

test.each(Object.entries(states))("the channel reads of a request that is %s", (_, request) => {
  const message = approvalMessage(request);

  expect(`${message.text}\n\n${textOfBlocks(message)}`).toMatchSnapshot();
});

test.each(Object.entries({ ...states, ...longestStates }))(
  "Slack takes the message of a request that is %s",
  (_, request) => {
    const message = approvalMessage(request);

    expect(problemsOf(message.blocks)).toEqual([]);
    expect(lengthOfText(message.blocks)).toBeLessThan(longestText);
    expect(message.text.length).toBeLessThan(4_000);
  },
);

test("the channel reads of a rescue what it is, and what is proved of it", () => {
  const order = { cluster: aCluster(), principalArn: "arn:aws:iam::111122223333:role/rescuer", by: "U0ONCALL" };
  const as = "arn:aws:sts::111122223333:assumed-role/operators/jane";
  const wish = { as, durationSeconds: 3600, reason: "nobody gets in", good: null, keeps: false };
  const request = beginRescue({ ...order, ...wish }, "r-1", { now: () => at(0) }, 3600);
  const gone = {
    ...request,
    lease: request.lease && aLease(request.lease, { state: "ended", endedAt: at(9).toISOString() }),
  };

  const text = textOfBlocks(approvalMessage(request));

  expect(problemsOf(approvalMessage(request).blocks)).toEqual([]);
  expect(text).toContain(
    "<@U0ONCALL> took emergency control of `staging` to rescue it (no approval): `arn:aws:iam::111122223333:role/rescuer`",
  );
  expect(text).toContain(
    `The Slack name is unverified: the person at the terminal gave it. AWS identifies them as \`${as}\`.`,
  );
  expect(text).toContain("*Access policy*\n`AmazonEKSClusterAdminPolicy`");
  expect(text).toContain("*Needs review*");
  expect(textOfBlocks(approvalMessage(gone))).toContain("its access entry is deleted");
});

describe("the buttons", () => {
  test("carry the digest of the very change that is shown", () => {
    const request = aPreviewedRequest();

    const value = JSON.stringify({ request: request.id, digest: request.preview?.digest });

    expect(JSON.stringify(approvalMessage(request).blocks)).toContain(JSON.stringify(value));
  });

  test.each(Object.entries(states))("are there to decide only while a decision counts: %s", (_, request) => {
    const text = textOfBlocks(approvalMessage(request));

    expect(text.includes("[Approve] [Deny]")).toBe(request.state === "pending" && request.preview !== null);
  });
});

test.each(Object.entries(states))("the word active stands only where the proof was run: %s", (_, request) => {
  const isActive = request.lease?.state === "active" && !request.lease.end && !request.lease.drift;

  expect(textOfBlocks(approvalMessage(request)).includes("*Active*")).toBe(isActive);
});

test("an entry with hundreds of groups hides nothing of what the principal would be", () => {
  const groups = Array.from({ length: 300 }, (_, index) => `team-${index}`);
  const preview = aPreview({ today: { username: "dev", groups } });

  const text = textOfBlocks(approvalMessage(aPreviewedRequest({ preview })));

  expect(text).toContain("*After* `eks-access:111122223333:engineer` with `eks-access:viewers`");
  expect(text).toMatch(/\*Before\* `dev` with `team-0`.*, \d+ more\n/);
});

test("a change is told where it is made: in aws-auth, or in the access entry", () => {
  const told = (way: "aws-auth" | "access-entry") =>
    textOfBlocks(approvalMessage(aPreviewedRequest({ preview: aPreview({ way }) })));

  expect(told("aws-auth")).toContain("*Change to aws-auth*");
  expect(told("access-entry")).toContain("*Change to the access entry*");
});

test("a proof is no longer shown once somebody else took the entry away", () => {
  const drift = { at: "2026-03-01T10:00:00.000Z", message: "the entry is gone" };

  const text = textOfBlocks(approvalMessage(aGrantedRequest({ state: "active", drift })));

  expect(text).not.toContain("*mapped*");
  expect(text).toContain("*Access lost*: the entry is gone");
});
