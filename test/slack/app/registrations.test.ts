import { expect, test } from "vitest";
import { handlerOf } from "../../../src/slack/app/registrations.ts";
import { configText } from "../../builders/a-cluster.ts";
import { memoryLedger } from "../../ledger/memory-ledger.ts";
import { aSlackContext, atStart, noClicks } from "../slack-context.ts";

type Sent = Parameters<ReturnType<typeof handlerOf>>[0];

/** What every object has without being given it. */
const inherited = Object.getOwnPropertyNames(Object.prototype);

test.each(inherited)("a click on a button called %s does nothing", async (name) => {
  const action = { type: "button", action_id: name, value: "" };
  const body = { type: "block_actions", user: { id: "U0ENGINEER" }, actions: [action] };
  const handle = handlerOf(atStart(aSlackContext(memoryLedger())), noClicks);

  const outcome = await handle({ body, context: {}, action, payload: action } as unknown as Sent);

  expect(outcome).toBeUndefined();
});

test.each(inherited)("a form called %s does nothing", async (name) => {
  const view = { id: "V1", callback_id: name, private_metadata: "", state: { values: {} } };
  const body = { type: "view_submission", user: { id: "U0ENGINEER" }, view };
  const handle = handlerOf(atStart(aSlackContext(memoryLedger())), noClicks);

  const outcome = await handle({ body, context: {}, view, payload: view } as unknown as Sent);

  expect(outcome).toBeUndefined();
});

test.each([
  ["wakes the message that waits while Slack limits updates", true, [{ type: "show", record: "r-7k2m9x4q" }]],
  ["wakes nothing while Slack takes updates", false, []],
])("a click %s", async (_, isLimited, expected) => {
  const action = { type: "button", action_id: "nothing", value: "r-7k2m9x4q" };
  const body = { type: "block_actions", user: { id: "U0ENGINEER" }, actions: [action] };
  const context = aSlackContext(memoryLedger());
  const woken: unknown[] = [];
  const messages = { add: async (_name: string, job: unknown) => void woken.push(job) };
  const queues = { ...context.queues, messages } as unknown as typeof context.queues;
  const handle = handlerOf(atStart({ ...context, queues }), { noteClick: () => isLimited });

  await handle({ body, context: { about: action.value }, action, payload: action } as unknown as Sent);

  expect(woken).toEqual(expected);
});

const changed = (group: string) => [
  { type: "subteam_members_changed", subteam_id: group },
  { type: "subteam_updated", subteam: { id: group } },
];

test.each([
  ["that the policy names is looked at", [...changed("S0PLATFORM"), ...changed("S0NIGHT")], 4],
  ["that it does not name costs nothing", [...changed("S0OTHERS"), { type: "subteam_updated" }], 0],
])("a change of a user group %s", async (_, events, expected) => {
  const config = configText.replace("[U0APPROVER, U0APPROVER2]", "[U0APPROVER2, S0PLATFORM]\n    onCall: [S0NIGHT]");
  const ledger = memoryLedger();
  let looks = 0;
  const groupChanged = () => {
    looks += 1;
  };
  const handle = handlerOf({ ...atStart(aSlackContext(ledger, config)), groupChanged }, noClicks);

  for (const event of events) await handle({ event, body: { event }, context: {} } as unknown as Sent);

  expect(looks).toBe(expected);
  // No person sent these, so no one tried anything.
  expect(await ledger.events(1, 10)).toEqual([]);
});
