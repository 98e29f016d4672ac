import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { textOf } from "../../../sandbox/slack/message-content.ts";
import { listButton } from "../../../src/slack/show/buttons.ts";
import { messageOf } from "../../../src/slack/show/message.ts";
import { actions, section } from "../../../src/slack/show/mrkdwn.ts";
import { configText } from "../../builders/a-cluster.ts";
import { aLeasedRequest, aPreviewedRequest } from "../../builders/a-request.ts";
import { at, minutes } from "../../builders/times.ts";
import { aClient } from "../../sandbox/slack/a-client.ts";
import { aSlackApp, type SlackApp } from "../a-slack-app.ts";

const production = `  production:
    eksName: production-eks
    region: eu-central-1
    account: "444455556666"
    creator:
      roleArn: arn:aws:iam::444455556666:role/cluster-creator
    channel: C0ACCESS
    approvers: [U0APPROVER2]
    onCall: [U0ONCALL]
    levels: [viewer]
`;

let app: SlackApp;

beforeAll(async () => {
  app = await aSlackApp({ config: configText.replace("levels:\n  viewer", `${production}levels:\n  viewer`) });
  for (let index = 0; index < 10; index += 1) {
    const createdAt = at(-minutes(index)).toISOString();
    await app.put(aPreviewedRequest({ id: `r-own${index}`, createdAt, reason: `own reason ${index}` }));
  }
  await app.put(aPreviewedRequest({ id: "r-other", requester: "U0STRANGER", reason: "somebody's secret" }));
  await app.put(aPreviewedRequest({ id: "r-prod", requester: "U0STRANGER", cluster: "production" }));
  const inForce = aLeasedRequest({}, { id: "r-force", requester: "U0STRANGER", cluster: "production" });
  await app.put(inForce);
});
afterAll(() => app.stop());

/** The ids of the rows, in order. */
const idsOf = (message: Parameters<typeof textOf>[0]) =>
  [...textOf(message).matchAll(/\(`(r-\w+)`\)/g)].map(([, id]) => id);

describe("list", () => {
  test("is one's own requests, the newest first, and turns its pages in place", async () => {
    const engineer = app.person("U0ENGINEER");

    const first = await app.say("U0ENGINEER", "list");
    await engineer.click(first, "list-next");
    const second = await app.slack.until(() => {
      const now = engineer.ephemerals().at(-1);
      return now && textOf(now).includes("9 to 10 of 10") ? now : undefined;
    });
    await engineer.click(second, "list-previous");
    const again = await app.slack.until(() => {
      const now = engineer.ephemerals().at(-1);
      return now && textOf(now).includes("1 to 8 of 10") ? now : undefined;
    });

    expect(idsOf(first)).toEqual([0, 1, 2, 3, 4, 5, 6, 7].map((index) => `r-own${index}`));
    expect(idsOf(second)).toEqual(["r-own8", "r-own9"]);
    expect(idsOf(again)).toEqual(idsOf(first));
    expect(second.ts).toBe(first.ts);
  });

  test("a button with a page far behind the last one shows the last one, without a look at each between", async () => {
    let looks = 0;
    const counting = await aSlackApp({
      ledger: (ledger) => ({
        ...ledger,
        list: (...of) => {
          looks += 1;
          return ledger.list(...of);
        },
      }),
    });
    for (let index = 0; index < 10; index += 1) await counting.put(aPreviewedRequest({ id: `r-own${index}` }));
    const button = listButton("next", "Next", { kind: "mine" }, 1_000_000);
    const { text, blocks } = messageOf([section("far"), actions("list", [button])]);
    await aClient(counting.slack).chat.postMessage({ channel: "C0ACCESS", text, blocks });
    const [far] = counting.slack.messages("C0ACCESS");

    await counting.person("U0ENGINEER").click(far ?? expect.unreachable(), "list-next");
    await counting.slack.until(() =>
      counting.slack.messages("C0ACCESS").find((now) => textOf(now).includes("9 to 10 of 10")),
    );
    await counting.stop();

    expect(looks).toBeLessThan(4);
  });

  test("pending is what waits in the clusters that one answers for, and one's own", async () => {
    const [approver, onCall, engineer] = [
      await app.say("U0APPROVER", "list pending"),
      await app.say("U0ONCALL", "list pending"),
      await app.say("U0ENGINEER", "list pending"),
    ];

    expect(textOf(approver)).toContain("1 to 8 of 11");
    expect(textOf(approver)).toContain("[Review]");
    expect(idsOf(onCall)).toEqual(["r-prod"]);
    expect(textOf(onCall)).not.toContain("[Review]");
    expect(textOf(engineer)).toContain("1 to 8 of 10");
    expect(textOf(engineer)).toContain("[Cancel]");
  });

  test("active has the button for the person who can revoke it", async () => {
    expect(textOf(await app.say("U0ONCALL", "list active"))).toContain("[Details] [Revoke]");
    expect(textOf(await app.say("U0APPROVER", "list active"))).toContain("ending soonest first: none");
  });

  test("of a cluster is all of it for the person who answers for it, and one's own for others", async () => {
    const all = await app.say("U0APPROVER", "list staging");
    const own = await app.say("U0ENGINEER", "list STAGING");
    const none = await app.say("U0APPROVER", "list production");

    expect(textOf(all)).toContain("of 11");
    expect(textOf(own)).toContain("of 10");
    expect(textOf(own)).not.toContain("somebody's secret");
    expect(textOf(none)).toContain("*Your requests for `production`*: none");
  });

  test("of something that there is not says what there is", async () => {
    expect(textOf(await app.say("U0ENGINEER", "list stagign"))).toContain("Did you mean `/eks-access list staging`?");
  });

  test("the help leads to the lists, and to the form", async () => {
    const engineer = app.person("U0ENGINEER");
    const help = await app.say("U0ENGINEER", "");

    const list = await app.answered("U0ENGINEER", () => engineer.click(help, "My requests"));
    await engineer.click(help, "Ask for access");
    const form = await app.slack.until(() => engineer.view());

    expect(textOf(list)).toContain("*Your requests*");
    expect(form.title).toBe("Ask for access");
    await engineer.close();
  });
});

test("a status is for the people that it concerns", async () => {
  expect(textOf(await app.say("U0ENGINEER", "status r-own1"))).toContain("own reason 1");
  expect(textOf(await app.say("U0ENGINEER", "status r-other"))).not.toContain("somebody's secret");
  expect(textOf(await app.say("U0ENGINEER", "status r-gone"))).toContain("There is no request `r-gone`");
});
