import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { textOf } from "../../../sandbox/slack/message-content.ts";
import { AccessError } from "../../../src/access/access-error.ts";
import { engineerArn } from "../../builders/a-request.ts";
import { aSlackApp, type SlackApp } from "../a-slack-app.ts";

let app: SlackApp;

beforeEach(async () => {
  app = await aSlackApp();
});
afterEach(() => app.stop());

const asked = async () => (await app.ledger.ofRequester("U0ENGINEER", 10)).map(({ reason }) => reason);

describe("what Slack sends again", () => {
  test("is acknowledged, and done once", async () => {
    await app.say("U0ENGINEER", `request staging ${engineerArn} viewer for 1h only once`);

    const again = await app.slack.redeliver();
    await app.say("U0ENGINEER", `request staging ${engineerArn} viewer for 1h another one`);

    expect(again).toMatchObject({ status: 200 });
    expect(await asked()).toEqual(expect.arrayContaining(["only once", "another one"]));
    expect(await asked()).toHaveLength(2);
  });

  test("signed again in a later second, is recognised by its id", async () => {
    await app.say("U0ENGINEER", `request staging ${engineerArn} viewer for 1h only once`);
    app.pass(60);

    const again = await app.slack.redeliver();

    expect(again).toMatchObject({ status: 200 });
    expect(await asked()).toEqual(["only once"]);
  });
});

describe("a request that comes again, and is no retry of Slack,", () => {
  const attempts = async () =>
    (await app.ledger.events(1, 10)).flatMap(({ event }) => (event.type === "attempt.refused" ? [event] : []));

  test.each([
    ["in the same second, at the door", 0],
    ["signed anew, by its trigger", 60],
  ])("%s, is in the audit log: whose it was, and from where, not who sent it", async (_name, seconds) => {
    await app.say("U0ENGINEER", `request staging ${engineerArn} viewer for 1h only once`);
    app.pass(seconds);

    await app.slack.redeliver();

    await expect.poll(attempts).toMatchObject([
      {
        actor: "slack",
        detail: { act: "replay", user: "U0ENGINEER", slack: { channel: "C0ACCESS", command: "/eks-access" } },
      },
    ]);
  });

  test("is there once, however often it comes", async () => {
    await app.say("U0ENGINEER", `request staging ${engineerArn} viewer for 1h only once`);

    for (let time = 0; time < 5; time += 1) await app.slack.redeliver();

    await expect.poll(attempts).toHaveLength(1);
  });
});

test("a command with an earlier one's text is no retry: the answer names the waiting request, and after that one ends a new request begins", async () => {
  const line = `request staging ${engineerArn} viewer for 1h the same words`;

  await app.say("U0ENGINEER", line);
  const second = await app.say("U0ENGINEER", line);
  await app.say("U0ENGINEER", "cancel r-new1");
  await app.say("U0ENGINEER", line);

  expect(textOf(second)).toContain("Already requested: `r-new1` is waiting.");
  expect(await asked()).toEqual(["the same words", "the same words"]);
});

describe("while the ledger is down", () => {
  test.each(["help", "list", "status r-1", "cancel r-1", `request staging ${engineerArn} viewer why`])(
    "%s is acknowledged, with an honest answer",
    async (text) => {
      const gone = () => Promise.reject(new AccessError("ledger-unreachable", "Redis did not answer"));
      // Both of requests and of migrations.
      const silenced = (port: object): object =>
        Object.fromEntries(
          Object.entries(port).map(([key, part]) => [key, typeof part === "object" ? silenced(part) : gone]),
        );
      const down = await aSlackApp({ ledger: (ledger) => silenced(ledger) as typeof ledger });
      const person = down.person("U0ENGINEER");

      const ack = await person.command(`/eks-access ${text}`, "C0ACCESS");
      const answer = await down.slack.until(() => person.ephemerals().at(-1));
      await down.stop();

      expect(ack.status).toBe(200);
      expect(textOf(answer)).toMatch(text === "help" ? /gives you access/ : /I can't reach my records now/);
    },
  );
});
