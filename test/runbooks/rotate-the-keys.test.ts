import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { arns, channel, clusterName, configuration, initialAwsAuth } from "../../sandbox/scene.ts";
import { textOf } from "../../sandbox/slack/message-content.ts";
import { audit } from "../../src/bin/audit.ts";
import { newKeys } from "../../src/bin/keys.ts";
import { redisAuditLog } from "../../src/ledger/audit-log.ts";
import { connectRedis } from "../../src/ledger/connect.ts";
import { forgetOldEvents } from "../../src/worker/upkeep/keep-audit.ts";
import { runCommand } from "../bin/check-run.ts";
import { keysOf } from "../builders/keys.ts";
import { auditOf } from "../flow/audit-of.ts";
import { aProduct, type Product } from "./a-product.ts";
import { expectSentences, runLine, settingsOf } from "./runbook.ts";
import { typeLine } from "./type-line.ts";

type Kind = "slack" | "worker";

const both = ["slack", "worker"] as const;
/** A rule uses links, which are sealed too. */
const byLinks = `${configuration.replace("levels:", "drift: repair\n    levels:")}
policy:
  rules:
    - { name: two for admins, levels: [admin], approvals: 2 }
    - { name: with the principal that is theirs, permanent: true, principals: { linkedOnly: true } }
`;
const made = newKeys();
const fresh = { ...made.slack, ...made.worker };
type Variable = keyof typeof fresh;

let product: Product;
let old: typeof fresh;
/** What the steps so far have changed in each environment. */
let changes: Record<Kind, Record<string, string>>;
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "eks-access-export-"));
  product = await aProduct({ configuration: byLinks });
  const [slack, worker] = both.map((kind) => product.sandbox.environmentOf(kind, { redisUrl: "" }));
  old = { ...fresh, ...slack, ...worker };
  changes = { slack: {}, worker: {} };
});
afterEach(async () => {
  await product.close();
  await rm(folder, { recursive: true });
});

/** The values of a variable that a runbook names, in its order. */
function valuesOf(heading: string, name: Variable): readonly string[] {
  return settingsOf(heading, name, { old: old[name], new: fresh[name] });
}

async function start(
  kinds: readonly Kind[],
  change: { readonly [Name in Variable]?: string | undefined } = {},
): Promise<void> {
  for (const kind of kinds) {
    for (const [name, value = ""] of Object.entries(change)) changes[kind][name] = value;
    await product.stop(kind);
    await product.start(kind, changes[kind]);
  }
}

const link = () => product.sandbox.slack.person("U0ENGINEER").command(`/eks-access link ${arns.engineer}`);
const idIn = (text: string) => /r-[a-z0-9]{8}/.exec(text)?.[0] ?? "";

/** Asks, approves as soon as there is a button, and returns the request's id. */
async function give(duration: string, reason: string): Promise<string> {
  await product.ask(duration, reason);
  const asked = await product.message(reason, "[Approve]");
  await product.approve(asked);
  return idIn(JSON.stringify(asked.blocks));
}

async function activate(duration: string, reason: string): Promise<string> {
  const id = await give(duration, reason);
  await product.message(reason, "*Active*");
  return id;
}

const click = async (user: string, reason: string) =>
  product.sandbox.slack.person(user).click(await product.message(reason, "[Approve]"), "approve");

async function revoke(id: string, reason: string): Promise<void> {
  await product.sandbox.slack.person("U0APPROVER").command(`/eks-access revoke ${id} done`, channel);
  await product.message(reason, "*Ended*");
}

/** @param change that the process does not have yet */
async function doctorSays(heading: string, kind: Kind, change: Readonly<Record<string, string>> = {}): Promise<string> {
  product.inEnvironmentOf(kind, { ...changes[kind], ...change });
  const { stdout } = await runLine(heading, `eks-access doctor ${kind}`);
  // The worker of this process reads it too.
  product.inEnvironmentOf("worker", changes.worker);
  return stdout;
}

async function troubles(): Promise<readonly string[]> {
  const { types } = await auditOf(product.redisUrl);
  return types.filter((type) => /void|refused|replayed/.test(type));
}

/** A worker has forgotten all that there is so far. */
async function forgetEvents(): Promise<void> {
  const { redis, close } = await connectRedis(product.redisUrl);
  const settings = { channel: null, anchorEverySeconds: 60, keepSeconds: 0, sinks: [] };
  const { preview } = keysOf(product.sandbox);
  expect(await forgetOldEvents(redisAuditLog(redis), settings, preview, new Date(Date.now() + 1_000))).toBeNull();
  await close();
}

