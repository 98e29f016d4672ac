import { connect, createServer, type Socket } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { freePort } from "../../sandbox/product-process.ts";
import { connectRedis } from "../../src/ledger/connect.ts";
import { redisLedger } from "../../src/ledger/ledger.ts";
import type { LinkChange } from "../../src/ledger/links.ts";
import { aMigration } from "../builders/a-migration.ts";
import { aRequest, revise } from "../builders/a-request.ts";
import { aTrouble } from "../builders/a-trouble.ts";
import { aChange, anEvent } from "../builders/an-event.ts";
import { at } from "../builders/times.ts";
import { aRedis } from "../redis.ts";

// A connection breaks after Redis did a command and before its answer came: ioredis sends the command again.

const undo: (() => Promise<unknown>)[] = [];
/** One is at the line, the other is another process. */
let ledger: ReturnType<typeof redisLedger>;
let other: ReturnType<typeof redisLedger>;
/** Redis gets the next command, and its answer is lost with the connection. */
let loseNextAnswer: (meanwhile?: () => Promise<unknown>) => void;
let lost = 0;

beforeEach(async () => {
  const database = await aRedis();
  undo.push(database.close);
  const line = await aLine(database.url);
  undo.push(line.close);
  const { redis, close } = await connectRedis(line.url);
  undo.push(close);
  ledger = redisLedger(redis);
  const elsewhere = await connectRedis(database.url);
  undo.push(elsewhere.close);
  other = redisLedger(elsewhere.redis);
});
afterEach(async () => {
  for (const each of undo.splice(0).toReversed()) await each();
});

async function aLine(redisUrl: string) {
  const { port: redisPort, pathname } = new URL(redisUrl);
  let beforeLoss: (() => Promise<unknown>) | null = null;
  lost = 0;
  loseNextAnswer = (meanwhile = async () => {}) => {
    beforeLoss = meanwhile;
  };
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const redis = connect(Number(redisPort), "127.0.0.1");
    for (const socket of [client, redis]) sockets.add(socket.on("error", () => {}));
    client.pipe(redis);
    redis.on("close", () => client.destroy());
    redis.on("data", (answer) => {
      const meanwhile = beforeLoss;
      if (meanwhile === null) return client.write(answer);
      beforeLoss = null;
      lost += 1;
      meanwhile().finally(() => client.destroy());
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

const arn = "arn:aws:iam::111122223333:user/engineer";
const link = { arn, seal: { by: "U0ADMIN", at: at(0).toISOString(), seal: "00000000.00" } };
const proposal = { id: "p-1", user: "U0ENGINEER", arn, at: at(0).toISOString() };
const linkChange = (to: Partial<LinkChange>): LinkChange => ({
  ...{ user: "U0ENGINEER", expected: null, link: null, proposal: null, event: anEvent({ request: "", cluster: "" }) },
  ...to,
});

test.each([
  ["an attempt", () => ledger.note(anEvent({ type: "attempt.refused" }))],
  ["an event of no record", () => ledger.append(anEvent({ type: "cluster.removed" }))],
  ["a link that a person makes", () => ledger.changeLink(linkChange({ link }))],
  ["a new request", () => ledger.commit(aChange(aRequest()))],
  ["a migration", () => ledger.commit({ after: aMigration(), event: anEvent({ request: "migration-staging-1" }) })],
] as const)("%s is in the audit log once, also after another event", async (_, write) => {
  loseNextAnswer(() => other.append(anEvent({ type: "link.made" })));
  await write();

  const types = (await ledger.events(1, 10)).map(({ event }) => event.type);
  expect([types.length, types.filter((type) => type === "link.made").length, lost]).toEqual([2, 1, 1]);
});

test("an administrator who confirmed a link reads that, and not that somebody else decided", async () => {
  await ledger.changeLink(linkChange({ proposal }));

  loseNextAnswer();
  const isConfirmed = await ledger.changeLink(linkChange({ expected: "p-1", link }));

  expect([isConfirmed, lost]).toEqual([true, 1]);
  expect(await ledger.linksOf("U0ENGINEER")).toEqual([link]);
});

test("new questions about a link do not replace themselves", async () => {
  const questions = { places: [{ channel: "D0ADMIN", ts: "1.2" }], seal: "00000000.00" };
  await ledger.changeLink(linkChange({ proposal }));

  loseNextAnswer();
  const before = await ledger.swapLinkQuestions("U0ENGINEER", "p-1", questions);

  expect([before, lost]).toEqual([null, 1]);
});

test("a request is committed, also if another process has changed it before its answer could come again: none is made twice", async () => {
  const request = aRequest();
  const next = revise(request, { trouble: aTrouble() });

  loseNextAnswer(() => other.commit(aChange(next, "request.previewed")));
  const made = await ledger.commit(aChange(request));
  const overwriting = await ledger.commit(aChange(revise(request, { reason: "another one" })));

  expect(made).toEqual({ type: "committed" });
  expect(overwriting).toEqual({ type: "conflict", current: next });
  expect(await ledger.events(1, 10)).toHaveLength(2);
});
