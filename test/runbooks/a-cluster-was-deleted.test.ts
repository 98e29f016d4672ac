import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { channel, clusterName, configuration } from "../../sandbox/scene.ts";
import { wholeTextOf } from "../../sandbox/slack/message-content.ts";
import { auditOf } from "../flow/audit-of.ts";
import { aProduct, type Product } from "./a-product.ts";
import { expectSentences, linesOf, runLine } from "./runbook.ts";

let product: Product;
let folder: string;
let withoutIt: string;
beforeEach(async () => {
  product = await aProduct();
  folder = await mkdtemp(join(tmpdir(), "eks-access-runbook-"));
  withoutIt = join(folder, "eks-access.yml");
});
afterEach(async () => {
  await product.close();
  await rm(folder, { recursive: true });
});

const heading = "A cluster was deleted";
const who = { CLUSTER: clusterName, "SLACK-USER": "U0ONCALL" };

/** A person has access, the cluster goes, and the access is to be removed. */
async function deleted(): Promise<void> {
  await product.ask("10m", "debug");
  await product.approve(await product.message("debug", "[Approve]"));
  await product.message("debug", "*Active*");
  product.inEnvironmentOf("worker");
  const early = await runLine(heading, "eks-access retire CLUSTER", who);
  const { sandbox } = product;

  sandbox.aws.removeCluster(`arn:aws:eks:eu-central-1:111122223333:cluster/${clusterName}`);
  await product.ask("10m", "too late");
  await sandbox.slack.person("U0APPROVER").click(await product.message("debug", "*Active*"), "revoke");
  await sandbox.slack.until(() => sandbox.slack.person("U0APPROVER").view());
  await sandbox.slack.person("U0APPROVER").submit({ why: "the cluster is gone" });
  await product.message("debug", "next try");
  await sandbox.slack.until(() =>
    sandbox.slack
      .person("U0ENGINEER")
      .directMessages()
      .find(({ text }) => text.includes("nothing changed")),
  );
  expect(early).toMatchObject({ code: 1, stdout: "" });
  expect(early.stderr).toContain(`EKS still has ${clusterName}`);
}

test("nothing is closed of a cluster whose name belongs to another one now: AWS answers about that one", async () => {
  await product.ask("10m", "debug");
  await product.approve(await product.message("debug", "[Approve]"));
  await product.message("debug", "*Active*");
  await writeFile(withoutIt, configuration.replace("region: eu-central-1", "region: eu-west-1"));
  product.inEnvironmentOf("worker", { EKS_ACCESS_CONFIG: withoutIt });

  const retired = await runLine(heading, "eks-access retire CLUSTER", who);

  expect(retired).toMatchObject({ code: 1, stdout: "" });
  expect(retired.stderr).toMatch(/Closed nothing\. .*r-[a-z0-9]{8} belongs to arn:aws:eks:eu-central-1:/);
  expect(await product.sandbox.getPods("U0ENGINEER", clusterName)).toMatchObject({ ok: true });
});

/** The configuration without the cluster, read by both processes. */
async function removeFromConfiguration(): Promise<void> {
  const operators = `operators:\n  channel: ${channel}\n`;
  await writeFile(withoutIt, configuration.replace(`  ${clusterName}:\n`, "  another:\n") + operators);
  for (const kind of ["slack", "worker"] as const) {
    await product.stop(kind);
    await product.start(kind, { EKS_ACCESS_CONFIG: withoutIt });
  }
  product.inEnvironmentOf("worker", { EKS_ACCESS_CONFIG: withoutIt });
}

test("a cluster was deleted: AWS says so, its open requests are closed with an event, and then it leaves the configuration", async () => {
  await deleted();

  const retired = await runLine(heading, "eks-access retire CLUSTER", who);
  const message = await product.message("debug", "*Ended*");
  await removeFromConfiguration();
  await product.ask("10m", "there no more");
  await product.answer("No request made");
  const examined = await runLine(heading, "eks-access doctor worker");

  expect(retired).toMatchObject({ code: 0 });
  expect(retired.stdout).toMatch(new RegExp(`^${clusterName}: closed 1 request \\(r-[a-z0-9]{8}\\)\n$`));
  expect(wholeTextOf(message)).toContain("Closed by <@U0ONCALL>: the cluster is gone; EKS does not know it");
  expect(examined.stdout).toContain("every open request is of a configured cluster");
  const { verdict, last } = await closedIn(product.redisUrl);
  expect(last).toMatchObject({
    actor: "U0ONCALL",
    detail: { code: "cluster-gone", seen: true, why: "the project ended" },
  });
  expect(verdict.type).toBe("whole");
});

test("one that is no longer configured is reported as such, and closed a person's word, which the log has", async () => {
  await deleted();
  await removeFromConfiguration();

  await product.message("debug", "removed from eks-access.yml");
  const told = await product.told("Ask an operator to add it again.");
  const notice = await product.message("this worker can't end its 1 lease");
  const [examined, seen] = [
    await runLine(heading, "eks-access doctor worker"),
    await runLine(heading, "eks-access retire CLUSTER", who),
  ];
  const word = linesOf(heading).find((line) => line.endsWith("--unseen")) ?? "";
  const retired = await runLine(heading, word, who);
  await product.message("debug", "*Ended*", "EKS was not asked");
  const after = await runLine(heading, "eks-access doctor worker");

  expect(wholeTextOf(notice)).toContain(`Add ${clusterName} again until they end.`);
  expect(examined.code).toBe(1);
  expect(examined.stdout).toContain(`✗ 1 open request of ${clusterName}, which is not in eks-access.yml`);
  expect(seen).toMatchObject({ code: 1, stdout: "" });
  expect(retired.code).toBe(0);
  expect((await closedIn(product.redisUrl)).last).toMatchObject({
    detail: { seen: false, why: "the account is closed" },
  });
  expectSentences(heading, [...product.readable(), told, after.stdout]);
});

test("a request that waits says so when the file changes, and can be decided when its cluster is back", async () => {
  await product.ask("10m", "debug");
  await product.message("debug", "[Approve]");

  await product.replaceFile(configuration.replace(`  ${clusterName}:\n`, "  another:\n"));
  const removed = wholeTextOf(await product.message("debug", `${clusterName}\` was removed from eks-access.yml`));
  await removeFromConfiguration();
  for (const kind of ["slack", "worker"] as const) {
    await product.stop(kind);
    await product.start(kind);
  }
  const back = await product.message("debug", "[Approve]");
  await product.approve(back);

  expect(removed).not.toMatch(/\[Approve\]|\[Deny\]/);
  expect(wholeTextOf(await product.message("debug", "*Active*"))).toContain("[Revoke]");
});

/** The log, and its event of what was closed. */
async function closedIn(redisUrl: string) {
  const { verdict, events } = await auditOf(redisUrl);
  return { verdict, last: events.map(({ event }) => event).findLast(({ type }) => type === "lease.ended") };
}
