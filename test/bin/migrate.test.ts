import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { migrate } from "../../src/bin/migrate.ts";
import { type Sandbox, startSandbox } from "../../src/sandbox/sandbox.ts";
import { account, arns } from "../../src/sandbox/scene.ts";
import { aRedis, type TestRedis } from "../redis.ts";
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

test("migrate says what becomes of each item, each step with its proof and its way back, and what is left", async () => {
  const { code, stdout } = await runCommand(migrate, ["staging"]);

  expect(code).toBe(0);
  expect(stdout).toContain("staging has the authentication mode CONFIG_MAP.");
  expect(stdout).toContain(
    `  mapRoles line 8: ${arns.admins}\n    Gets an access entry: ${arns.admins} as platform-admin:`,
  );
  expect(stdout).toMatch(/ {2}1\. Switch .+\n {5}Proof: .+\n {5}Back: It can't be taken back/);
  expect(stdout).toMatch(/ {2}3\. Take this item out of aws-auth/);
  expect(stdout).toMatch(/Before the mode can be API\n {2}arn:aws:iam::111122223333:role\/eks-node: .+EC2_LINUX/);
  expect(stdout).toMatch(/Plan [0-9a-f]{64}\n$/);
});

test("migrate takes the path of a role that it is told, and prints JSON", async () => {
  const told = `arn:aws:iam::${account}:role/teams/platform-admins`;

  const { code, stdout } = await runCommand(migrate, ["staging", "--arn", told, "--json"]);

  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({
    ok: true,
    cluster: "staging",
    plan: [
      { type: "switch-mode" },
      { type: "give-entry", wanted: { principalArn: told, isAdmin: true } },
      { type: "take-out", arns: [arns.admins] },
    ],
  });
});

test.each([
  [[], "Name one cluster"],
  [["staging", "other"], "Name one cluster"],
  [["staging", "--approve"], "Unknown option"],
  [["staging", "--apply", "d".repeat(64)], "Say --apply and --backup together"],
  [["prod"], "There is no cluster prod. Clusters: staging"],
  [
    ["staging", "--arn", `arn:aws:iam::${account}:role/x/nobody`],
    "has no item for arn:aws:iam::111122223333:role/x/nobody",
  ],
])("migrate %j can't be used", async (argv, message) => {
  const { code, stderr } = await runCommand(migrate, argv);

  expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining(message) });
});

test("migrate refuses what it can't plan with 1", async () => {
  sandbox.cluster.editAwsAuth((configMap) => ({ ...configMap, data: { mapRoles: "- rolearn: [" } }));

  expect(await runCommand(migrate, ["staging"])).toMatchObject({
    code: 1,
    stdout: expect.stringMatching(/^Refused: .+\[section-unreadable\]\n$/),
  });
  expect(await runCommand(migrate, ["staging", "--json"])).toMatchObject({
    code: 1,
    stdout: expect.stringContaining('"ok": false'),
  });
});
