import { afterEach, beforeEach, expect, test } from "vitest";
import { textOf } from "../../../src/sandbox/slack/text-of.ts";
import { aStage, type Stage } from "../a-stage.ts";

const digest = "d".repeat(64);
const step = { does: "Make an entry.", proof: "It is there.", undo: "Delete it." };
const planned = {
  type: "planned",
  mode: "CONFIG_MAP",
  items: [],
  steps: [step],
  keptBecause: null,
  before: [],
  digest,
};

let stage: Stage;
beforeEach(async () => {
  stage = await aStage({ worker: async ({ type }) => (type === "migrate" ? planned : true) });
});
afterEach(() => stage.stop());

async function approve(user: string): Promise<string> {
  const plan = await stage.say(user, "migrate staging");
  return textOf(await stage.answered(user, () => stage.person(user).click(plan, "approve-migration")));
}

test("two approvers approve a plan, each once, and are told how it is carried out", async () => {
  expect(await approve("U0APPROVER")).toContain("Another approver has to approve it too");
  expect(await approve("U0APPROVER")).toContain("You have approved this plan already");
  expect(await approve("U0APPROVER2")).toContain(`eks-access migrate staging --apply ${digest} --backup FILE`);

  const events = (await stage.ledger.eventsOf("migration-staging", 9)).map(({ event }) => event);
  expect(events).toMatchObject([
    { type: "migration.approved", actor: "U0APPROVER", detail: { decision: { digest, verdict: "approved" } } },
    { type: "migration.approved", actor: "U0APPROVER2" },
  ]);
});
