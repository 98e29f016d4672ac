import { expect, test } from "vitest";
import { lengthOfText, longestText, problemsOf } from "../../../sandbox/slack/block-limits.ts";
import type { AccessRequest } from "../../../src/access/record.ts";
import { approvalMessage } from "../../../src/slack/decide/approval-message.ts";
import { deletedMessageMilestone, lostChannelMilestones, tooFewMilestone } from "../../../src/slack/show/messenger.ts";
import { anApprovedRequest, aPreviewedRequest } from "../../builders/a-request.ts";
import { longestStates } from "../../builders/longest-states.ts";
import { textOfBlocks } from "./text-of-blocks.ts";

const people = Array.from({ length: 50 }, (_, index) => `U0PERSON${index}`);
const shown = { version: 1, message: null, copies: [], direct: null, milestones: [] };
const copies = people.slice(0, 20).map((user) => ({ user, channel: "D0", ts: "1.2" }));

const milestonesOf = (request: AccessRequest, why: string) => [
  ...lostChannelMilestones(request, why, shown),
  ...lostChannelMilestones(request, why, { ...shown, copies }),
  deletedMessageMilestone(request, "1.2"),
  tooFewMilestone(request, { present: people, departed: people }),
];

test.each([
  ["waits for a decision", aPreviewedRequest()],
  ["is decided", anApprovedRequest()],
])("what a requester reads of the way to the approvers of a request that %s", (_, request) => {
  const texts = milestonesOf(request, "Slack answers is_archived.").map(({ message }) => textOfBlocks(message));

  expect(texts.join("\n\n").replaceAll(/(<@U0PERSON\d+>, ){3,}/g, "…, ")).toMatchSnapshot();
});

test.each(Object.entries(longestStates))("Slack takes all of it: %s", (_, request) => {
  for (const { message } of milestonesOf(request, "<&".repeat(5_000))) {
    expect(problemsOf(message.blocks)).toEqual([]);
    expect(message.text.length).toBeLessThan(40_000);
  }
});

test.each(Object.entries(longestStates))(
  "Slack takes the channel's message with all who have left: %s",
  (_, request) => {
    const { blocks } = approvalMessage(request, undefined, { present: people, departed: people });

    expect(problemsOf(blocks)).toEqual([]);
    if (request.state === "pending") expect(lengthOfText(blocks)).toBeLessThan(longestText);
  },
);
