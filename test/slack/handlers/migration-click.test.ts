import { afterEach, beforeEach, expect, test } from "vitest";
import { textOf } from "../../../src/sandbox/slack/text-of.ts";
import { configText } from "../../builders/a-cluster.ts";
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
  const config = configText.replace(/ {4}approvers: .*/, "$&\n    onCall: [U0ONCALL]");
  stage = await aStage({ config, worker: async ({ type }) => (type === "migrate" ? planned : true) });
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

test("who is on call sees the plan, and can't approve it; that they tried is recorded", async () => {
  expect(await approve("U0ONCALL")).toContain("Approvers of `staging` decide about this plan");

  const [last] = (await stage.ledger.events(1, 99)).map(({ event }) => event).slice(-1);
  expect(last).toMatchObject({ type: "decision.refused", actor: "U0ONCALL", detail: { code: "not-an-approver" } });
  expect(await stage.ledger.eventsOf("migration-staging", 9)).toEqual([]);
});
