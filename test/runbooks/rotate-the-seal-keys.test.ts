import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { arns, channel, clusterName, configuration, initialAwsAuth } from "../../sandbox/scene.ts";
import { textOf } from "../../sandbox/slack/text-of.ts";
import { auditOf } from "../flow/audit-of.ts";
import { aProduct, type Product } from "./a-product.ts";
import { expectSentences, runLine, settingsOf } from "./runbook.ts";
import { typeLine } from "./type-line.ts";

const both = ["slack", "worker"] as const;
const variable = "MEMORY_KEYS";
/** A rule goes by links, which are sealed too. */
const byLinks = `${configuration}
policy:
  rules: [{ name: with the principal that is theirs, principals: { linkedOnly: true } }]
`;
const fresh = "the new seal key of at least 32 characters";

let product: Product;
let old: string;
beforeEach(async () => {
  product = await aProduct({ configuration: byLinks });
  old = product.sandbox.environmentOf("worker", { redisUrl: "" })[variable] ?? "";
});
afterEach(() => product.close());

async function restart(kind: (typeof both)[number], keys = ""): Promise<void> {
  await product.stop(kind);
  await product.start(kind, { [variable]: keys });
}

const link = () => product.sandbox.slack.person("U0ENGINEER").command(`/eks-access link ${arns.engineer}`);

/** Asks, approves as soon as there is a button, and returns the request's id. */
async function give(duration: string, reason: string): Promise<string> {
  await product.ask(duration, reason);
  const asked = await product.message(reason, "[Approve]");
  await product.approve(asked);
  return /r-[a-z0-9]{8}/.exec(textOf(asked))?.[0] ?? "";
}

describe("rotate the seal keys", () => {
  const heading = "Rotate the seal keys";
  const list = (which: "active" | "pending") =>
    typeLine(product.sandbox, "U0APPROVER", heading, `/eks-access list ${which}`);

  test("one process after the other: what is decided meanwhile holds, and nothing that the old key speaks for is left when it goes", async () => {
    const settings = settingsOf(heading, variable, { new: fresh, old });
    const [known, used, alone] = settings;
    const approver = product.sandbox.slack.person("U0APPROVER");
    await link();
    const before = await give("1h", "before");
    await product.message("before", "*Active*");

    for (const kind of both) await restart(kind, known);
    // The Slack process seals with the new key already, and the worker with the old one still.
    await restart("slack", used);
    const between = await give("1h", "between");
    await product.message("between", "*Active*");
    await restart("worker", used);
    const named = [await list("active"), await list("pending")];
    for (const id of [before, between]) await approver.command(`/eks-access revoke ${id} done`, channel);
    await product.message("before", "*Ended*");
    await product.message("between", "*Ended*");
    const over = [await list("active"), await list("pending")];
    for (const kind of both) await restart(kind, alone);
    const whoami = await typeLine(product.sandbox, "U0ENGINEER", heading, "/eks-access whoami");
    await link();
    await give("10m", "after");
    await product.message("after", "*Active*");

    expect(settings).toHaveLength(3);
    expect([before, between].filter((id) => !named[0]?.includes(id))).toEqual([]);
    expect(over).toEqual([expect.stringMatching(/: none\n/), expect.stringMatching(/: none\n/)]);
    expectSentences(heading, [whoami]);
    const { types } = await auditOf(product.redisUrl);
    expect(types.filter((type) => /void|refused|replayed/.test(type))).toEqual([]);
  });
});

describe("rotate the seal keys after a compromise", () => {
  const heading = "Rotate the seal keys after a compromise";
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "eks-access-export-"));
  });
  afterEach(() => rm(folder, { recursive: true }));

  const type = (line: `/eks-access ${string}`, given: Readonly<Record<string, string>> = {}, user = "U0APPROVER") =>
    typeLine(product.sandbox, user, heading, line, given);

  test("what nobody knows of is taken away, and then the stolen key gives nothing any more", async () => {
    const [beside, alone] = settingsOf(heading, variable, { new: fresh, old });
    await link();
    const ID = await give("1h", "of nobody");
    await product.message("of nobody", "*Active*");
    await product.ask("1h", "nor this");
    const waiting = /r-[a-z0-9]{8}/.exec(textOf(await product.message("nor this", "[Approve]")))?.[0] ?? "";
    product.inEnvironmentOf("worker");
    const anchor = /anchor (\S+)/.exec((await runLine("Restore", "eks-access audit verify")).stdout)?.[1] ?? "";

    for (const kind of both) await product.stop(kind);
    const verified = await runLine(heading, "eks-access audit verify --anchor", { "COUNT:HASH": anchor });
    const exported = await runLine(heading, "eks-access audit export");
    for (const kind of both) await product.start(kind, { [variable]: beside ?? "" });
    const lists = [await type("/eks-access list active"), await type("/eks-access list pending")];
    await type("/eks-access revoke", { ID, WHY: "unknown" });
    await type("/eks-access cancel", { ID: waiting }, "U0ENGINEER");
    const ended = textOf(await product.message("of nobody", "*Ended*"));
    const checked = await type("/eks-access check", { CLUSTER: clusterName });
    for (const kind of both) await restart(kind, alone);
    const whoami = await type("/eks-access whoami", {}, "U0ENGINEER");
    await link();
    await whoHasTheOldKeyApproves("once more", alone);
    await product.message("once more", "is void");
    const last = await type("/eks-access list active");

    expectSentences(heading, [...product.readable(), verified.stdout, whoami]);
    expect(verified).toMatchObject({ code: 0 });
    await expectWhole(exported.stdout, anchor);
    expect(lists).toEqual([expect.stringContaining(ID), expect.stringContaining(waiting)]);
    expect(ended).toContain("Revoked by <@U0APPROVER>");
    expect(checked).toContain(`*aws-auth of \`${clusterName}\`* ✓`);
    expect(last).toContain(": none\n");
    expect(product.sandbox.cluster.awsAuth()?.data).toEqual(initialAwsAuth);
  });

  /** Decides in somebody's name, by the key that is out, before the worker looks. */
  async function whoHasTheOldKeyApproves(reason: string, keys = ""): Promise<void> {
    await product.ask("10m", reason);
    const asked = await product.message(reason, "[Approve]");
    await product.stop("worker");
    await restart("slack", `${old},${keys}`);
    await product.approve(asked);
    await product.message(reason, "Approved by");
    for (const kind of both) await restart(kind, keys);
  }

  /** What was exported is the log that the anchor speaks of. */
  async function expectWhole(jsonl: string, anchor: string): Promise<void> {
    const file = join(folder, "export.jsonl");
    await writeFile(file, jsonl);
    const { audit } = await import("../../src/bin/audit.ts");
    const { runCommand } = await import("../bin/check-run.ts");
    const { code, stdout } = await runCommand(audit, ["verify", "--file", file, "--anchor", anchor]);
    expect([code, stdout]).toEqual([0, expect.stringContaining("whole: ")]);
  }
});