describe("each key is rotated, one process after the other: what was made meanwhile holds, and nothing needs the old key when it goes", () => {
  test("the decision key", async () => {
    const heading = "Rotate the decision key";
    const [known, alone] = valuesOf(heading, "DECISION_PUBLIC_KEYS");
    const [used] = valuesOf(heading, "DECISION_SIGNING_KEY");
    const half = (user: string) => click(user, "one more admin");
    await link();
    const before = await activate("permanent", "for good");
    await product.sandbox.slack
      .person("U0ENGINEER")
      .command(`/eks-access request ${clusterName} ${arns.onCall} admin for 10m one more admin`, channel);
    await half("U0APPROVER");
    await product.message("one more admin", "1 of 2");

    await start(both, { DECISION_PUBLIC_KEYS: known });
    const needed = await doctorSays(heading, "slack", { DECISION_SIGNING_KEY: used ?? "" });
    await start(["slack"], { DECISION_SIGNING_KEY: used });
    await expect
      .poll(() => doctorSays(heading, "slack"))
      .toMatch(/nothing needs the decision key \S+, which only verifies/);
    await start(both, { DECISION_PUBLIC_KEYS: alone });
    await product.sandbox.cluster.editAwsAuth((map) => ({ ...map, data: { ...initialAwsAuth } }));
    await half("U0APPROVER2");
    await product.message("one more admin", "*Active*");
    await expect.poll(() => product.sandbox.cluster.awsAuth()?.data?.mapUsers).toContain(arns.engineer);
    await revoke(before, "for good");

    expect(needed).toMatch(/keep the decision key \S+: [23] records need it/);
    expect(product.sandbox.slack.messages(channel).filter((each) => textOf(each).includes("for good"))).toHaveLength(1);
    expect(product.readable().filter((text) => text.includes("someone changed"))).toEqual([]);
    expect(await troubles()).toEqual([]);
  });

  test("the memory key, in the worker alone", async () => {
    const heading = "Rotate the memory key";
    const [known, used, alone] = valuesOf(heading, "MEMORY_KEYS");
    await link();
    const quiet = await activate("permanent", "for good");

    await start(["worker"], { MEMORY_KEYS: known });
    const needed = await doctorSays(heading, "worker", { MEMORY_KEYS: used ?? "" });
    await start(["worker"], { MEMORY_KEYS: used });
    await expect.poll(() => doctorSays(heading, "worker")).not.toContain("keep the memory key");
    const free = await doctorSays(heading, "worker");
    await start(["worker"], { MEMORY_KEYS: alone });
    await revoke(quiet, "for good");

    expect(needed.match(/keep the memory key \S+: 1 record needs it/g)).toHaveLength(2);
    expect(free.match(/nothing needs the memory key \S+, which only verifies/g)).toHaveLength(2);
    expect(product.sandbox.cluster.awsAuth()?.data).toEqual(initialAwsAuth);
    expect(await troubles()).toEqual([]);
  });

  test("the preview key, with waiting requests and an audit log with removed events", async () => {
    const heading = "Rotate the preview key";
    const [known, alone] = valuesOf(heading, "PREVIEW_PUBLIC_KEYS");
    const [used] = valuesOf(heading, "PREVIEW_SIGNING_KEY");
    await link();
    await forgetEvents();
    await product.ask("10m", "waits with the old preview");
    const waiting = await product.message("waits with the old preview", "[Approve]");

    await start(both, { PREVIEW_PUBLIC_KEYS: known });
    await start(["worker"], { PREVIEW_SIGNING_KEY: used });
    await expect
      .poll(() => doctorSays(heading, "worker"))
      .toMatch(/nothing needs the preview key \S+, which only verifies/);
    await start(both, { PREVIEW_PUBLIC_KEYS: alone });
    await product.approve(waiting);
    await product.message("waits with the old preview", "*Active*");
    product.inEnvironmentOf("slack", changes.slack);
    const verified = await runLine(heading, "eks-access audit verify");

    expectSentences(heading, [verified.stdout]);
    expect(await troubles()).toEqual([]);
  });
});

