import { createHash } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { Sandbox } from "../../sandbox/sandbox.ts";
import { account, arns, channel, clusterArn, region } from "../../sandbox/scene.ts";
import { textOf } from "../../sandbox/slack/message-content.ts";
import { runInit } from "../../src/bin/init.ts";
import { rolesOf } from "../account-role.ts";
import { runCommand } from "../bin/check-run.ts";
import { stubCaller } from "../fleet-scene.ts";
import { bootstrapIn, timesCreator } from "../operator-scene.ts";
import { auditOf } from "./audit-of.ts";
import { type Flow, startFlow } from "./start-flow.ts";

const accounts = [account, ...Array.from({ length: 39 }, (_, index) => String(200_000_000_000 + index))];
const tags = { "eks-access": "yes", env: "production" };

let folder: string;
/** As `eks-access init` wrote it. */
let configuration: string;
let flow: Flow;
let file: string;
let asCreator: number;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "eks-access-fleet-"));
  const scene = { clusters: [{ name: "shop-0", creatorArn: arns.creator }], text: "", populate: () => "" };
  flow = await startFlow({ configuration: "", scene, prepare, slackRateLimits: false });
});
afterAll(async () => {
  await flow.stop();
  await rm(folder, { recursive: true });
});

/** From an organization that knows nothing of eks-access to one operated cluster, by what `init` writes. */
async function prepare(sandbox: Sandbox, redisUrl: string): Promise<void> {
  const { aws, slack } = sandbox;
  slack.addChannel({ id: "C0OPS", name: "operators", members: [slack.botUserId] });
  const admin = aws.account.addRole({
    name: "platform-admin",
    allow: ["organizations:ListAccounts", "sts:AssumeRole", "eks:*", "cloudtrail:*"],
  });
  const trust = { principals: [admin.arn] };
  const allow = ["eks:ListClusters", "eks:DescribeCluster", "cloudtrail:LookupEvents"];
  for (const of of accounts) {
    aws.account.addRole({ name: "eks-access-reader", account: of, allow, trust });
    if (of !== account) aws.account.addRole({ name: "cluster-creator", account: of });
  }
  aws.organization.accounts = accounts.map((id) => ({ id, name: `team ${id}`, state: "ACTIVE" }));
  aws.updateCluster(clusterArn("shop-0"), { tags });
  for (let count = 1; count < 120; count += 1) addCluster(aws, count);

  await init(aws, admin.arn);
  // `init` has seen them; of a worker each takes as much as the rest of this file.
  for (let count = 40; count < 120; count += 1) aws.removeCluster(arnOf(count));
  await makeRoles(aws);
  file = sandbox.environmentOf("worker", { redisUrl }).EKS_ACCESS_CONFIG ?? "";
  // Only what the test can't wait for, and a channel of its own.
  await writeFile(
    file,
    configuration
      .replace("  regions:", "  every: 10s\n  regions:")
      .replace(`operators: { channel: ${channel} }`, "operators: { channel: C0OPS }"),
  );
  const { code, stdout } = await bootstrapIn(sandbox, redisUrl, "shop-0", "--apply");
  if (code !== 0) throw new Error(stdout);
  asCreator = timesCreator(aws);
}

async function init(aws: Sandbox["aws"], caller: string): Promise<void> {
  stubCaller(aws, caller);
  const options = [
    "--role",
    "eks-access-reader",
    "--regions",
    region,
    "--channel",
    channel,
    "--approvers",
    "U0APPROVER,U0APPROVER2",
    "--out",
    folder,
  ];
  const { code, stdout, stderr } = await runCommand((argv, io) => runInit(argv, io, async () => {}), options);
  vi.unstubAllEnvs();
  if (code !== 0) throw new Error(stdout + stderr);
  configuration = await readFile(join(folder, "eks-access.yml"), "utf8");
}

/** The worker's policy, the role of each account and the creator's trust, as they were written. */
async function makeRoles({ account: identities }: Sandbox["aws"]): Promise<void> {
  const written = (name: string) => readFile(join(folder, "eks-access-iam", name), "utf8");
  const roleIn = rolesOf(await written("account-role.yaml"));
  const [, externalId = ""] = /externalId: (\S+)/.exec(configuration) ?? [];
  const trust = { principals: [arns.worker], externalId };
  for (const of of accounts) {
    const { RoleName, Policies } = roleIn(of);
    const { arn } = identities.addRole({ name: RoleName, account: of, trust });
    const Statement = Policies.flatMap(({ PolicyDocument }) => (PolicyDocument as { Statement: object[] }).Statement);
    identities.setPolicy(arn, JSON.stringify({ Version: "2012-10-17", Statement }));
  }
  identities.setTrust(arns.creator, trust);
  identities.setAllowed(arns.worker, []);
  // STS of the sandbox knows no organization.
  const { Statement } = JSON.parse(await written("worker-policy.json")) as { Statement: { Condition?: object }[] };
  const own = Statement.map(({ Condition: _, ...statement }) => statement);
  identities.setPolicy(arns.worker, JSON.stringify({ Version: "2012-10-17", Statement: own }));
}

