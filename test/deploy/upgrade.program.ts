import { execFile } from "node:child_process";
import { copyFile, mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import * as esbuild from "esbuild";
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { freePort, type ProductProcess, type Program, spawnProduct } from "../../sandbox/product-process.ts";
import { type Sandbox, startSandbox } from "../../sandbox/sandbox.ts";
import { arns, channel, clusterName } from "../../sandbox/scene.ts";
import type { SandboxMessage } from "../../sandbox/slack/inputs.ts";
import { textOf } from "../../sandbox/slack/message-content.ts";
import { schema } from "../../src/ledger/connect.ts";
import { auditOf } from "../flow/audit-of.ts";
import { bundledProduct } from "../product.ts";
import { aRedis, type TestRedis } from "../redis.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const git = async (...args: readonly string[]) => (await promisify(execFile)("git", args, { cwd: root })).stdout.trim();

/** The last release. Before there is one: a commit whose ledger has schema 7, and one with the present schema. */
async function previousRevisions(): Promise<readonly string[]> {
  const { EKS_ACCESS_PREVIOUS: given } = process.env;
  if (given !== undefined) return [given];
  const release = await git("describe", "--tags", "--abbrev=0", "--match", "v[0-9]*").catch(() => null);
  return release === null ? ["5128684a", "03596871"] : [release];
}

interface Previous extends Program {
  readonly schema: string | undefined;
}

/** Builds the program of a revision, with the packages that are installed. */
async function builtFrom(revision: string, folder: string): Promise<Previous> {
  const archive = join(folder, "source.tar");
  await git("archive", "--output", archive, revision, "src", "package.json", "tsconfig.json");
  await promisify(execFile)("tar", ["-xf", archive, "-C", folder]);
  await esbuild.build({
    entryPoints: [join(folder, "src/bin/eks-access.ts")],
    outdir: join(folder, "dist/bin"),
    ...{ bundle: true, splitting: true, platform: "node", format: "esm", target: "node20", logLevel: "error" },
    banner: { js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);' },
  });
  await copyFile(join(root, "package.json"), join(folder, "package.json"));
  const source = (path: string) => readFile(join(folder, "src", path), "utf8");
  // Builds before the first release have it in a folder below.
  const connect = await source("ledger/connect.ts").catch(() => source("ledger/redis/connect.ts"));
  return {
    ...{ script: join(folder, "dist/bin/eks-access.js"), nodeFlags: [] },
    schema: /export const schema = "(\d+)"/.exec(connect)?.[1],
  };
}

const kinds = ["slack", "worker"] as const;

let folder: string;
let previous: Previous;
let present: Program;

describe.each(await previousRevisions())("with %s,", (revision) => {
  beforeAll(async () => {
    const cache = join(root, "node_modules/.cache/eks-access");
    await mkdir(cache, { recursive: true });
    folder = await mkdtemp(join(cache, "previous-"));
    previous = await builtFrom(revision, folder);
    present = await bundledProduct();
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  describe.each([
    ["an upgrade", () => [previous, present] as const],
    ["a way back", () => [present, previous] as const],
  ])("%s from one release to the other", (_name, programs) => testMove(programs));
});

function testMove(programs: () => readonly [Program, Program]): void {
  let sandbox: Sandbox;
  let redis: TestRedis;
  let port: number;
  let running: ProductProcess[] = [];

  beforeAll(async () => {
    [sandbox, redis, port] = await Promise.all([startSandbox({ slackRateLimits: false }), aRedis(), freePort()]);
    sandbox.slack.connect(`http://127.0.0.1:${port}/slack/events`);
  });
  afterAll(async () => {
    await Promise.all(running.map((each) => each.stop()));
    await sandbox.stop();
    await redis.close();
  });

  /** Starts both. Which of them refuse to, with what they say. */
  async function startBoth(program: Program): Promise<readonly string[]> {
    const started = await Promise.all(
      kinds.map((kind) => spawnProduct(program, kind, sandbox.environmentOf(kind, { redisUrl: redis.url, port }))),
    );
    running = started;
    const ends = started.map(async (each) => {
      const code = await Promise.race([each.logged('"msg":"ready"').then(() => null), each.exited]);
      return code === null ? [] : [`${code}: ${each.log.join("\n")}`];
    });
    return (await Promise.all(ends)).flat();
  }

  async function stopBoth(): Promise<void> {
    await Promise.all(running.map((each) => each.stop()));
    running = [];
  }

  const messageWith = (find: (each: SandboxMessage) => boolean) =>
    sandbox.slack.until(() => sandbox.slack.messages(channel).findLast(find));
  const message = (...texts: readonly string[]) =>
    messageWith((each) => texts.every((text) => textOf(each).includes(text)));
  const ask = (reason: string) =>
    sandbox.slack
      .person("U0ENGINEER")
      .command(`/eks-access request ${clusterName} ${arns.engineer} viewer for 10m ${reason}`, channel);
  const approve = (asked: SandboxMessage) => sandbox.slack.person("U0APPROVER").click(asked, "approve");

  /** Everything that one of them could have changed, without what goes by itself after a time. */
  async function everything(): Promise<unknown> {
    const client = new Redis(redis.url);
    const keys = (await client.keys("*")).sort();
    const values = await Promise.all(
      keys.map(async (key) => ({ key, lasts: await client.pttl(key), value: await client.dumpBuffer(key) })),
    );
    client.disconnect();
    const kept = values.filter(({ lasts }) => lasts === -1);
    return {
      kept: kept.map(({ key, value }) => `${key} ${value?.toString("hex")}`),
      cluster: sandbox.cluster.awsAuth(),
    };
  }

  test("continues with what the other one wrote, or refuses at its start and changes nothing", async () => {
    const [before, after] = programs();
    expect(await startBoth(before)).toEqual([]);
    await ask("before");
    await approve(await message("before", "[Approve]"));
    const active = await message("before", "*Active*");
    await ask("waiting");
    const waiting = await message("waiting", "[Approve]");
    await stopBoth();
    const state = await everything();

    const refused = await startBoth(after);

    if (previous.schema !== schema) {
      for (const each of refused) expect(each).toMatch(/^2: [\s\S]*The ledger in Redis has schema/);
      expect(refused).toHaveLength(kinds.length);
      expect(await everything()).toEqual(state);
      return;
    }
    expect(refused).toEqual([]);
    await approve(waiting);
    await message("waiting", "*Active*");
    const approver = sandbox.slack.person("U0APPROVER");
    await approver.click(active, "revoke");
    await sandbox.slack.until(() => approver.view());
    await approver.submit({ why: "another release" });
    // Another lease still gives the access: the end says so in the place of the reason.
    await messageWith((each) => each.ts === active.ts && textOf(each).includes("*Ended*"));
    const { verdict, events } = await auditOf(redis.url);
    const lost = ["annotation.refused", "record.unreadable", "approval.void", "preview.refused"];
    expect(verdict.type).toBe("whole");
    expect(events.filter(({ event }) => lost.includes(event.type))).toEqual([]);
  });
}
