import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { textOf } from "../../../sandbox/slack/message-content.ts";
import { commands } from "../../../src/slack/app/commands.ts";
import { configText } from "../../builders/a-cluster.ts";
import { aLeasedRequest, aPreviewedRequest, engineerArn } from "../../builders/a-request.ts";
import { aSlackApp, type SlackApp } from "../a-slack-app.ts";

const config = `${configText}
policy:
  rules: [{ name: everybody }]
  breakGlass: [{ who: [U0APPROVER], level: admin, for: 30m }]
`;
const arn = "arn:aws:iam::111122223333:role/another";

/** Everything that a person can do by a command, in the name of an approver. */
const acts: Readonly<Record<string, string>> = {
  request: `request staging ${engineerArn} viewer for 1h because`,
  approve: "approve r-others",
  deny: "deny r-others because",
  extend: "extend r-active 1h",
  revoke: "revoke r-active",
  cancel: "cancel r-own",
  "break-glass": `break-glass staging ${engineerArn} because`,
  reviewed: "reviewed r-others",
  link: `link ${arn}`,
};
/** These only show. */
const showing = [
  "list",
  "review",
  "migrate",
  "repair",
  "status",
  "whoami",
  "why",
  "clusters",
  "check",
  "creator",
  "help",
];

let app: SlackApp;

async function fill() {
  await app.put(aPreviewedRequest({ id: "r-others" }));
  await app.put(aPreviewedRequest({ id: "r-own", requester: "U0APPROVER" }));
  await app.put(aLeasedRequest({ state: "active" }, { id: "r-active" }));
}

test("no command is forgotten here", () => {
  expect([...Object.keys(acts), ...showing].toSorted()).toEqual(commands.map(({ word }) => word).toSorted());
});

