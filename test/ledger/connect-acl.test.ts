import { inspect } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { explainFailure } from "../../src/access/access-error.ts";
import { connectRedis } from "../../src/ledger/connect.ts";
import { aLedgerOn } from "./a-ledger-on.ts";
import { type AServer, aServer } from "./a-server.ts";
import { askAWorker } from "./ask-a-worker.ts";
import { ledgerContract } from "./contract.ts";
import { refusalsOf, serverRights } from "./documented-rights.ts";

const access = { username: "eks-access", password: "hunter2secret" };

let server: AServer;

beforeAll(async () => {
  server = await aServer([`user eks-access on >hunter2secret ${serverRights}`]);
});

afterAll(() => server.stop());

describe("the ledger as a user with the rights of docs/operating.md", () => {
  ledgerContract(() => aLedgerOn({ url: server.url, access }, [server.url]));
});

test("the queues work with these rights, and nothing was refused on the way", async () => {
  const answer = await askAWorker(server.url, access);

  expect(answer).toBe("looked at staging");
  expect(await refusalsOf(server.url)).toEqual([]);
});

test.each([
  ["keys of others", ["GET", "somebody-elses"]],
  ["all keys at once", ["KEYS", "*"]],
  ["emptying the database", ["FLUSHALL"]],
  ["settings of the server", ["CONFIG", "GET", "*"]],
  ["messages to others", ["PUBLISH", "anything", "text"]],
  ["a script for keys of others", ["EVAL", "return redis.call('SET', 'somebody-elses', '1')", "0"]],
])("these rights do not reach %s", async (_, [command = "", ...args]) => {
  const { redis, close } = await connectRedis(server.url, access);

  const failure = await redis.call(command, ...args).catch((error: unknown) => error);
  await close();

  expect(String(failure)).toMatch(/NOPERM|No permissions|can't run this command/);
});

test("the user of the URL counts if there is no other", async () => {
  const url = server.url.replace("redis://", "redis://eks-access:hunter2secret@");

  const { redis, close } = await connectRedis(url);
  const user = await redis.get("{eks-access}:anything");
  await close();

  expect(user).toBeNull();
});

test.each([
  ["a wrong password", { ...access, password: "wrong-hunter2secret" }],
  ["an unknown user", { username: "nobody", password: "hunter2secret" }],
])("%s is reported as such, and neither the error nor its cause shows it", async (_, wrong) => {
  const failure = await connectRedis(server.url, wrong).catch((error: unknown) => error);

  expect(explainFailure(failure)).toBe(
    `Redis at ${server.url}/0 refuses user or password. Check REDIS_URL, REDIS_USERNAME and REDIS_PASSWORD.`,
  );
  expect(inspect(failure, { depth: 10, showHidden: true })).not.toContain("hunter2secret");
});
