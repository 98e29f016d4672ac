import { expect, test } from "vitest";
import { handlerOf } from "../../../src/slack/app/registrations.ts";
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