describe("after a compromise", () => {
  const heading = "Rotate a key after a compromise";
  const type = (line: `/eks-access ${string}`, given: Readonly<Record<string, string>> = {}, user = "U0APPROVER") =>
    typeLine(product.sandbox, user, heading, line, given);

  /** The steps of the page, with one kind of key. What people could read meanwhile, and what is active at its end. */
  async function rotate(beside: () => Promise<void>, alone: () => Promise<void>): Promise<readonly string[]> {
    await link();
    const ID = await activate("1h", "of nobody");
    await product.ask("1h", "nor this");
    const waiting = idIn(JSON.stringify((await product.message("nor this", "[Approve]")).blocks));
    product.inEnvironmentOf("worker");
    const anchor = /anchor (\S+)/.exec((await runLine("Restore", "eks-access audit verify")).stdout)?.[1] ?? "";

    for (const kind of both) await product.stop(kind);
    const verified = await runLine(heading, "eks-access audit verify --anchor", { "COUNT:HASH": anchor });
    const exported = await runLine(heading, "eks-access audit export");
    await beside();
    const lists = [await type("/eks-access list active"), await type("/eks-access list pending")];
    await type("/eks-access revoke", { ID, WHY: "unknown" });
    await type("/eks-access cancel", { ID: waiting }, "U0ENGINEER");
    const ended = textOf(await product.message("of nobody", "*Ended*"));
    const checked = await type("/eks-access check", { CLUSTER: clusterName });
    await alone();

    expect(verified).toMatchObject({ code: 0 });
    await expectWhole(exported.stdout, anchor);
    expect(lists).toEqual([expect.stringContaining(ID), expect.stringContaining(waiting)]);
    expect(ended).toContain("revoked by <@U0APPROVER>");
    expect(checked).toContain(`*aws-auth of \`${clusterName}\`* ✓`);
    expect(product.sandbox.cluster.awsAuth()?.data).toEqual(initialAwsAuth);
    return [verified.stdout];
  }

  test("of the decision key unknown access is revoked, and then the stolen key decides nothing", async () => {
    const [known, alone = ""] = valuesOf(heading, "DECISION_PUBLIC_KEYS");
    const [used] = valuesOf(heading, "DECISION_SIGNING_KEY");
    const read = await rotate(
      async () => {
        await start(["slack"], { DECISION_SIGNING_KEY: used, DECISION_PUBLIC_KEYS: alone });
        await start(["worker"], { DECISION_PUBLIC_KEYS: known });
      },
      () => start(both, { DECISION_PUBLIC_KEYS: alone }),
    );
    const whoami = await type("/eks-access whoami", {}, "U0ENGINEER");
    await link();

    await product.ask("10m", "once more");
    const asked = await product.message("once more", "[Approve]");
    await product.stop("worker");
    await start(["slack"], { DECISION_SIGNING_KEY: old.DECISION_SIGNING_KEY });
    await product.approve(asked);
    await product.message("once more", "Approved by");
    await start(["slack"], { DECISION_SIGNING_KEY: used });
    await start(["worker"]);
    await product.message("once more", "no longer counts");
    await product.told("needs a new decision");

    expectSentences(heading, [...product.readable(), ...read, whoami]);
    expect(await type("/eks-access list active")).toContain(": none\n");
    expect(product.sandbox.cluster.awsAuth()?.data).toEqual(initialAwsAuth);
  });

  test("of the memory key what it sealed in a cluster is no longer trusted", async () => {
    const [known, alone] = valuesOf(heading, "MEMORY_KEYS");
    await rotate(
      async () => {
        await start(["slack"]);
        await start(["worker"], { MEMORY_KEYS: known });
      },
      () => start(["worker"], { MEMORY_KEYS: alone }),
    );

    await start(["worker"], { MEMORY_KEYS: old.MEMORY_KEYS });
    const theirs = await activate("1h", "sealed by the thief");
    await start(["worker"], { MEMORY_KEYS: alone });
    await revoke(theirs, "sealed by the thief");

    expect(await troubles()).toContain("annotation.refused");
  });

  test("of the preview key nothing that it signed has a button, and the log still verifies", async () => {
    const [known, alone] = valuesOf(heading, "PREVIEW_PUBLIC_KEYS");
    const [used] = valuesOf(heading, "PREVIEW_SIGNING_KEY");
    await forgetEvents();
    await rotate(
      async () => {
        await start(["slack"], { PREVIEW_PUBLIC_KEYS: known });
        await start(["worker"], { PREVIEW_SIGNING_KEY: used, PREVIEW_PUBLIC_KEYS: known });
      },
      () => start(both, { PREVIEW_PUBLIC_KEYS: alone }),
    );
    product.inEnvironmentOf("worker", changes.worker);
    const verified = await runLine(heading, "eks-access audit verify --anchor", { "COUNT:HASH": await newestAnchor() });

    await start(["worker"], { PREVIEW_SIGNING_KEY: old.PREVIEW_SIGNING_KEY });
    await product.ask("10m", "shown by the thief");
    await expect.poll(troubles).toContain("preview.refused");
    const shown = product.sandbox.slack.messages(channel).map(textOf);

    expect(verified).toMatchObject({ code: 0, stdout: expect.stringContaining("whole: ") });
    expect(shown.filter((text) => text.includes("shown by the thief") && text.includes("[Approve]"))).toEqual([]);
  });

  async function newestAnchor(): Promise<string> {
    return /anchor (\S+)/.exec((await runCommand(audit, ["verify"])).stdout)?.[1] ?? "";
  }

  /** What was exported is the log that the anchor speaks of. */
  async function expectWhole(jsonl: string, anchor: string): Promise<void> {
    const file = join(folder, "export.jsonl");
    await writeFile(file, jsonl);
    const { code, stdout } = await runCommand(audit, ["verify", "--file", file, "--anchor", anchor]);
    expect([code, stdout]).toEqual([0, expect.stringContaining("whole: ")]);
  }
});
