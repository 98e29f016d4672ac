import { afterAll, beforeAll, expect, test } from "vitest";
import { textOf } from "../../../sandbox/slack/message-content.ts";
import { aLeasedRequest } from "../../builders/a-request.ts";
import { at, hours } from "../../builders/times.ts";
import { aSlackApp, type SlackApp } from "../a-slack-app.ts";

let app: SlackApp;

beforeAll(async () => {
  app = await aSlackApp();
});
afterAll(() => app.stop());

test("I'm done in the warning ends the access at once, and asks for no reason", async () => {
  const { id } = await app.put(aLeasedRequest({ warnedAt: at(hours(3)).toISOString() }, { id: "r-done" }));
  await app.show(id);
  const engineer = app.person("U0ENGINEER");
  const warning = await app.slack.until(() => engineer.directMessages().at(-1));

  const answer = await app.answered("U0ENGINEER", () => engineer.click(warning, "I'm done"));

  expect(textOf(warning)).toMatch(/ends .*\. Do you still need it\?\n\[Extend\] \[I'm done\]$/);
  expect(textOf(answer)).toBe("Revoking `r-done`. The request message will confirm.");
  expect(engineer.view()).toBeUndefined();
  expect((await app.ledger.get(id))?.lease?.end).toMatchObject({ cause: "revoked", by: "U0ENGINEER", why: "" });
  expect((await app.ledger.eventsOf(id, 1))[0]?.event).toMatchObject({ type: "lease.ending", actor: "U0ENGINEER" });
});
