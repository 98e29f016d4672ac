import { mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from "vitest";
import { type Sandbox, startSandbox } from "../../sandbox/sandbox.ts";
import { account, arns, initialAwsAuth } from "../../sandbox/scene.ts";
import { runMigrate } from "../../src/bin/migrate.ts";
import { redisLedger } from "../../src/ledger/ledger.ts";
import { keysOf } from "../builders/keys.ts";
import { aRedis, type TestRedis } from "../redis.ts";
import { migrationScene } from "../worker/migration/migration-scene.ts";
import { runCommand } from "./check-run.ts";

let sandbox: Sandbox;
let redis: TestRedis;
beforeAll(async () => {
  [sandbox, redis] = await Promise.all([startSandbox(), aRedis()]);
  const environment = sandbox.environmentOf("worker", { redisUrl: redis.url });
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await Promise.all([sandbox.stop(), redis.close()]);
});

test("migrate shows what happens to each item, each step with its proof and undo, and what stays", async () => {
  const { code, stdout } = await runCommand(runMigrate, ["staging"]);

  expect(code).toBe(0);
  expect(stdout).toContain("staging has the authentication mode CONFIG_MAP.");
  expect(stdout).toContain(
    `  mapRoles line 8: ${arns.admins}\n    Gets an access entry: ${arns.admins} as platform-admin:`,
  );
  expect(stdout).toMatch(/ {2}1\. Switch .+\n {5}Proof: .+\n {5}Undo: EKS can't switch back/);
  expect(stdout).toMatch(/ {2}3\. Remove this item from aws-auth/);
  expect(stdout).toMatch(/The mode API would drop 1 item of aws-auth:\n {2}arn:aws:iam::111122223333:role\/eks-node\n/);
  expect(stdout).toMatch(/Plan [0-9a-f]{64}\nTo request it: \/eks-access migrate staging ask\n$/);
});

test("migrate names the line in Slack with the ARNs that it was given", async () => {
  const told = `arn:aws:iam::${account}:role/teams/platform-admins`;

  const { stdout } = await runCommand(runMigrate, ["staging", "--arn", told]);

  expect(stdout).toMatch(new RegExp(`: /eks-access migrate staging ask ${told}\n$`));
});

test("migrate takes a given path of a role, and prints JSON", async () => {
  const told = `arn:aws:iam::${account}:role/teams/platform-admins`;

  const { code, stdout } = await runCommand(runMigrate, ["staging", "--arn", told, "--json"]);

  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({
    ok: true,
    cluster: "staging",
    plan: [
      { type: "switch-mode" },
      { type: "give-entry", wanted: { principalArn: told, isAdmin: true } },
      { type: "remove-from-aws-auth", arns: [arns.admins] },
    ],
  });
});

test.each([
  [[], "Give one cluster"],
  [["staging", "other"], "Give one cluster"],
  [["staging", "--approve"], "Unknown option"],
  [["staging", "--backup", "FILE"], "Give --apply with --backup"],
  [["prod"], "There is no cluster prod. Clusters: staging"],
  [
    ["staging", "--arn", `arn:aws:iam::${account}:role/x/nobody`],
    "has no entry for arn:aws:iam::111122223333:role/x/nobody",
  ],
])("migrate %j can't be used", async (argv, message) => {
  const { code, stderr } = await runCommand(runMigrate, argv);

  expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining(message) });
});

test("migrate --apply carries out what two approved in Slack, and says each step, also before a failure; the same command tries at once", async () => {
  const { aws } = sandbox;
  Object.assign(aws.eks, { updateMs: 20, entryDelayMs: 20 });
  const allow = (...more: readonly string[]) =>
    aws.account.setAllowed(arns.worker, ["sts:*", "eks:Describe*", "eks:List*", "eks:UpdateClusterConfig", ...more]);
  allow();
  const connection = new Redis(redis.url);
  const ledger = redisLedger(connection);
  const scene = migrationScene(ledger, keysOf(sandbox));
  const apply = async () => {
    const { digest = "" } = (await scene.now()).plan ?? {};
    return runCommand(runMigrate, ["staging", "--apply", digest, "--backup", backup]);
  };
  const folder = await mkdtemp(join(tmpdir(), "migrate-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const backup = join(folder, "aws-auth.json");

  await scene.ask();
  await scene.approve("U0APPROVER");
  await expect(apply()).rejects.toThrow("has 1 of 2 approvals");
  await scene.approve("U0APPROVER2");
  const failed = await apply();
  const left = await readdir(folder);
  allow("eks:*");
  const { code, stdout } = await apply();
  await connection.quit();

  expect(failed).toMatchObject({
    code: 1,
    stdout: expect.stringMatching(/^switch-mode …\nswitch-mode: .+\ngive-entry .+ …\n$/),
  });
  expect(failed.stderr).toContain("AWS refused eks:CreateAccessEntry");
  expect(left).toEqual([]);
  expect(stdout).toMatch(
    /^switch-mode: .+\n(?:give-entry .+ …\n)?give-entry .+: mapped: .+\nItems stay until .+\nremove-from-aws-auth …\nSaved aws-auth to .+\nremove-from-aws-auth: .+\nCarried out the plan\.\n$/,
  );
  expect(code).toBe(0);
  expect(JSON.parse(await readFile(backup, "utf8"))).toMatchObject({ kind: "ConfigMap", data: initialAwsAuth });
  expect(sandbox.cluster.awsAuth()?.data?.mapRoles).not.toContain(arns.admins);
});

test("migrate --backup writes a new file alone: no other file, nor where a link leads, and none for nothing", async () => {
  const folder = await mkdtemp(join(tmpdir(), "migrate-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const [theirs, link] = [join(folder, "theirs"), join(folder, "link")];
  await writeFile(theirs, "theirs");
  await symlink(join(folder, "elsewhere"), link);
  const apply = (backup: string) => runCommand(runMigrate, ["staging", "--apply", "no-plan", "--backup", backup]);

  for (const taken of [theirs, link])
    expect(await apply(taken)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(`Can't write ${taken}: it exists already.`),
    });
  await expect(apply(join(folder, "new"))).rejects.toThrow("No approved migration has the plan");

  expect((await readdir(folder)).toSorted()).toEqual(["link", "theirs"]);
  expect(await readFile(theirs, "utf8")).toBe("theirs");
});

test("migrate refuses what it can't plan with 1", async () => {
  sandbox.cluster.editAwsAuth((configMap) => ({ ...configMap, data: { mapRoles: "- rolearn: [" } }));

  expect(await runCommand(runMigrate, ["staging"])).toMatchObject({
    code: 1,
    stdout: expect.stringMatching(/^Refused: .+\[section-unreadable\]\n$/),
  });
  expect(await runCommand(runMigrate, ["staging", "--json"])).toMatchObject({
    code: 1,
    stdout: expect.stringContaining('"ok": false'),
  });
});
