import { describe, expect, test } from "vitest";
import { lengthOfText, longestText, problemsOf } from "../../../sandbox/slack/block-limits.ts";
import type { AccessRequest } from "../../../src/access/record.ts";
import { approvalMessage, openingMessage } from "../../../src/slack/decide/approval-message.ts";
import { leaseWarnings } from "../../../src/slack/decide/settled-card.ts";
import { homeView } from "../../../src/slack/look/home-view.ts";
import { listAnswer } from "../../../src/slack/look/list.ts";
import { statusAnswer } from "../../../src/slack/look/status-answer.ts";
import { migrationMessage } from "../../../src/slack/migrate/migration-card.ts";
import { migrationThreadOf } from "../../../src/slack/migrate/migration-words.ts";
import type { Message } from "../../../src/slack/show/message.ts";
import { milestoneOf } from "../../../src/slack/show/requester-message.ts";
import { threadMessage, threadOf } from "../../../src/slack/show/thread.ts";
import { beginRescue } from "../../../src/worker/rescue/rescue.ts";
import { aCluster } from "../../builders/a-cluster.ts";
import { aPlannedMigration } from "../../builders/a-migration.ts";
import {
  aDecision,
  aLease,
  aLeasedRequest,
  anApprovedRequest,
  anEndProof,
  aPreview,
  aPreviewedRequest,
  aProof,
  changed,
  engineerArn,
} from "../../builders/a-request.ts";
import { aTrouble } from "../../builders/a-trouble.ts";
import { anEmergency } from "../../builders/an-emergency.ts";
import {
  cardCluster as cluster,
  clusterAdmin,
  everyWarning,
  kinds,
  longest,
  openCards,
  reason,
  role,
  settledCards,
} from "../../builders/cards.ts";
import { longestStates } from "../../builders/longest-states.ts";
import { states } from "../../builders/states.ts";
import { at, hours } from "../../builders/times.ts";
import { textOfBlocks } from "../show/text-of-blocks.ts";
import { renderedLines } from "./rendered-lines.ts";

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

  expect(text).toMatch(/^:warning: \*Access lost\*\n.*\n>the entry of `engineer` is gone…/);
});

