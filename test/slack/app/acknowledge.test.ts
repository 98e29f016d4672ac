import { afterEach, expect, test } from "vitest";
import { textOf } from "../../../sandbox/slack/message-content.ts";
import type { Ledger } from "../../../src/ledger/ledger.ts";
import { configText } from "../../builders/a-cluster.ts";
import { aLink } from "../../builders/a-link.ts";
import { aPreviewedRequest, engineerArn } from "../../builders/a-request.ts";
import { aSlackApp, type SlackApp } from "../a-slack-app.ts";

let app: SlackApp;
afterEach(() => app.stop());

/** A ledger that writes nothing down, and finds no link, before it is let go. */
function heldLedger() {
  let letGo = () => {};
  let hold: Promise<void> | null = null;
  return {
    hold: () => {
      hold = new Promise((resolve) => {
        letGo = resolve;
      });
    },
    letGo: () => letGo(),
    around: (ledger: Ledger): Ledger => ({
      ...ledger,
      commit: async (change) => {
        await hold;
        return ledger.commit(change);
      },
      linksOf: async (user) => {
        await hold;
        return ledger.linksOf(user);
      },
    }),
  };
}

const line = (reason: string) => `/eks-access request staging ${engineerArn} viewer ${reason}`;
const notYet = "Slow: not saved yet.";
const says = (text: string) => (shown: Parameters<typeof textOf>[0]) => textOf(shown).includes(text);

/** A command, a click and both kinds of forms, each of which changes something. */
async function askEachWay(): Promise<readonly (() => Promise<{ status: number; error?: string }>)[]> {
  const [engineer, approver] = [app.person("U0ENGINEER"), app.person("U0APPROVER")];
  await app.put(aPreviewedRequest({ id: "r-click" }));
  await app.put(aPreviewedRequest({ id: "r-form" }));
  const [clicked, denied] = [await app.show("r-click"), await app.show("r-form")];
  await approver.click(denied, "deny");
  await app.slack.until(() => approver.view());
  await engineer.command("/eks-access request", "C0ACCESS");
  await app.slack.until(() => engineer.view());
  return [
    () => engineer.command(line("by a command"), "C0ACCESS"),
    () => approver.click(clicked, "approve"),
    () => approver.submit({ why: "by a form" }),
    () => engineer.submit({ "IAM role or user": engineerArn, Why: "by a form of the request" }),
  ];
}

test("commands, clicks and forms are acknowledged when what they ask for is recorded", async () => {
  app = await aSlackApp();

  const found = [];
  for (const ask of await askEachWay()) {
    await ask();
    const [last] = (await app.ledger.events(1, 1000)).slice(-1);
    found.push(last?.event.type);
  }

  expect(found).toEqual(["request.created", "request.approved", "request.denied", "request.created"]);
});

test("what takes longer than Slack waits is acknowledged all the same, and no one learns that it is done", async () => {
  const held = heldLedger();
  // Well before Slack gives up, however busy the machine is.
  const config = `${configText}timing: { deadlines: { acknowledge: 500ms } }\n`;
  app = await aSlackApp({ ledger: held.around, config });
  const ways = await askEachWay();
  const [engineer, approver] = [app.person("U0ENGINEER"), app.person("U0APPROVER")];
  held.hold();

  const acks = await Promise.all(ways.map((ask) => ask()));

  expect(acks.map(({ status, error }) => error ?? status)).toEqual([200, 200, 200, 200]);
  // The command in the acknowledgement itself, whoever clicked or sent a form directly.
  await app.slack.until(() => (engineer.ephemerals().some(says(notYet)) ? true : undefined));
  await app.slack.until(() => (approver.directMessages().filter(says(notYet)).length === 2 ? true : undefined));
  await app.slack.until(() => (engineer.directMessages().some(says(notYet)) ? true : undefined));
  expect((await app.ledger.get("r-click"))?.state).toBe("pending");

  held.letGo();

  await app.slack.until(() => engineer.ephemerals().find(says("Requested `")));
  await expect.poll(async () => (await app.ledger.ofRequester("U0ENGINEER", 10)).length).toBe(4);
  await expect.poll(async () => (await app.ledger.get("r-click"))?.state).toBe("approved");
  await expect.poll(async () => (await app.ledger.get("r-form"))?.state).toBe("denied");
});

test("a slow click in Details that its person closed meanwhile is answered in a direct message", async () => {
  const held = heldLedger();
  const config = `${configText}timing: { deadlines: { acknowledge: 500ms } }\n`;
  app = await aSlackApp({ ledger: held.around, config });
  const engineer = app.person("U0ENGINEER");
  await app.put(aPreviewedRequest());
  await engineer.click(await app.show("r-1"), "details");
  held.hold();

  await engineer.click(await app.slack.until(() => engineer.view()), "cancel");
  engineer.close();
  held.letGo();

  await app.slack.until(() => engineer.directMessages().find(says("Cancelled `r-1`")));
});

test("what a form looks up before it is carried out counts in the time that Slack waits", async () => {
  const held = heldLedger();
  const policy = "policy: { rules: [{ name: all }], breakGlass: [{ who: [U0ENGINEER], level: admin, for: 30m }] }";
  app = await aSlackApp({ ledger: held.around, config: `${configText}${policy}\n` });
  await app.ledger.linkPrincipal("U0ENGINEER", aLink("U0ENGINEER", engineerArn));
  const engineer = app.person("U0ENGINEER");
  await engineer.command("/eks-access break-glass", "C0ACCESS");
  await app.slack.until(() => engineer.view());
  held.hold();

  const { status, error } = await engineer.submit({ Why: "checkout is down" });
  held.letGo();

  expect(error ?? status).toBe(200);
});

test("a command that only looks is acknowledged before its answer, where that takes long", async () => {
  let answer = (_: null) => {};
  const answered = new Promise<null>((resolve) => {
    answer = resolve;
  });
  app = await aSlackApp({ worker: () => answered });

  const { status } = await app.person("U0ENGINEER").command("/eks-access whoami", "C0ACCESS");
  // Whether it was asked by then or is asked later.
  answer(null);

  expect(status).toBe(200);
});