const arnOf = (count: number) => `arn:aws:eks:${region}:${accounts[count % 40]}:cluster/shop-${count}`;

/** A cluster of the fleet that EKS lists, and that nothing signs in to. */
function addCluster(aws: Flow["sandbox"]["aws"], count: number): void {
  const of = accounts[count % 40] ?? "";
  const creatorArn = `arn:aws:iam::${of}:role/cluster-creator`;
  const place = { region, account: of, endpoint: "https://127.0.0.1:1", certificateAuthority: "LS0tLS1CRUdJTiA" };
  aws.addCluster({ name: `shop-${count}`, creatorArn, ...place, tags });
}

/** As many approve as production takes. */
async function approve(asked: Awaited<ReturnType<Flow["asked"]>>): Promise<void> {
  await person("U0APPROVER").click(asked, "approve");
  await person("U0APPROVER2").click(asked, "approve");
}

const person = (user: string) => flow.sandbox.slack.person(user);
const operatorsRead = (text: string) =>
  flow.until(() =>
    flow.sandbox.slack
      .messages("C0OPS")
      .map(textOf)
      .find((each) => each.includes(text)),
  );
const processes = () => [flow.slack(), flow.worker()];
const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");
const ask = (cluster: string, reason: string) =>
  person("U0ENGINEER").command(`/eks-access request ${cluster} ${arns.engineer} viewer for 1h ${reason}`, channel);

describe("clusters in 40 accounts", () => {
  test("are found, 120 of them, and configured by init in fewer than sixty lines, and one is leased, without its creator", async () => {
    await operatorsRead("and 10 more");

    await ask("shop-0", "look around");
    await approve(await flow.asked("look around"));
    await flow.active();

    expect(configuration.trim().split("\n").length).toBeLessThan(60);
    expect(await flow.sandbox.getPods("U0ENGINEER", "shop-0")).toMatchObject({ ok: true });
    expect(timesCreator(flow.sandbox.aws)).toBe(asCreator);
  });

  test("one more appears, and people can ask for it", async () => {
    addCluster(flow.sandbox.aws, 120);
    await operatorsRead("New: shop-120 in");
    await person("U0ENGINEER").command("/eks-access clusters shop-120", channel);

    expect(textOf(await flow.answer("U0ENGINEER", "*`shop-120`*"))).toContain(
      "*`shop-120`*: in `eu-central-1`, account `111122223333`",
    );
  });

  test("a changed file counts while a request waits, and a broken one counts nowhere", async () => {
    const text = await readFile(file, "utf8");
    await ask("shop-0", "wait for the file");
    const asked = await flow.asked("wait for the file");

    const broken = text
      .replace("approvals: 2", "approvals: many")
      .replace("every: 10s", "every: 2h")
      .replace("production: { levels: [viewer] }", "production: { levels: [viewer, root] }")
      .concat("limits: { pending: 0 }\nadministrators: [S0GROUP]\n");
    await writeFile(file, broken);
    const refused = [await operatorsRead("The worker refuses"), await operatorsRead("The Slack process refuses")];
    await person("U0APPROVER").command("/eks-access status", channel);
    const status = textOf(await flow.answer("U0APPROVER", "Old configuration"));
    const changed = `${text}limits: { pending: 3 }\n`;
    await writeFile(file, changed);
    await operatorsRead("The Slack process follows a new eks-access.yml");
    await operatorsRead("The worker follows a new eks-access.yml");
    await approve(asked);
    await flow.told("`) is active until");

    const problems = [
      "policy.rules[0].approvals: it is text; write a number.",
      "fleet.every: use 10s to 30m",
      "templates.production.levels[1]: there is no level root.",
      "limits.pending: use at least 1.",
      "administrators[0]: use a Slack user id",
    ];
    for (const problem of problems) {
      for (const message of refused) expect(message).toContain(problem);
      for (const { log } of processes()) expect(log.some((line) => line.includes(problem))).toBe(true);
    }
    for (const name of ["worker", "Slack process"])
      expect(status).toContain(`The ${name} has refused the new eks-access.yml since`);
    const events = (await auditOf(flow.redisUrl)).events.map(({ event }) => event);
    for (const actor of ["slack", "worker"]) {
      const of = (type: string) => events.filter((each) => each.actor === actor && each.type === type);
      const at = expect.stringMatching(/^\d{4}-.*Z$/);
      expect(of("configuration.refused")).toMatchObject([{ at, detail: { file, digest: sha256(broken) } }]);
      expect(of("configuration.changed")).toMatchObject([
        { at, detail: { file, digest: sha256(changed), before: sha256(text) } },
      ]);
    }
  });

  test("SIGHUP makes both processes read the file again, also where its text is the same", async () => {
    const replaced = "replaced the configuration";
    const before = processes().map(({ log }) => log.filter((line) => line.includes(replaced)).length);

    for (const { pid } of processes()) process.kill(pid, "SIGHUP");

    await Promise.all(processes().map((each, index) => each.logged(replaced, (before[index] ?? 0) + 1)));
  });
});