test("what nothing seals is a quote in card and thread: who writes it into Redis does not speak as the bot", () => {
  const message = "All is well. Send your keys to @mallory.";
  const trouble = aTrouble({ code: "document-changed", message });
  const lost = aLeasedRequest({ state: "active", drift: { at: trouble.at, message } });
  const failure = { code: "unexpected", message };
  const requests = [
    ...[lost, { ...aPreviewedRequest(), trouble }, aPreviewedRequest({ state: "refused", refusal: failure })],
    aLeasedRequest({ state: "failed", failure }),
  ];
  const migrations = [
    aPlannedMigration({ trouble }),
    aPlannedMigration({ state: "refused", refusal: failure }),
  ] as const;
  const voided = { by: ["U0APPROVER"], message };
  const dropped = [{ by: "U0APPROVER2", at: trouble.at, why: message }];
  const doubted = aPreviewedRequest({ voided, dropped });

  const messages = [
    ...requests.map((request) => approvalMessage(request, aCluster())),
    ...requests.map((request) => threadMessage(threadOf(request, [], aCluster()))),
    ...migrations.map((each) => migrationMessage(each)),
    threadMessage(migrationThreadOf(migrations[0], aCluster())),
    threadMessage(threadOf(doubted, [], aCluster())),
  ];

  for (const { text, blocks } of messages) {
    expect(text).toContain("All is well");
    expect(text.replaceAll(/“[^”]*”/g, "")).not.toContain("All is well");
    expect(textOfBlocks({ blocks }).replaceAll(/^>.*$|“[^”]*”/gm, "")).not.toContain("All is well");
  }
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
    `<@U0ONCALL> took emergency control of \`staging\` to rescue it (no approval)*\nSlack name unverified. AWS says: \`${as}\`\nEveryone who can assume \`rescuer\``,
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
  expect(text).toMatch(/\*Access lost\*\n.*\n>the entry is gone/);
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

const lease = (id: string, end: number, group = "viewers") => ({
  id,
  groups: [group],
  endsAt: at(hours(end)).toISOString(),
});

/** The lines of a card's text, and the rows of its buttons. */
function sizeOf({ blocks }: Message): { readonly text: number; readonly all: number } {
  const texts = blocks.filter(({ type }) => type !== "actions");
  return { text: renderedLines(texts), all: renderedLines(blocks) };
}

/** Each card of a group, with how many lines one of them may have. */
const rowsOf = <Group extends string>(
  groups: Readonly<Record<Group, Readonly<Record<string, Message>>>>,
  most: Readonly<Record<Group, number>>,
) =>
  (Object.keys(groups) as Group[]).flatMap((group) =>
    Object.entries(groups[group]).map(([name, card]) => [group, name, card, most[group]] as const),
  );

describe("on a phone", () => {
  // The longest names that the configuration and AWS allow take up to ten lines alone.
  test.each(rowsOf(openCards, { usual: 12, long: 12, longest: 18 }))(
    "the whole card has no line too many while it waits, with %s names: %s",
    (_, __, card, most) => {
      expect(sizeOf(card).all, textOfBlocks(card)).toBeLessThanOrEqual(most);
      expect(problemsOf(card.blocks)).toEqual([]);
    },
  );

  // Long names come on top.
  test.each(rowsOf(settledCards, { usual: 3, namespaces: 3, longest: 6 }))(
    "after the decision few lines and the buttons are left, with %s names: %s",
    (_, __, card, most) => {
      expect(sizeOf(card).text, textOfBlocks(card)).toBeLessThanOrEqual(most);
      expect(card.blocks.filter(({ type }) => type === "actions")).toEqual([card.blocks.at(-1)]);
      expect(problemsOf(card.blocks)).toEqual([]);
    },
  );

  test("no card cuts the name of a level or a cluster, or who gets in", () => {
    const { level = "", cluster: name = "", principal = "" } = longest;
    const asked = changed(aPreviewedRequest({ preview: aPreview({ warnings: everyWarning }) }), longest);
    const [open, settled] = [asked, changed(anApprovedRequest(), longest)].map((each) =>
      textOfBlocks(approvalMessage(each, cluster)),
    );

    expect(open).toContain(`\`${level}\` on \`${name}\` in 10 namespaces`);
    expect(open).toContain(`Only \`${principal.slice(principal.lastIndexOf("/") + 1)}\``);
    expect(settled).toContain(`\`${level}\` on \`${name}\`\n>10 namespaces: `);
  });

  test("a decided card keeps its reason, however many namespaces it has", () => {
    const namespaces = "checkout,payments,shop-frontend-europe";

    const text = textOfBlocks(approvalMessage(aLeasedRequest({ state: "active" }, { namespaces, reason }), cluster));

    expect(text).toContain("`staging`\n>3 namespaces: The rollout of the");
  });

  test("an end that waits because an unanswered call can still arrive does not fail", () => {
    const request = aLeasedRequest({ state: "active" }, { trouble: aTrouble({ code: "access-entry-late" }) });

    const [, , last = ""] = textOfBlocks(approvalMessage(request, cluster)).split("\n");

    expect(last).toMatch(/^:warning: waiting; next try </);
  });

  test("what needs attention has the place of the reason, the gravest first, and a notification has all of it", () => {
    const proof = aProof({ signedIn: { result: "no", detail: "refused" } });
    const request = aLeasedRequest({ proof }, { principal: role, reason, trouble: aTrouble() });

    const message = approvalMessage(request, cluster);

    expect(textOfBlocks(message).split("\n")[2]).toBe(":warning: failing; 2 more in Details");
    expect(message.text).toContain("Warnings: failing, not signed in, everyone with the role gets in\n");
    expect(message.text).toContain("Everyone who can assume `platform-engineering-oncall` gets this.\n");
    expect(message.text).toContain("I can't work on `staging` now. Tried once; next try");
    expect(message.text).toContain(reason);
  });
});

test("calls an administrator by RBAC full control, and asks for a confirmation", () => {
  const request = aPreviewedRequest({ groups: ["a"], preview: aPreview({ rights: clusterAdmin }) });

  const message = approvalMessage(request, cluster);

  expect(textOfBlocks(message)).toContain("*Warnings*: full control");
  expect(JSON.stringify(message.blocks)).toContain("This gives full control of staging.");
});

test("says what a level gives in every namespace, however much it gives in the chosen ones", () => {
  const view = { group: "a", role: "ClusterRole view", where: "in every namespace", allows: "read pods, pods/log" };
  const edit = {
    group: "a",
    role: "ClusterRole edit",
    where: "in default",
    allows: "read and change secrets, pods/exec",
  };
  const rights = [edit, view];
  const textWith = (warnings: readonly string[], names = {}) => {
    const request = aPreviewedRequest({ groups: ["a"], preview: aPreview({ rights, warnings }) });
    return textOfBlocks(approvalMessage(changed(request, names), cluster));
  };

  expect(textWith([])).toContain("\nAllows in default: read and change secrets, …; in every namespace: read pods, …\n");
  expect(textWith(everyWarning, longest)).toMatch(/^Allows in every namespace: read .*$/m);
});

test("says what a level gives in chosen namespaces, however long their names are", () => {
  const namespaces = "payments-and-settlements-eu-central-1,shop";
  const rights = [
    { group: "a", role: "ClusterRole view", where: `in ${namespaces.replace(",", ", ")}`, allows: "read pods" },
  ];

  const { blocks, text } = approvalMessage(aPreviewedRequest({ namespaces, preview: aPreview({ rights }) }), cluster);

  expect(textOfBlocks({ blocks })).toContain("in 2 namespaces*");
  expect(textOfBlocks({ blocks })).toContain("\nAllows there: read pods\n");
  expect(text).toContain("Allows in payments-and-settlements-eu-central-1, shop: read pods");
});

test("each thing at which an approver must stop has its word on the card", () => {
  const request = aPreviewedRequest({
    ...kinds["of everything at once"],
    voided: { by: ["U0APPROVER"], message: "x" },
  });

  const text = textOfBlocks(approvalMessage(request, cluster));

  expect(text).toContain(
    "*Warnings*: full control, no end date, shared role, other leases, an approval no longer counts, first time, not own identity",
  );
});

test.each<[string, number, boolean, ...{ id: string; groups: string[]; endsAt: string }[]]>([
  ["the lease that it extends, and an earlier one of it", 9, false, lease("r-a", 2), lease("r-b", 5)],
  ["one that gives more", 9, true, lease("r-a", 2), lease("r-c", 2, "admins")],
  ["one that lasts longer", 4, true, lease("r-a", 2), lease("r-c", 5)],
])(
  "the card of an extension counts as other leases what the extension does not give: %s",
  (_, end, warns, ...leases) => {
    const request = aPreviewedRequest({
      groups: ["viewers"],
      extends: "r-a",
      until: at(hours(end)).toISOString(),
      preview: aPreview({ leases, diff: "" }),
    });

    expect(textOfBlocks(approvalMessage(request, cluster)).includes("other leases")).toBe(warns);
  },
);

test("a warning that has no word is shown by its first words", () => {
  const preview = aPreview({ warnings: ["`x: y` is strange in many ways that take a long sentence to explain"] });

  const text = textOfBlocks(approvalMessage(aPreviewedRequest({ preview }), cluster));

  expect(text).toContain("*Warnings*: `x: y` is strange in many ways that take a");
});

const developer = "arn:aws:iam::111122223333:role/Developer";
const ssoRole = "arn:aws:iam::111122223333:role/AWSReservedSSO_Developer_0123456789abcdef";

const sentences: readonly [string, string][] = [
  [developer, "Everyone who can assume `Developer` gets this."],
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
  const over = aLeasedRequest({ state: "ended", endedAt: at(9).toISOString() }, { principal: developer });

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

test.each([true, false])("the card warns of a revocation that the cluster may not remember: %s", (isForgotten) => {
  const ended = aLeasedRequest({ state: "ended", endedAt: at(9).toISOString(), isForgotten });

  const text = textOfBlocks(approvalMessage(ended, aCluster()));

  expect(text.includes(":warning: the cluster may have no record of this")).toBe(isForgotten);
});
