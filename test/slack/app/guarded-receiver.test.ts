import { createHmac } from "node:crypto";
import { once } from "node:events";
import { createServer, request as httpRequest } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { App } from "@slack/bolt";
import { pino } from "pino";
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { admit, seenRequests } from "../../../src/slack/app/admit.ts";
import { GuardedReceiver } from "../../../src/slack/app/bolt.ts";
import { onlyOurWorkspace } from "../../../src/slack/app/registrations.ts";
import { silentLogger } from "../../sandbox/slack/silent-logger.ts";

const signingSecret = "a-signing-secret-of-this-test";
const team = "T0SANDBOX";
/** One second for all letters, in seconds since the epoch: a letter that is sent twice is the same to the last byte. */
const startedAt = Math.floor(Date.now() / 1000);

let url: string;
let app: App;
let answerOfLedger: () => Promise<boolean>;
const handled: string[] = [];
const logged: string[] = [];
/** Of a sender that began a request before all tests. In milliseconds. */
let slowOneEndedAfter: Promise<number>;

beforeAll(async () => {
  const log = pino({ level: "warn" }, { write: (line: string) => void logged.push(line) });
  const taken = new Set<string>();
  answerOfLedger = async () => true;
  const takeTurn = async (name: string) => {
    const isFree = await answerOfLedger();
    if (taken.has(name)) return false;
    taken.add(name);
    return isFree;
  };
  const receiver = new GuardedReceiver({
    signingSecret,
    seen: seenRequests({ takeTurn }),
    now: () => new Date(),
    log,
    replayed: () => {},
  });
  const authorize = async () => ({ botToken: "xoxb-of-this-test" });
  app = new App({ receiver, authorize, logger: silentLogger });
  const isOurs = onlyOurWorkspace({ place: { team, enterprise: null, organization: null }, app: "A0OURS" }, log);
  app.use(async (sent) => void ((await isOurs(sent)) && (await sent.next())));
  app.command("/eks-access", async ({ ack, command }) => {
    handled.push(command.text);
    await ack(command.text === "object" ? { text: "object" } : "taken");
  });
  const server = await app.start(0);
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/slack/events`;
  const slow = connect(Number(new URL(url).port), "127.0.0.1").resume();
  slow.write("POST /slack/events HTTP/1.1\r\nhost: 127.0.0.1\r\n");
  const begunAt = performance.now();
  slowOneEndedAfter = once(slow, "close").then(() => performance.now() - begunAt);
});
afterAll(() => app.stop());
beforeEach(() => {
  handled.length = 0;
  answerOfLedger = async () => true;
});

interface Letter {
  readonly text?: string;
  readonly teamId?: string;
  readonly appId?: string;
  readonly secondsAhead?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** Sends a slash command, signed as Slack does, with what a case changes about it. Returns the status. */
async function send(letter: Letter): Promise<number> {
  const [status] = await answerTo(letter);
  return status;
}

async function answerTo({
  text = "help",
  teamId = team,
  appId = "A0OURS",
  secondsAhead = 0,
  headers = {},
  body,
}: Letter): Promise<[status: number, body: string]> {
  const form = new URLSearchParams({
    command: "/eks-access",
    text,
    team_id: teamId,
    api_app_id: appId,
    user_id: "U0ENGINEER",
  });
  const sent = body ?? form.toString();
  const timestamp = String(startedAt + secondsAhead);
  const response = await fetch(url, {
    method: "POST",
    headers: { ...signed(sent, timestamp), "content-type": "application/x-www-form-urlencoded", ...headers },
    body: sent,
  });
  return [response.status, await response.text()];
}

function signed(body: string, timestamp: string): Record<string, string> {
  const mac = createHmac("sha256", signingSecret).update(`v0:${timestamp}:${body}`).digest("hex");
  return { "x-slack-signature": `v0=${mac}`, "x-slack-request-timestamp": timestamp };
}

describe("the door to the slack process", () => {
  test("accepts what Slack sends", async () => {
    expect(await send({ text: "whoami" })).toBe(200);
    expect(handled).toEqual(["whoami"]);
  });

  test("reads a signed body as what it is: its content type is not signed, and people choose texts in it", async () => {
    const inside = JSON.stringify({ command: "/eks-access", text: "forged", team_id: team, api_app_id: "A0OURS" });
    const name = `shop&payload=${encodeURIComponent(inside.replace("{", '{"user_id":"U0APPROVER",'))}&x`;

    expect(await send({ body: JSON.stringify({ type: "url_verification", challenge: name }) })).toBe(200);
    expect(handled).toEqual([]);
  });

  test.each([
    ["http://169.254.169.254/latest/api/token", 400],
    ["https://hooks.slack.com.example.com/commands/1", 400],
    ["https://hooks.slack.com@example.com/commands/1", 400],
    ["https://hooks.slack.com/commands/1", 200],
    ["https://hooks.slack-gov.com/commands/1", 200],
  ])("lets no one who has the signing secret send its answers elsewhere: %s", async (answersAt, status) => {
    const fields = {
      command: "/eks-access",
      text: "object",
      team_id: team,
      api_app_id: "A0OURS",
      user_id: "U0ENGINEER",
    };

    expect(await send({ body: `${new URLSearchParams({ ...fields, response_url: answersAt })}` })).toBe(status);
  });

  test.each([
    ["too old", { secondsAhead: -330 }, 401],
    ["from too far ahead", { secondsAhead: 330 }, 401],
    ["without a time", { headers: { "x-slack-request-timestamp": "now" } }, 401],
    ["with a time that only JavaScript would read", { headers: { "x-slack-request-timestamp": "1e3" } }, 401],
    ["with a signature of another secret", { headers: { "x-slack-signature": `v0=${"0".repeat(64)}` } }, 401],
    ["with a signature of another version", { headers: { "x-slack-signature": `v1=${"0".repeat(64)}` } }, 401],
    ["without a signature", { headers: { "x-slack-signature": "" } }, 401],
    ["of another content type", { headers: { "content-type": "text/plain" } }, 415],
    ["whose payload is no object", { body: "payload=null" }, 400],
    ["whose payload is no JSON", { body: "payload=%7B" }, 400],
    ["of a megabyte and more", { body: `text=${"a".repeat(1024 * 1024)}` }, 413],
  ])("turns a request away that is %s", async (_what, letter, status) => {
    expect(await send(letter)).toBe(status);
    expect(handled).toEqual([]);
  });

  test.each([
    ["an event that is nothing", { event: null }],
    ["an event that is a text", { event: "app_home_opened" }],
    ["an event without a type", { event: { user: "U0ENGINEER" } }],
    ["an event whose channel is nothing", { event: { type: "message", channel: null } }],
    ["an App Home that nobody opened", { event: { type: "app_home_opened", tab: "home" } }],
    ["a command of nobody", { command: "/eks-access", text: "help" }],
    ["a command without a text", { command: "/eks-access", user_id: "U0ENGINEER" }],
    ["a command that is a number", { command: 1, text: "help", user_id: "U0ENGINEER" }],
    ["a click on nothing", { type: "block_actions", user: { id: "U0ENGINEER" }, actions: [] }],
    ["a click on no button", { type: "block_actions", user: { id: "U0ENGINEER" }, actions: [null] }],
    ["a click of nobody", { type: "block_actions", actions: [{ type: "button", action_id: "approve" }] }],
    ["actions that are no list", { type: "block_actions", user: { id: "U0ENGINEER" }, actions: 1 }],
    ["a form without a view", { type: "view_submission", user: { id: "U0ENGINEER" } }],
    ["a form without values", { type: "view_submission", user: { id: "U0ENGINEER" }, view: { id: "V1" } }],
    ["a search of nobody", { type: "block_suggestion", action_id: "request-cluster", value: "s" }],
    ["a question whether somebody is there, without a challenge", { type: "url_verification" }],
    ["a type that this app is never sent", { type: "shortcut", user: { id: "U0ENGINEER" } }],
    ["nothing at all", {}],
  ])("answers 400 to a signed body that holds %s", async (_what, value) => {
    const headers = { "content-type": "application/json" };
    const body = JSON.stringify({ team_id: team, api_app_id: "A0OURS", ...value });

    const status = await send({ body, headers });

    expect(status).toBe(400);
  });

  test("stops reading a body that is too large and does not say so", async () => {
    const timestamp = String(Math.floor(Date.now() / 1000));
    const headers = {
      ...signed("", timestamp),
      "content-type": "application/x-www-form-urlencoded",
      "transfer-encoding": "chunked",
    };

    const status = await new Promise<number | undefined>((resolve, reject) => {
      const sending = httpRequest(url, { method: "POST", headers }, (response) => resolve(response.statusCode));
      sending.on("error", reject);
      for (let sent = 0; sent <= 1024 * 1024; sent += 64 * 1024) sending.write("a".repeat(64 * 1024));
    });

    expect(status).toBe(413);
  });

  test("keeps of a body that a stranger sends byte by byte no more than its bytes", async () => {
    setFlagsFromString("--expose-gc");
    const inUse = () => {
      runInNewContext("gc()");
      const { heapUsed, arrayBuffers } = process.memoryUsage();
      return heapUsed + arrayBuffers;
    };
    let received = 0;
    const seen = seenRequests({ takeTurn: async () => true });
    const server = createServer((request) => {
      void admit({ signingSecret, seen, now: () => new Date(), replayed: () => {} }, request).catch(() => {});
      request.on("data", (part: Buffer) => {
        received += part.length;
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
    const headers = {
      ...{ host: "127.0.0.1", "content-type": "application/json", "transfer-encoding": "chunked" },
      ...{ "x-slack-signature": `v0=${"0".repeat(64)}`, "x-slack-request-timestamp": Math.floor(Date.now() / 1000) },
    };
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    const before = inUse();
    socket.write(`POST / HTTP/1.1\r\n${lines.join("")}\r\n`);
    for (let part = 0; part < 2 ** 8; part += 1) socket.write("1\r\nx\r\n".repeat(2 ** 10));

    await expect.poll(() => received, { timeout: 20_000 }).toBe(2 ** 18);

    expect(inUse() - before).toBeLessThan(2 ** 23);
    socket.destroy();
    server.close();
  });

  test("does not let strangers fill the log", async () => {
    const before = logged.length;
    for (let count = 0; count < 9; count += 1) await fetch(url, { method: "POST", body: "{}" });

    expect(logged.length - before).toBeLessThan(5);
    expect(logged.filter((line) => line.includes("refused a request")).join()).toContain('"status":"415"');
  });

  test("gives up the oldest of the bodies that strangers begin and do not end, and never Slack's", async () => {
    const headers = { ...signed("", String(startedAt)), "content-type": "application/json", "content-length": 2 ** 20 };
    const begun = Array.from({ length: 18 }, () => {
      const sending = httpRequest(url, { method: "POST", headers }).on("error", () => {});
      sending.write("a".repeat(2 ** 20 - 1));
      return sending;
    });
    const statuses = await Promise.all(
      begun
        .slice(0, 2)
        .map((sending) => new Promise((resolve) => sending.on("response", (given) => resolve(given.statusCode)))),
    );

    expect(statuses).toEqual([503, 503]);
    expect(await send({ text: "list" })).toBe(200);
    for (const sending of begun) sending.destroy();
  });

  test("answers Slack's own questions whether a person is there, and gives them to no handler", async () => {
    const challenge = JSON.stringify({ type: "url_verification", challenge: "of Slack" });
    const headers = { "content-type": "application/json" };

    expect(await answerTo({ body: challenge, headers })).toEqual([200, '{"challenge":"of Slack"}']);
    expect(await answerTo({ body: "ssl_check=1&token=old" })).toEqual([200, ""]);
    expect(handled).toEqual([]);
  });

  test.each([
    ["another method", "GET", ""],
    ["another path", "POST", "/more"],
  ])("has nothing at %s", async (_what, method, more) => {
    expect((await fetch(url + more, { method })).status).toBe(404);
  });

  test("answers with what the handler says, an object as JSON", async () => {
    expect(await answerTo({ text: "in words" })).toEqual([200, "taken"]);
    expect(await answerTo({ text: "object" })).toEqual([200, '{"text":"object"}']);
  });

  test("answers Slack that what it sends again within the second has arrived", async () => {
    const letter = { text: "sent again", secondsAhead: -11 };

    expect([await send(letter), await send({ ...letter, headers: { "x-slack-retry-num": "1" } })]).toEqual([200, 200]);
    expect(handled).toEqual(["sent again"]);
  });

  test("takes the same request once", async () => {
    const letter = { text: "request staging", secondsAhead: -7 };

    expect([await send(letter), await send(letter)]).toEqual([200, 409]);
    expect(handled).toEqual(["request staging"]);
  });

  test("takes a request once that another process has taken", async () => {
    answerOfLedger = async () => false;

    expect(await send({ text: "by another process" })).toBe(409);
    expect(handled).toEqual([]);
  });

  test.each([
    ["fails", () => Promise.reject(new Error("no Redis"))],
    ["hangs", () => new Promise<boolean>(() => {})],
  ])("acknowledges where the ledger %s, and still takes the same request once", async (how, answer) => {
    answerOfLedger = answer;
    const letter = { text: `while the ledger ${how}`, secondsAhead: -3 };

    expect([await send(letter), await send(letter)]).toEqual([200, 409]);
  });

  test("gives nothing of another workspace or another app to a handler", async () => {
    await Promise.all([send({ teamId: "T0OTHER" }), send({ appId: "A0OTHER" })]);

    expect(handled).toEqual([]);
  });

  test("answers a person of another workspace, and not another app", async () => {
    const text = "from elsewhere";
    const [ofOther, ofOtherApp] = await Promise.all([
      answerTo({ text, teamId: "T0OTHER" }),
      send({ text, appId: "A0OTHER" }),
    ]);

    expect(ofOther).toEqual([200, expect.stringContaining("the account is of another workspace")]);
    expect(ofOtherApp).toBe(404);
  });

  test("ends the connection of a sender that is slower than Slack", async () => {
    expect(await slowOneEndedAfter).toBeLessThan(15_000);
  });

  test("stops beside a sender that began a request, once Slack waits for no answer", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout"] });
    onTestFinished(() => void vi.useRealTimers());
    const seen = seenRequests({ takeTurn: async () => true });
    const log = pino({ level: "silent" });
    const receiver = new GuardedReceiver({ signingSecret, seen, now: () => new Date(), log, replayed: () => {} });
    const server = await receiver.start(0);
    const slow = connect((server.address() as AddressInfo).port, "127.0.0.1").resume();
    await once(server, "connection");
    slow.write("POST /slack/events HTTP/1.1\r\n");

    const stopping = receiver.stop().then(() => "stopped");
    vi.advanceTimersByTime(4_000);

    expect(await Promise.race([stopping, pause(5_000, "waiting")])).toBe("stopped");
    slow.destroy();
  });
});
