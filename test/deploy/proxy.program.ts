import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { arns, channel, clusterName } from "../../sandbox/scene.ts";
import { ackDeadline, signRequest } from "../../sandbox/slack/delivery.ts";
import type { CommandAnswer } from "../../sandbox/slack/inputs.ts";
import { textOf } from "../../sandbox/slack/message-content.ts";
import { bodyLimitBytes } from "../../src/slack/app/admit.ts";
import { inParallel } from "../bench/in-parallel.ts";
import { auditOf } from "../flow/audit-of.ts";
import { type Proxied, startProxied } from "./proxied.ts";

/** As many people at once. */
const atOnce = 8;

const isRecorded = (answer: string) => answer.includes("Requested `");

describe("the proxy of the compose file, before two Slack processes,", () => {
  let proxied: Proxied;

  beforeAll(async () => {
    proxied = await startProxied();
  });
  afterAll(() => proxied.stop());
  // Both answer, whatever the test before did to one of them.
  beforeEach(() => bothAnswer());

  const engineer = () => proxied.sandbox.slack.person("U0ENGINEER");
  const answers = () => engineer().ephemerals().map(textOf).filter(isRecorded);
  const command = (text: string) => engineer().command(`/eks-access ${text}`, channel);
  const ask = (reason: string) => command(`request ${clusterName} ${arns.engineer} viewer for 10m ${reason}`);

  const bothAnswer = () => expect.poll(() => answeredOf(4), { timeout: 30_000 }).toEqual([2, 2]);

  /** How many of so many commands each process answered. */
  async function answeredOf(commands: number): Promise<readonly [number, number]> {
    const before = [await proxied.first.answered(), await proxied.second.answered()] as const;
    for (let count = 0; count < commands; count += 1) await command("help");
    return [(await proxied.first.answered()) - before[0], (await proxied.second.answered()) - before[1]];
  }

  /** The reasons of all requests that the ledger has, sorted. */
  async function recorded(): Promise<readonly string[]> {
    const { events } = await auditOf(proxied.redisUrl);
    return events
      .flatMap(({ event }) => (event.type === "request.created" ? [String(event.detail.reason)] : []))
      .sort();
  }

  test("gives each request to the next one", async () => {
    expect(await answeredOf(20)).toEqual([10, 10]);
  });

  test("changes nothing of what Slack signed", async () => {
    const reason = 'naïve “ümläut” 🔐 %2B+& a="b"';

    await ask(reason);
    await expect.poll(recorded).toContain(reason);
  });

  test("lets a body through that is as large as the door allows, and none that is larger", async () => {
    const send = (bytes: number) => {
      const body = `payload=${"x".repeat(bytes - "payload=".length)}`;
      const { signingSecret: secret } = proxied.sandbox.slack;
      const headers = signRequest(body, { timestamp: Math.floor(Date.now() / 1000), secret });
      return fetch(`${proxied.proxy.url}/slack/events`, {
        method: "POST",
        headers: { ...headers, "content-type": "application/x-www-form-urlencoded" },
        body,
      });
    };

    // The receiver has read all of it, and answers that it is not JSON.
    expect((await send(bodyLimitBytes)).status).toBe(400);
    expect((await send(bodyLimitBytes + 1)).status).toBe(413);
  });

  test.each(["/", "/healthz", "/metrics", "/slack/eventsx", "/slack/events"])("shows nothing at %s", async (path) => {
    expect((await fetch(`${proxied.proxy.url}${path}`)).status).toBe(404);
  });

  test("does not let a command happen twice that Slack sends to the other one again", async () => {
    await ask("once");
    await expect.poll(recorded).toContain("once");

    await proxied.sandbox.slack.redeliver();
    await proxied.sandbox.slack.redeliver();

    expect((await recorded()).filter((reason) => reason === "once")).toHaveLength(1);
  });

  test("loses no answered command when one of them is killed under load, and none happens twice", async () => {
    const reasons = Array.from({ length: 200 }, (_, index) => `load ${String(index).padStart(3, "0")}`);
    const outcomes: (CommandAnswer & { readonly reason: string })[] = [];
    const sentAfter: string[] = [];
    let isGone = false;
    const before = answers().length;

    await inParallel(reasons, atOnce, async (reason) => {
      if (isGone) sentAfter.push(reason);
      outcomes.push({ ...(await ask(reason)), reason });
      if (outcomes.length !== 60) return;
      await proxied.first.process().kill();
      isGone = true;
    });
    // Stopping waits for what was acknowledged.
    await proxied.second.process().stop();
    const asked = (await recorded()).filter((reason) => reason.startsWith("load"));
    const answered = answers().slice(before);
    await Promise.all([proxied.first.start(), proxied.second.start()]);
    const refused = outcomes.filter(({ error }) => error !== undefined);
    // Slack told each of these people that it did not work: they type it again.
    const again = reasons.filter((reason) => !asked.includes(reason));
    await bothAnswer();
    for (const reason of again) await ask(reason);

    console.info(`one of two killed under 200 commands: ${refused.length} refused, ${again.length} to be typed again`);
    expect(again.filter((reason) => !refused.some((each) => each.reason === reason))).toEqual([]);
    expect(again.filter((reason) => sentAfter.includes(reason))).toEqual([]);
    expect(refused.length).toBeLessThanOrEqual(atOnce);
    expect(refused.filter(({ milliseconds }) => milliseconds >= ackDeadline)).toEqual([]);
    expect(new Set(answered).size).toBe(answered.length);
    expect(answered.length).toBeLessThanOrEqual(asked.length);
    await expect.poll(async () => (await recorded()).filter((reason) => reason.startsWith("load"))).toEqual(reasons);
  });

  test("gives an event to the other one when the first is killed", async () => {
    await proxied.first.process().kill();

    await engineer().openHome();
    await engineer().openHome();

    await expect.poll(() => engineer().home()).toBeDefined();
    await proxied.first.start();
  });

  test("leaves out one that hangs, within the three seconds that Slack waits", async () => {
    process.kill(proxied.first.process().pid, "SIGSTOP");

    const early: CommandAnswer[] = [];
    await inParallel(Array.from({ length: 4 }), 4, async () => early.push(await command("help")));
    // One after the other takes its turn: where two in a row are answered, the one that hangs is left out.
    const two = async () => [(await command("help")).error, (await command("help")).error];
    await expect.poll(two, { timeout: 20_000 }).toEqual([undefined, undefined]);
    const later = [];
    for (let count = 0; count < 6; count += 1) later.push((await command("help")).error);
    process.kill(proxied.first.process().pid, "SIGCONT");

    expect(early.filter(({ milliseconds }) => milliseconds >= ackDeadline)).toEqual([]);
    expect(later).toEqual(Array(6).fill(undefined));
  });
});
