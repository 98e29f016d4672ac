import { afterAll, beforeAll, expect, test } from "vitest";
import { textOf } from "../../../sandbox/slack/message-content.ts";
import { configText } from "../../builders/a-cluster.ts";
import { aPreviewedRequest } from "../../builders/a-request.ts";
import { aSlackApp, type SlackApp } from "../a-slack-app.ts";

/** In Socket Mode no receiver of ours stands before Bolt: each kind of what Slack sends must reach its handler all the same. */
let app: SlackApp;

beforeAll(async () => {
  const many = Array.from({ length: 101 }, (_, index) => `  c${index}: { <<: *staging, eksName: c${index} }\n`).join(
    "",
  );
  const config = configText
    .replace("  staging:\n", "  staging: &staging\n")
    .replace("levels:\n  viewer", `${many}levels:\n  viewer`);
  app = await aSlackApp({ mode: "socket", config: `slack: { mode: socket }\n${config}` });
});
afterAll(() => app.stop());

const engineer = () => app.person("U0ENGINEER");

test("a command, App Home, a search in a form, a click and a form reach their handlers", async () => {
  const help = textOf(await app.say("U0ENGINEER", "help"));
  await engineer().openHome();
  const home = textOf(await app.slack.until(() => engineer().home()));
  await engineer().command("/eks-access request", "C0ACCESS");
  await app.slack.until(() => engineer().view());
  const found = await engineer().suggestions("Cluster", "c10");
  engineer().close();
  const { id } = await app.put(aPreviewedRequest());
  const card = await app.show(id);
  await app.person("U0APPROVER").click(card, "Deny");
  await app.slack.until(() => app.person("U0APPROVER").view());
  await app.person("U0APPROVER").submit({ why: "use staging" });

  expect(help).toContain("gives you access to an EKS cluster");
  expect(home).toContain("Access to EKS clusters");
  expect(found).toEqual(["c10", "c100"]);
  expect(await app.ledger.get(id)).toMatchObject({ state: "denied", denial: { by: "U0APPROVER" } });
});
