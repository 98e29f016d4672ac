import { afterAll, beforeAll, expect, test } from "vitest";
import { textOf } from "../../../sandbox/slack/message-content.ts";
import { aLeasedRequest } from "../../builders/a-request.ts";
import { at, hours } from "../../builders/times.ts";
import { aStage, type Stage } from "../a-stage.ts";

let stage: Stage;

beforeAll(async () => {
  stage = await aStage();
});
afterAll(() => stage.stop());

test("the warning's I'm done gives the access back at once, and asks for no reason", async () => {
  const { id } = await stage.put(aLeasedRequest({ warnedAt: at(hours(3)).toISOString() }, { id: "r-done" }));
  await stage.show(id);
  const engineer = stage.person("U0ENGINEER");
  const warning = await stage.slack.until(() => engineer.directMessages().at(-1));

  const answer = await stage.answered("U0ENGINEER", () => engineer.click(warning, "I'm done"));

  expect(textOf(warning)).toMatch(/ends .*\. Do you still need it\?\n\[Extend\] \[I'm done\]$/);
  expect(textOf(answer)).toBe("Revoking `r-done`. The request message will confirm.");
  expect(engineer.view()).toBeUndefined();
  expect((await stage.ledger.get(id))?.lease?.end).toMatchObject({ cause: "revoked", by: "U0ENGINEER", why: "" });
  expect((await stage.ledger.eventsOf(id, 1))[0]?.event).toMatchObject({ type: "lease.ending", actor: "U0ENGINEER" });
});
