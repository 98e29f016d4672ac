import { readdirSync, readFileSync, truncateSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { afterEach, expect, test, vi } from "vitest";
import { type ProvidedRedis, provideRedis } from "../../sandbox/redis/provide-redis.ts";
import { verifyChain } from "../../src/access/audit-event.ts";
import { connectRedis } from "../../src/ledger/connect.ts";
import { redisLedger } from "../../src/ledger/ledger.ts";
import { anApprovedRequest, aPreviewedRequest, aRequest } from "../builders/a-request.ts";
import { aChange } from "../builders/an-event.ts";
import { isLong } from "../form.ts";
import { redisOfOurOwn, rewriteFile, writeThrough } from "./own-redis.ts";

let redis: ProvidedRedis | undefined;

afterEach(() => redis?.stop());

/** Approves one request after another until Redis is gone; the ids of those whose approval was acknowledged. */
async function approveUntilGone(url: string, name: string, begun: () => void): Promise<string[]> {
  const { redis: client, close } = await connectRedis(url);
  const ledger = redisLedger(client);
  const acknowledged: string[] = [];
  try {
    for (let count = 0; ; count += 1) {
      const id = `${name}-${count}`;
      await ledger.commit(aChange(aRequest({ id })));
      await ledger.commit(aChange({ ...aPreviewedRequest({ id }), version: 2 }, "request.previewed"));
      const result = await ledger.commit(aChange(anApprovedRequest({ id }), "request.approved"));
      if (result.type === "committed") acknowledged.push(id);
      if (acknowledged.length === 2) begun();
    }
  } catch {
    return acknowledged;
  } finally {
    await close();
  }
}

/** Which of these approvals Redis does not know any more. */
async function lostAmong(url: string, ids: readonly string[]): Promise<string[]> {
  const { redis: client, close } = await connectRedis(url);
  const ledger = redisLedger(client);
  const events = await ledger.events(1, 1_000_000);
  const records = await Promise.all(ids.map((id) => ledger.get(id)));
  const approved = new Set(
    events.filter(({ event }) => event.type === "request.approved").map(({ event }) => event.request),
  );
  await close();

  expect(verifyChain(events)).toMatchObject({ type: "whole" });
  return ids.filter((id, index) => records[index]?.state !== "approved" || !approved.has(id));
}

/**
 * `appendfsync everysec` does not hold this: while a slow fsync runs, Redis puts off the write itself for up to two
 * seconds and answers all the same (redis, aof.c, flushAppendOnlyFile). A power cut loses a second with it anyway.
 */
test("with appendfsync always, Redis killed at any moment forgets no approval that it acknowledged", async () => {
  redis = await redisOfOurOwn();
  const { url } = redis;
  const acknowledged: string[] = [];
  const rounds = isLong ? 20 : 3;

  for (let round = 0; round < rounds; round += 1) {
    let begun = () => {};
    const hasBegun = new Promise<void>((resolve) => {
      begun = resolve;
    });
    const writers = [1, 2, 3, 4].map((writer) => approveUntilGone(url, `r-${round}-${writer}`, begun));
    await hasBegun;
    await wait(37 * (round % 7));
    await redis.kill();
    acknowledged.push(...(await Promise.all(writers)).flat());
    await redis.restart();
  }
  const lost = await lostAmong(url, acknowledged);

  console.info(`Redis killed ${rounds} times: ${acknowledged.length} approvals acknowledged, ${lost.length} lost`);
  expect(lost).toEqual([]);
  expect(acknowledged.length).toBeGreaterThan(rounds);
}, 300_000);

test("a commit that a kill cut in the middle of the file mixes with no later one, if the file is rewritten before the next start", async () => {
  vi.stubEnv("REDIS_URL", "");
  const dataDir = await mkdtemp(join(tmpdir(), "eks-access-cut-"));
  redis = await provideRedis({ dataDir, appendOnly: true });
  vi.unstubAllEnvs();
  const { url } = redis;
  // Otherwise the kill also forgets what came before, if an fsync was slow.
  await writeThrough(url);
  const requestAll = async (...ids: readonly string[]) => {
    const { redis: client, close } = await connectRedis(url);
    for (const id of ids) await redisLedger(client).commit(aChange(aRequest({ id })));
    await close();
  };
  await requestAll("r-1", "r-2", "r-cut");
  await redis.kill();
  const folder = join(dataDir, "appendonlydir");
  const file = join(folder, readdirSync(folder).find((name) => name.endsWith(".incr.aof")) ?? "");
  truncateSync(file, readFileSync(file, "latin1").lastIndexOf("RPUSH"));

  await redis.restart();
  await requestAll("r-3", "r-4");
  await rewriteFile(url);
  await redis.restart();

  const { redis: client, close } = await connectRedis(url);
  const events = await redisLedger(client).events(1, 100);
  await close();
  await redis.stop();
  await rm(dataDir, { recursive: true });
  expect(verifyChain(events)).toMatchObject({ type: "whole" });
  expect(events.map(({ event }) => event.request)).toEqual(["r-1", "r-2", "r-3", "r-4"]);
});
