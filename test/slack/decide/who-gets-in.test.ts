import { describe, expect, test } from "vitest";
import type { AccessRequest } from "../../../src/access/record.ts";
import { approvalMessage } from "../../../src/slack/decide/approval-message.ts";
import { leaseWarnings } from "../../../src/slack/decide/settled-card.ts";
import { homeView } from "../../../src/slack/look/home-view.ts";
import { listAnswer } from "../../../src/slack/look/list.ts";
import { statusAnswer } from "../../../src/slack/look/status-answer.ts";
import { milestoneOf } from "../../../src/slack/show/requester-message.ts";
import { aCluster } from "../../builders/a-cluster.ts";
import {
  aLeasedRequest,
  anApprovedRequest,
  anEndProof,
  aPreviewedRequest,
  engineerArn,
} from "../../builders/a-request.ts";
import { anEmergency } from "../../builders/an-emergency.ts";
import { at } from "../../builders/times.ts";
import { textOfBlocks } from "../show/text-of-blocks.ts";

const role = "arn:aws:iam::111122223333:role/Developer";
const ssoRole = "arn:aws:iam::111122223333:role/AWSReservedSSO_Developer_0123456789abcdef";

const sentences: readonly [string, string][] = [
  [role, "Everyone who can assume `Developer` gets this."],
  [ssoRole, "Everyone with the permission set `Developer` in account `111122223333` gets this."],
  [engineerArn, "The IAM user `engineer` gets this."],
];

const none = { requests: [], total: 0 };
const homeWith = (toDecide: readonly AccessRequest[], access: readonly AccessRequest[]) =>
  textOfBlocks(
    homeView({
      user: "U0ENGINEER",
      identities: [engineerArn],
      looksUp: false,
      toDecide: { requests: toDecide, total: toDecide.length },
      migrationsToDecide: [],
      toReview: none,
      access: { requests: access, total: access.length },
      requests: none,
      migrations: [],
      clusterOf: () => aCluster(),
      isRepeatable: () => true,
      recent: none,
      decides: true,
      emergency: false,
    }),
  );

describe.each(sentences)("of %s", (principal, sentence) => {
  const waiting = aPreviewedRequest({ principal });

  test("the channel's message says who gets in, first under its title", () => {
    const [, second] = textOfBlocks(approvalMessage(waiting, aCluster())).split("\n");

    expect(second).toBe(sentence);
  });

  test("the channel's message about emergency access says it first under its title, too", () => {
    const [, second] = textOfBlocks(approvalMessage({ ...anEmergency(), principal }, aCluster())).split("\n");

    expect(second).toBe(sentence);
  });

  test.each<[string, AccessRequest]>([
    ["that waits", waiting],
    ["that was approved", anApprovedRequest({ principal })],
    ["that is active", aLeasedRequest({}, { principal })],
  ])("the requester of access %s reads it first under the title", (_, request) => {
    const [, second] = milestoneOf(request, aCluster())?.message.text.split("\n") ?? [];

    expect(second).toBe(sentence);
  });

  test("the status says it first under its title", () => {
    const [, second] = textOfBlocks(statusAnswer({ request: waiting, events: [], acts: [] })).split("\n");

    expect(second).toBe(sentence);
  });

  test("each row of a list says it first under its title", () => {
    const rows = [waiting, aLeasedRequest({}, { principal })].map((request) => ({ request, acts: [] }));
    const content = { view: { kind: "mine" as const }, offset: 0, total: 2, migrations: [], seesOthers: false };

    const lines = textOfBlocks(listAnswer({ ...content, rows })).split("\n");

    const titles = lines.flatMap((line, index) => (line.startsWith("*`") ? index : []));
    expect(titles.map((index) => lines[index + 1])).toEqual([sentence, sentence]);
  });

  test("App Home says it of what waits for a decision, and of what is held", () => {
    const [waits, held] = [homeWith([waiting], []), homeWith([], [aLeasedRequest({}, { principal })])];

    expect([waits, held].map((text) => text.includes(sentence))).toEqual([true, true]);
  });
});

test("the status of ended access does not say that a person gets it", () => {
  const over = aLeasedRequest({ state: "ended", endedAt: at(9).toISOString() }, { principal: role });

  const text = textOfBlocks(statusAnswer({ request: over, events: [], acts: [] }));

  expect(text).toContain("This request covered everyone who can assume `Developer`.");
  expect(text).not.toContain("gets this");
});

const lasts = "r-2 gives viewer until 2026-03-01T10:00:00.000Z";

test.each([
  [[], [], false],
  [["readers"], [], true],
  [["readers"], [lasts], false],
])(
  "a person who keeps a name with %j after the end keeps older access, if it is not that of %j: %s",
  (groups, others, isWarned) => {
    const endProof = anEndProof({ others });
    const lease = {
      state: "ended",
      endedAt: at(0).toISOString(),
      remains: { username: "dev", groups },
      endProof,
    } as const;
    const ended = aLeasedRequest(lease);

    expect(leaseWarnings(ended).includes("older access remains")).toBe(isWarned);
  },
);
