import { connect, createServer, type Socket } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { freePort } from "../../sandbox/product-process.ts";
import { connectRedis } from "../../src/ledger/connect.ts";
import { redisLedger } from "../../src/ledger/ledger.ts";
import { aRedis } from "../redis.ts";

// A connection breaks after Redis did a command and before its answer came: ioredis sends the command again.

const undo: (() => Promise<unknown>)[] = [];
let ledger: ReturnType<typeof redisLedger>;
/** Redis gets the next command, and its answer is lost with the connection. */
let loseNextAnswer: () => void;
let lost = 0;

beforeEach(async () => {
  const database = await aRedis();
  undo.push(database.close);
  const line = await aLine(database.url);
  undo.push(line.close);
  const { redis, close } = await connectRedis(line.url);
  undo.push(close);
  ledger = redisLedger(redis);
});
afterEach(async () => {
  for (const each of undo.splice(0).toReversed()) await each();
});

async function aLine(redisUrl: string) {
  const { port: redisPort, pathname } = new URL(redisUrl);
  let isNextLost = false;
  lost = 0;
  loseNextAnswer = () => {
    isNextLost = true;
  };
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const redis = connect(Number(redisPort), "127.0.0.1");
    for (const socket of [client, redis]) sockets.add(socket.on("error", () => {}));
    client.pipe(redis);
    redis.on("close", () => client.destroy());
    redis.on("data", (answer) => {
      if (!isNextLost) return client.write(answer);
      isNextLost = false;
      lost += 1;
      client.destroy();
    });
  });
  const port = await freePort();
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  const close = () =>
    new Promise((resolve) => {
      server.close(resolve);
      for (const socket of sockets) socket.destroy();
    });
  return { url: `redis://127.0.0.1:${port}${pathname}`, close };
}

test("a turn that was taken before its answer was lost is still the caller's, and no one else's", async () => {
  loseNextAnswer();
  const taken = await ledger.takeTurn("slack:a click", 60_000);
  const again = await ledger.takeTurn("slack:a click", 60_000);
  loseNextAnswer();
  const claimed = await ledger.claimTurn("a notice", 3_600_000);

  expect([taken, again, claimed, lost]).toEqual([true, false, true, 2]);
});
