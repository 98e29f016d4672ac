import { randomUUID } from "node:crypto";
import { setTimeout as wait } from "node:timers/promises";
import { Pool } from "undici";
import { signRequest } from "../../sandbox/slack/delivery.ts";
import { inParallel } from "./in-parallel.ts";

/** Where signed slash commands go. */
export interface Receiver {
  /** `http://127.0.0.1:<port>`; the path is Bolt's own. */
  readonly origin: string;
  readonly signingSecret: string;
  /** Where the answers go that come after the acknowledgement. */
  readonly responseUrl: string;
  /** Told of each acknowledgement that is an answer itself. */
  readonly onAnswer: () => void;
}

export interface Load {
  /** Of each acknowledgement, in milliseconds. */
  readonly ackMs: readonly number[];
  /** From the first command sent to the last acknowledgement. */
  readonly seconds: number;
}

/** What a bare connection may hold open: more than are ever in flight. */
const connections = 64;

/**
 * So many commands a second, whether or not those before are acknowledged. Each is counted from the moment at which it
 * was due: a stall is seen in every command that had to wait for it.
 */
export async function atRate(target: Receiver, perSecond: number, seconds: number, line: string): Promise<Load> {
  const count = perSecond * seconds;
  return withPool(target, async (send) => {
    const started = performance.now();
    const sent: Promise<number>[] = [];
    for (let index = 0; index < count; index += 1) {
      const due = started + (index * 1000) / perSecond;
      if (due > performance.now()) await wait(due - performance.now());
      // A timer may fire a little early: then it counts from the sending.
      const from = Math.min(due, performance.now());
      sent.push(send(line).then(() => performance.now() - from));
    }
    return Promise.all(sent);
  });
}

/** So many commands in all, always so many of them in flight. */
export async function asFastAsItGoes(target: Receiver, count: number, inFlight: number, line: string): Promise<Load> {
  return withPool(target, async (send) => {
    const ackMs: number[] = [];
    await inParallel(Array.from({ length: count }), inFlight, async () => {
      const started = performance.now();
      await send(line);
      ackMs.push(performance.now() - started);
    });
    return ackMs;
  });
}

type Send = (line: string) => Promise<void>;

async function withPool(target: Receiver, run: (send: Send) => Promise<readonly number[]>): Promise<Load> {
  const pool = new Pool(target.origin, { connections, pipelining: 1 });
  try {
    const started = performance.now();
    const ackMs = await run((line) => sendCommand(pool, target, line));
    return { ackMs, seconds: (performance.now() - started) / 1000 };
  } finally {
    await pool.close();
  }
}

/** Each with a trigger of its own, as Slack sends them: the very same request would be refused the second time. */
async function sendCommand(
  pool: Pool,
  { signingSecret, responseUrl, onAnswer }: Receiver,
  line: string,
): Promise<void> {
  const payload = {
    ...{ team_id: "T0SANDBOX", team_domain: "sandbox", api_app_id: "A0SANDBOX", is_enterprise_install: "false" },
    ...{ channel_id: "C0ACCESS", channel_name: "cluster-access", user_id: "U0ENGINEER", user_name: "engineer" },
    ...{ command: "/eks-access", text: line, response_url: responseUrl, trigger_id: randomUUID() },
  };
  const body = new URLSearchParams(payload).toString();
  const timestamp = Math.floor(Date.now() / 1000);
  const headers = {
    "content-type": "application/x-www-form-urlencoded",
    ...signRequest(body, { timestamp, secret: signingSecret }),
  };
  const { statusCode, body: answer } = await pool.request({ path: "/slack/events", method: "POST", headers, body });
  const text = await answer.text();
  if (statusCode !== 200) throw new Error(`a slash command was answered with ${statusCode}`);
  if (text !== "") onAnswer();
}
