import { randomInt } from "node:crypto";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { signRequest } from "../../../sandbox/slack/delivery.ts";
import { textOf } from "../../../sandbox/slack/message-content.ts";
import { aPreviewedRequest } from "../../builders/a-request.ts";
import { isLong } from "../../form.ts";
import { aStage, type Stage } from "../../slack/a-stage.ts";
import { type Letter, letters } from "./letters.ts";

let stage: Stage;
beforeAll(async () => {
  stage = await aStage();
});
afterAll(() => stage.stop());

const count = isLong ? 10_000 : 200;
/** As many as are under way at once: what no handler takes is answered after three seconds. */
const atOnce = 500;

/** Signed as Slack would: it comes past the door, into Bolt and the handlers. */
async function send({ contentType, body }: Letter): Promise<number> {
  const timestamp = Math.floor(Date.now() / 1000);
  const signature = signRequest(body, { timestamp, secret: stage.slack.signingSecret });
  const response = await fetch(stage.eventsUrl, {
    method: "POST",
    headers: { ...signature, "content-type": contentType },
    body,
    signal: AbortSignal.timeout(60_000),
  });
  await response.arrayBuffer();
  return response.status;
}

/** In bytes, what is garbage not counted. */
function heapInUse(): number {
  setFlagsFromString("--expose-gc");
  runInNewContext("gc()");
  return process.memoryUsage().heapUsed;
}

/** What a stranger could have changed: a refused click is noted in the log, and counts as a version. */
async function decided(): Promise<unknown> {
  const { version: _, ...request } = (await stage.ledger.get("r-1")) ?? { version: 0 };
  return request;
}

test(`${count} malformed and hostile requests crash nothing and change nothing`, { timeout: 600_000 }, async () => {
  const seed = Number(process.env.EKS_ACCESS_SEED ?? randomInt(2 ** 31));
  await stage.put(aPreviewedRequest());
  const before = await decided();
  const heapBefore = heapInUse();
  const statuses = new Map<number, number>();

  for (let from = 0; from < count; from += atOnce) {
    const some = fc.sample(letters(stage.slack.teamId), { numRuns: Math.min(atOnce, count - from), seed: seed + from });
    for (const status of await Promise.all(some.map(send))) statuses.set(status, (statuses.get(status) ?? 0) + 1);
  }

  const grownMiB = (heapInUse() - heapBefore) / 2 ** 20;
  console.log(
    `hostile requests: ${count}, seed ${seed}, by status ${JSON.stringify([...statuses])}, heap +${grownMiB.toFixed(0)} MiB`,
  );
  expect([...statuses.keys()].filter((status) => ![200, 400, 401, 404, 409, 413, 415].includes(status))).toEqual([]);
  expect(await decided(), `seed ${seed}`).toEqual(before);
  expect(
    await stage.ledger.list({ list: "all", clusters: ["staging"], requester: null, match: "any" }, 0, 9),
  ).toMatchObject({ total: 1 });
  expect(grownMiB).toBeLessThan(30);
  expect(textOf(await stage.say("U0ENGINEER", "help all"))).toContain("/eks-access");
});
