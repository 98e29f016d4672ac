import { connect, createServer, type Socket } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { freePort } from "../../sandbox/product-process.ts";
import { textOf } from "../../sandbox/slack/message-content.ts";
import { connectRedis } from "../../src/ledger/connect.ts";
import { redisLedger } from "../../src/ledger/ledger.ts";
import { aPreviewedRequest, engineerArn } from "../builders/a-request.ts";
import { aRedis } from "../redis.ts";
import { aSlackApp, type SlackApp } from "./a-slack-app.ts";

interface Line {
  readonly url: string;
  /** Nothing goes through any more; the connections stay. */
  freeze: () => void;
  cut: () => Promise<void>;
}

/** A line to Redis that can go silent, as after a failover of the network, or be cut. */
async function aLine(redisUrl: string): Promise<Line> {
  const { port: redisPort, pathname } = new URL(redisUrl);
  const sockets = new Set<Socket>();
  let isFrozen = false;
  const server = createServer((client) => {
    const redis = connect(Number(redisPort), "127.0.0.1");
    for (const socket of [client, redis]) socket.on("error", () => {});
    sockets.add(client).add(redis);
    if (!isFrozen) client.pipe(redis).pipe(client);
  });
  const port = await freePort();
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  return {
    url: `redis://127.0.0.1:${port}${pathname}`,
    freeze: () => {
      isFrozen = true;
      for (const socket of sockets) socket.unpipe().pause();
    },
    cut: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

const undo: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const each of undo.splice(0).toReversed()) await each();
});

/** The slack process on a real Redis, behind a line. */
async function onALine(mode: "http" | "socket"): Promise<{ app: SlackApp; line: Line }> {
  const database = await aRedis();
  undo.push(database.close);
  const line = await aLine(database.url);
  undo.push(line.cut);
  const { redis, close } = await connectRedis(line.url);
  undo.push(close);
  const app = await aSlackApp({ mode, ledger: () => redisLedger(redis) });
  undo.push(app.stop);
  return { app, line };
}

const holds = (text: string) => (shown: Parameters<typeof textOf>[0]) => textOf(shown).includes(text);
const told = "I can't reach my records now. Try again in a minute. A change may be saved.";

describe.each(["http", "socket"] as const)("over %s, while Redis is down", (mode) => {
  test("commands, clicks and forms are acknowledged in time, and answered honestly", async () => {
    const { app, line } = await onALine(mode);
    const [engineer, approver] = [app.person("U0ENGINEER"), app.person("U0APPROVER")];
    await app.put(aPreviewedRequest());
    const asking = await app.show("r-1");
    await line.cut();

    const command = await engineer.command(
      `/eks-access request staging ${engineerArn} viewer look at the logs`,
      "C0ACCESS",
    );
    const answer = await app.slack.until(() => engineer.ephemerals().at(-1));
    const click = await approver.click(asking, "approve");
    const clicked = await app.slack.until(() => approver.ephemerals().at(-1));
    const opening = await engineer.command("/eks-access request", "C0ACCESS");
    const form = await app.slack.until(() => engineer.view());
    await engineer.choose(form, "Level", "viewer");
    await app.slack.until(() => (engineer.view()?.updates === 1 ? true : undefined));
    const overview = await app.say("U0APPROVER", "status");
    const submission = await engineer.submit({ "IAM role or user": engineerArn, Why: "look at the logs" });
    const shown = await app.slack.until(() => [engineer.view()].find((view) => view && holds(told)(view)));

    const acks = [command, click, opening, submission];
    expect(acks.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    expect(acks.filter(({ error }) => error)).toEqual([]);
    expect(textOf(answer)).toContain(told);
    expect(textOf(clicked)).toContain(told);
    // Approvers and on-call read the cause and its remedy.
    expect(textOf(overview)).toMatch(/Redis did not answer\. Check Redis/);
    expect(textOf(shown)).not.toContain("REDIS_URL");
  });
});

test("a Redis that has gone silent keeps no acknowledgement, no form and no answer waiting for long", async () => {
  const { app, line } = await onALine("http");
  const [engineer, approver] = [app.person("U0ENGINEER"), app.person("U0APPROVER")];
  await app.put(aPreviewedRequest());
  const asking = await app.show("r-1");
  line.freeze();

  const opening = await engineer.command("/eks-access request", "C0ACCESS");
  const form = await app.slack.until(() => engineer.view());
  await approver.click(asking, "deny");
  await app.slack.until(() => approver.view());
  const denial = await approver.submit({ why: "not today" });
  // In the form if the answer is in time, otherwise in a direct message.
  const answers = () => [approver.view(), ...approver.directMessages()].filter((each) => each !== undefined);
  const answer = await app.slack.until(() => answers().find(holds(told)));

  expect(form.title).toBe("Ask for access");
  expect(opening.error).toBeUndefined();
  expect(denial.error).toBeUndefined();
  expect(textOf(answer)).toContain("I can't reach my records now");
});
