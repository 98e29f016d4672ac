import { afterAll, beforeAll, expect, test } from "vitest";
import { textOf } from "../../../sandbox/slack/message-content.ts";
import type { WhyReport } from "../../../src/diagnosis/reports.ts";
import { aGrantedRequest, engineerArn } from "../../builders/a-request.ts";
import { aStage, type Stage } from "../a-stage.ts";

/** What a worker says of somebody whose lease is over. */
const report: WhyReport = {
  type: "diagnosis",
  principal: engineerArn,
  noticed: null,
  identity: null,
  symptom: "unauthorized",
  causes: [
    {
      code: "lease-ended",
      message: "`viewer` (`r-1`) ran out.",
      remedy: "Ask again if you still need it.",
      offer: { type: "ask-again", request: "r-1" },
    },
  ],
};
let stage: Stage;

beforeAll(async () => {
  stage = await aStage({ worker: async () => report });
  await stage.put(aGrantedRequest({ state: "ended" }));
});
afterAll(() => stage.stop());

test("why offers whoever held a lease to ask for the same again, as a new request", async () => {
  const why = await stage.say("U0ENGINEER", `why staging ${engineerArn}`);

  const answer = await stage.answered("U0ENGINEER", () => stage.person("U0ENGINEER").click(why, "Request again"));

  expect(textOf(answer)).toContain("Requested `viewer` on `staging` for 4h (`r-new1`)");
  expect(await stage.ledger.get("r-new1")).toMatchObject({
    state: "pending",
    level: "viewer",
    durationSeconds: 4 * 3600,
    reason: "the deployment of checkout hangs",
    extends: null,
  });
});

test("nobody asks again for what somebody else had", async () => {
  const why = await stage.say("U0ONCALL", `why staging ${engineerArn}`);

  const answer = await stage.answered("U0ONCALL", () => stage.person("U0ONCALL").click(why, "Request again"));

  expect(textOf(answer)).toContain("There is no request `r-1`.");
});

test("why asks for an ARN where none is linked", async () => {
  expect(textOf(await stage.say("U0APPROVER", "why staging"))).toContain("Which identity?");
});
