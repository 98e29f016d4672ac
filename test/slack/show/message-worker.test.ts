import { pino } from "pino";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { textOf } from "../../../sandbox/slack/message-content.ts";
import { type SandboxSlack, startSandboxSlack } from "../../../sandbox/slack/workspace.ts";
import { connectRedis, connectRedisBlocking, type RedisConnection } from "../../../src/ledger/connect.ts";
import { kindOf } from "../../../src/ledger/jobs.ts";
import { openQueues, type Queues, wake } from "../../../src/ledger/queues.ts";
import { startMessageWorker } from "../../../src/slack/show/message-worker.ts";
import { showRequest } from "../../../src/slack/show/messenger.ts";
import { aPreviewedRequest, aRequest, revise } from "../../builders/a-request.ts";
import { aChange } from "../../builders/an-event.ts";
import { memoryLedger } from "../../ledger/memory-ledger.ts";
import { aRedis, type TestRedis } from "../../redis.ts";
import { aSlackContext, atStart, callsTo } from "../slack-context.ts";

let database: TestRedis;
let connection: RedisConnection;
let queues: Queues;
let slack: SandboxSlack;
const closers: (() => Promise<unknown>)[] = [];

beforeEach(async () => {
  database = await aRedis();
  connection = await connectRedis(database.url);
  queues = openQueues(connection.redis);
  slack = await startSandboxSlack({ rateLimits: false });
});

afterEach(async () => {
  for (const close of closers.splice(0)) await close();
  await queues.close();
  await connection.close();
  await database.close();
  await slack.stop();
});

test("while Slack limits updates, a message that no one clicked waits without work", async () => {
  const ledger = memoryLedger();
  let reads = 0;
  const counting = {
    ...ledger,
    get: (id: string) => {
      reads += 1;
      return ledger.get(id);
    },
  };
  const context = { ...aSlackContext(counting), ...callsTo(slack) };
  const request = aPreviewedRequest({ version: 1 });
  await ledger.commit(aChange(request));
  await showRequest(context, request.id);
  await ledger.commit(aChange(revise(request, { state: "expired" }), "request.expired"));
  const headers = { "retry-after": "60" };
  slack.faults.plan("slack.chat.update", { type: "answer", status: 429, headers }, { times: 1_000 });
  const blocking = connectRedisBlocking(database.url);
  const worker = startMessageWorker({ ...atStart(context), backgroundClient: context.client }, blocking);
  closers.push(async () => {
    await worker.stop(AbortSignal.timeout(10_000));
    blocking.disconnect();
  });
  const readsAt = async (starts: number) => {
    const job = async () => (await queues.messages.getDelayed())[0];
    await expect.poll(async () => ((await job())?.attemptsStarted ?? 0) >= starts, { timeout: 5_000 }).toBe(true);
    return reads;
  };

  await wake(queues, { type: "show", record: request.id });
  const first = await readsAt(3);

  expect(await readsAt(5)).toBe(first);
  expect(slack.messages("C0ACCESS").map(textOf)).toEqual([expect.stringContaining("[Approve]")]);
});

test("a message that Slack does not take is in the log once with its cause, then by its count, and once more when it is shown", async () => {
  const lines: string[] = [];
  const log = pino({}, { write: (line: string) => lines.push(line) });
  const context = { ...aSlackContext(memoryLedger()), ...callsTo(slack), log };
  await context.ledger.commit(aChange(aPreviewedRequest({ version: 1 })));
  slack.faults.plan("slack.chat.postMessage", { type: "answer", status: 503 }, { times: 3 });
  const blocking = connectRedisBlocking(database.url);
  const worker = startMessageWorker({ ...atStart(context), backgroundClient: context.client }, blocking);
  closers.push(async () => {
    await worker.stop(AbortSignal.timeout(10_000));
    blocking.disconnect();
  });

  await wake(queues, { type: "show", record: "r-1" });
  const about = () => lines.filter((line) => line.includes("could not show a message"));
  await expect.poll(() => about().at(-1), { timeout: 10_000 }).toContain("it works again");

  expect(about().filter((line) => line.includes("stack"))).toHaveLength(1);
});

/** A Slack process over this ledger. */
function startWorker(context: ReturnType<typeof aSlackContext> & ReturnType<typeof callsTo>) {
  const blocking = connectRedisBlocking(database.url);
  const worker = startMessageWorker({ ...atStart(context), backgroundClient: context.client }, blocking);
  closers.push(async () => {
    await worker.stop(AbortSignal.timeout(10_000));
    blocking.disconnect();
  });
}

const inChannel = () => slack.messages("C0ACCESS").length;

test("a process without a way to Slack leaves all messages to another one, after its first failure", async () => {
  const ledger = memoryLedger();
  const ids = ["r-1", "r-2", "r-3", "r-4", "r-5", "r-6"];
  for (const id of ids) await ledger.commit(aChange(aPreviewedRequest({ id, version: 1 })));
  const fail = () => vi.fn(() => Promise.reject(new Error("no route to Slack")));
  const [call, probe] = [fail(), fail()];
  const client = { chat: { postMessage: call, update: call }, auth: { test: probe } } as never;
  startWorker({ ...aSlackContext(ledger), ...callsTo(slack), queues, client });
  await wake(queues, { type: "show", record: "r-1" });
  await expect.poll(() => probe.mock.calls.length, { timeout: 10_000 }).toBeGreaterThan(0);
  const before = call.mock.calls.length;

  startWorker({ ...aSlackContext(ledger), ...callsTo(slack), queues });
  for (const record of ids) await wake(queues, { type: "show", record });
  await expect.poll(inChannel, { timeout: 10_000 }).toBe(ids.length);

  expect(call.mock.calls.length).toBe(before);
});