describe("a person whose account is deactivated", () => {
  beforeAll(async () => {
    app = await aSlackApp({ config });
    await fill();
    app.slack.deactivate("U0APPROVER");
  });
  afterAll(() => app.stop());

  test.each(Object.entries(acts))("gets nothing by %s, learns why, and it is in the audit log", async (_word, line) => {
    const from = (await app.ledger.events(1, 1_000)).length + 1;

    const answer = await app.say("U0APPROVER", line);

    expect(textOf(answer)).toContain("You can't use eks-access: the Slack account is deactivated.");
    const events = (await app.ledger.events(from, 10)).map(({ event }) => event);
    expect(events.map(({ type }) => type)).toEqual([expect.stringMatching(/^(?:attempt|decision)\.refused$/)]);
    expect(events[0]).toMatchObject({
      actor: "U0APPROVER",
      detail: { code: "deactivated", slack: { channel: "C0ACCESS", command: "/eks-access" } },
    });
  });

  test.each(showing)("is shown nothing by %s", async (word) => {
    const answer = await app.say("U0APPROVER", word);

    expect(textOf(answer)).toMatch(/^:warning: You can't use eks-access: the Slack account is deactivated\. [^.]+\.$/);
  });

  test("gets nothing by a click, and the audit log says from which message", async () => {
    await app.put(aPreviewedRequest({ id: "r-clicked" }));
    const message = await app.show("r-clicked");

    const answer = await app.answered("U0APPROVER", () => app.person("U0APPROVER").click(message, "approve"));

    expect(textOf(answer)).toContain("the Slack account is deactivated");
    expect((await app.ledger.get("r-clicked"))?.state).toBe("pending");
    expect((await app.ledger.eventsOf("r-clicked", 10)).at(-1)?.event).toMatchObject({
      type: "decision.refused",
      detail: { code: "deactivated", verdict: "approved", slack: { channel: "C0ACCESS", message: message.ts } },
    });
  });
});

describe("a request of a person who has left since", () => {
  beforeEach(async () => {
    app = await aSlackApp({ config });
    await fill();
    app.slack.deactivate("U0ENGINEER");
    return () => app.stop();
  });

  test("can't be approved any more, and the attempt is in the audit log", async () => {
    const message = await app.show("r-others");

    const answer = await app.answered("U0APPROVER", () => app.person("U0APPROVER").click(message, "approve"));

    expect(textOf(answer)).toContain("<@U0ENGINEER>: the Slack account is deactivated. Deny the request");
    expect((await app.ledger.get("r-others"))?.state).toBe("pending");
    expect((await app.ledger.eventsOf("r-others", 10)).at(-1)?.event).toMatchObject({
      type: "decision.refused",
      actor: "U0APPROVER",
      detail: { code: "requester-deactivated" },
    });
  });

  test("can be denied", async () => {
    await app.say("U0APPROVER", "deny r-others because they have left");

    expect((await app.ledger.get("r-others"))?.state).toBe("denied");
  });
});

describe("while Slack can't say who is active", () => {
  beforeEach(async () => {
    app = await aSlackApp({ config });
    await fill();
    app.slack.faults.plan("slack.users.info", { type: "answer", status: 500 }, { times: 1_000 });
    return () => app.stop();
  });

  test.each(["approve", "break-glass", "reviewed", "link", "deny", "request"])(
    "%s is refused, with a sentence",
    async (word) => {
      const answer = await app.say("U0APPROVER", acts[word] ?? "");

      expect(textOf(answer)).toContain("Slack did not confirm the account");
      expect((await app.ledger.events(4, 10)).map(({ event }) => event.detail.code)).toEqual(["unconfirmed"]);
    },
  );

  test.each([
    ["revoke", "lease.ending"],
    ["cancel", "request.cancelled"],
  ])("%s goes on: it ends access", async (word, type) => {
    await app.say("U0APPROVER", acts[word] ?? "");

    expect((await app.ledger.events(4, 10)).map(({ event }) => event.type)).toEqual([type]);
  });
});

describe("a refused end, while Slack can't say who is active", () => {
  beforeEach(async () => {
    app = await aSlackApp({ config });
    await fill();
    return () => app.stop();
  });
  const silent = () => app.slack.faults.plan("slack.users.info", { type: "answer", status: 500 }, { times: 1_000 });

  test.each(["revoke r-active", "cancel r-others"])("names nobody: %s", async (line) => {
    silent();

    expect(textOf(await app.say("U0ONCALL", line))).toMatch(/^Only its requester[^<`]* can do this\.$/);
  });

  test("names nobody in the form of Revoke", async () => {
    const card = await app.show("r-active");
    silent();

    await app.person("U0ONCALL").click(card, "Revoke");

    const view = await app.slack.until(() => app.person("U0ONCALL").view());
    expect(textOf(view)).toBe("Revoke access\nOnly its requester, approvers and on-call can do this.");
  });
});

describe("attempts do not flood the audit log:", () => {
  const count = async () => (await app.ledger.events(1, 1_000)).length;

  beforeEach(async () => {
    app = await aSlackApp({ config });
    await fill();
    return () => app.stop();
  });

  test("the same one is there once in ten minutes", async () => {
    const before = await count();
    for (let time = 0; time < 4; time += 1) await app.say("U0ONCALL", "revoke r-active");
    const within = await count();
    app.pass(601);
    await app.say("U0ONCALL", "revoke r-active");

    expect([within - before, (await count()) - before]).toEqual([1, 2]);
  });

  test("of one person, thirty in ten minutes; others are reported too", async () => {
    for (let index = 0; index < 40; index += 1)
      await app.put(aLeasedRequest({ state: "active" }, { id: `r-many${index}` }));
    const before = await count();
    for (let index = 0; index < 40; index += 1) await app.say("U0ONCALL", `revoke r-many${index}`);
    await app.say("U0APPROVER", "revoke r-others");

    expect((await count()) - before).toBe(31);
  });

  test("a refused request is recorded once, and refused each time", async () => {
    const before = await count();
    const line = `break-glass staging ${engineerArn} because`;
    const first = await app.say("U0ONCALL", line);
    const second = await app.say("U0ONCALL", line);

    expect(textOf(second)).toBe(textOf(first));
    expect((await count()) - before).toBe(1);
  });
});