test("while Slack is away from all processes a message loses one try, and comes when Slack answers again", async () => {
  const ledger = memoryLedger();
  await ledger.commit(aChange(aPreviewedRequest({ version: 1 })));
  const forever = { times: Number.POSITIVE_INFINITY };
  for (const method of ["slack.chat.postMessage", "slack.auth.test"])
    slack.faults.plan(method, { type: "cut-before" }, forever);
  startWorker({ ...aSlackContext(ledger), ...callsTo(slack), queues });

  await wake(queues, { type: "show", record: "r-1" });
  await expect.poll(() => slack.faults.calls("slack.auth.test"), { timeout: 10_000 }).toBe(3);
  expect(slack.faults.calls("slack.chat.postMessage")).toBe(1);
  slack.faults.clear();

  await expect.poll(inChannel, { timeout: 5_000 }).toBe(1);
});

test("an App Home waits for Slack's limit however long it lasts, without losing a try", async () => {
  const context = { ...aSlackContext(memoryLedger()), ...callsTo(slack) };
  const tries = kindOf("show-home").tries;
  const answer = { type: "answer", status: 429, headers: { "retry-after": "0" } } as const;
  slack.faults.plan("slack.views.publish", answer, { times: tries });
  const blocking = connectRedisBlocking(database.url);
  const worker = startMessageWorker({ ...atStart(context), backgroundClient: context.client }, blocking);
  closers.push(async () => {
    await worker.stop(AbortSignal.timeout(10_000));
    blocking.disconnect();
  });

  await wake(queues, { type: "show-home", user: "U0ENGINEER" });

  await expect.poll(() => slack.person("U0ENGINEER").home(), { timeout: 10_000 }).toBeTruthy();
  expect(slack.faults.calls("slack.views.publish")).toBe(tries + 1);
});

test("an update that Slack carried out too late, over a newer one, is corrected", async () => {
  const ledger = memoryLedger();
  const context = { ...aSlackContext(ledger), ...callsTo(slack), queues };
  const request = aPreviewedRequest({ version: 1 });
  await ledger.commit(aChange(request));
  await showRequest(context, request.id);
  const expired = revise(request, { state: "expired" });
  await ledger.commit(aChange(expired, "request.expired"));
  const [card] = slack.messages("C0ACCESS");
  const old = { text: card?.text, blocks: card?.blocks };
  const { struck } = slack.faults.plan("slack.chat.update", { type: "cut-before" });
  const blocking = connectRedisBlocking(database.url);
  const worker = startMessageWorker({ ...atStart(context), backgroundClient: context.client }, blocking);
  closers.push(async () => {
    await worker.stop(AbortSignal.timeout(10_000));
    blocking.disconnect();
  });
  const shown = () => slack.messages("C0ACCESS").map(textOf).join();

  await wake(queues, { type: "show", record: request.id });
  await struck;
  await expect.poll(shown).toContain("Expired");
  await context.client.chat.update({ channel: "C0ACCESS", ts: card?.ts ?? "", ...old } as never);
  expect(shown()).toContain("[Approve]");
  const again = async () => (await queues.messages.getDelayed()).find(({ name }) => name === "show-again");
  await expect.poll(again).toBeTruthy();
  await (await again())?.promote();

  await expect.poll(shown).toContain("Expired");
  expect(shown()).not.toContain("[Approve]");
});

test("a process that stood still since it read what is shown does not overwrite what another one has shown meanwhile", async () => {
  const ledger = memoryLedger();
  const request = aRequest();
  await ledger.commit(aChange(request));
  const other = { ...aSlackContext(ledger), ...callsTo(slack) };
  const standsStill = async () => {
    slow.outdatedIn = ledger.outdatedIn;
    await ledger.commit(aChange(aPreviewedRequest({ version: 2 }), "request.previewed"));
    await showRequest(other, request.id);
    return null;
  };
  const slow: typeof ledger = { ...ledger, outdatedIn: standsStill };
  const context = { ...aSlackContext(slow), ...callsTo(slack) };
  const blocking = connectRedisBlocking(database.url);
  const worker = startMessageWorker({ ...atStart(context), backgroundClient: context.client }, blocking);
  closers.push(async () => {
    await worker.stop(AbortSignal.timeout(10_000));
    blocking.disconnect();
  });

  await wake(queues, { type: "show", record: request.id });
  await expect.poll(() => queues.messages.getJobCountByTypes("wait", "active", "delayed"), { timeout: 10_000 }).toBe(0);

  const [card] = slack.messages("C0ACCESS");
  expect(await ledger.shown(request.id)).toMatchObject({ version: 2, message: { channel: "C0ACCESS", ts: card?.ts } });
  expect(slack.messages("C0ACCESS")).toHaveLength(1);
});
