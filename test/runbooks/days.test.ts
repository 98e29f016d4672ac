import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { loadAll } from "js-yaml";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { z } from "zod";
import type { SandboxAws } from "../../sandbox/aws/account.ts";
import { type ProvidedRedis, provideRedis } from "../../sandbox/redis/provide-redis.ts";
import { account, arns, channel, clusterArn, clusterName, initialAwsAuth, region } from "../../sandbox/scene.ts";
import { textOf } from "../../sandbox/slack/message-content.ts";
import { operatorGroup, operatorUsername } from "../../src/access/policy/operator-rights.ts";
import { mintToken } from "../../src/aws/sts.ts";
import { audit } from "../../src/bin/audit.ts";
import { doctor } from "../../src/bin/doctor.ts";
import { runKeys } from "../../src/bin/keys.ts";
import { connectCluster } from "../../src/kubernetes/cluster-client.ts";
import { commands as slackCommands } from "../../src/slack/app/commands.ts";
import { type CommandRun, runCommand } from "../bin/check-run.ts";
import { addOperator, operatorArn } from "../operator-scene.ts";
import { aProduct, type Product } from "./a-product.ts";
import { linesOf, linesOfOthers, pageOf, read } from "./day-pages.ts";
import { wordsOf } from "./runbook.ts";

const yamlOf = (page: string) =>
  /^```yaml\n([\s\S]+?)^```$/m.exec(page)?.[1] ?? expect.fail("the page has no configuration");

let folder: string;
let redis: ProvidedRedis;
let product: Product | undefined;
beforeEach(async () => {
  vi.stubEnv("REDIS_URL", "");
  folder = await mkdtemp(join(tmpdir(), "eks-access-days-"));
  redis = await provideRedis({ dataDir: folder, appendOnly: true });
  // As the compose file and the manifests have it.
  const administrator = new Redis(redis.url);
  await administrator.config("SET", "appendfsync", "always");
  administrator.disconnect();
});
afterEach(async () => {
  await product?.close();
  await redis.stop();
  await rm(folder, { recursive: true, force: true });
  vi.unstubAllEnvs();
});

const commands = { audit, doctor, keys: runKeys } as const;
const others = Object.keys(linesOfOthers);

/** Types the line of the page that begins so, at a command line or in Slack. Each line is typed once. */
function typist(lines: readonly string[]) {
  const left = new Set(lines);
  const take = (begin: string) => {
    const line = lines.find((each) => each.startsWith(begin)) ?? expect.fail(`The page has no line ${begin}`);
    left.delete(line);
    return line;
  };
  return {
    /** What neither this test nor another one types. */
    left: () => [...left].filter((line) => !others.some((begin) => line.startsWith(begin))),
    run: async (kind: "slack" | "worker", begin: string): Promise<CommandRun> => {
      const words = wordsOf(
        take(begin).replace(/^docker (?:compose run --rm (?:slack|worker)|run --rm eks-access) /, "eks-access "),
      );
      const [, name = "", ...args] = words;
      const program = commands[name as keyof typeof commands] ?? expect.fail(`Nothing here runs ${begin}`);
      product?.inEnvironmentOf(kind);
      return runCommand(program, args);
    },
    say: async (user: string, begin: string, change: (line: string) => string = (line) => line): Promise<string> => {
      const { slack } = product?.sandbox ?? expect.fail("nothing runs yet");
      const line = change(take(begin));
      expect(slackCommands.map(({ word }) => word)).toContain(line.split(" ")[1]);
      const { seen } = await slack.person(user).command(line, channel);
      return textOf(await slack.until(() => seen()[0]));
    },
  };
}

const problemsIn = ({ code, stdout, stderr }: CommandRun) => [
  code,
  `${stdout}${stderr}`.split("\n").filter((line) => line.includes("✗")),
];

test("Day 1: from the configuration of the page to the first lease and its end, by its own lines", async () => {
  const page = pageOf("day-1");
  const day = typist(linesOf(page));
  product = await aProduct({ redisUrl: redis.url, configuration: yamlOf(page) });
  const { sandbox, message } = product;
  const { identityCenter } = sandbox.aws;
  const alice = identityCenter.addUser({ userName: "alice@example.com", email: "engineer@example.com" });
  const developers = identityCenter.addGroup("developers", [alice]);
  identityCenter.assign(identityCenter.addPermissionSet("Developer"), account, developers, "0123456789abcdef");

  const keys = await day.run("worker", "docker run --rm eks-access keys");
  const examined = [
    await day.run("slack", "docker compose run --rm slack doctor slack"),
    await day.run("worker", "docker compose run --rm worker doctor worker"),
  ];
  const linked = await day.say("U0ENGINEER", "/eks-access link");
  const whoami = await day.say("U0ENGINEER", "/eks-access whoami");
  const asked = await day.say("U0ENGINEER", "/eks-access request");
  await product.approve(await message("my first lease", "[Approve]"));
  const active = await message("my first lease", "*Active*");
  const proof = await product.told("mapped");
  const direct = await sandbox.slack.until(() =>
    sandbox.slack
      .person("U0ENGINEER")
      .directMessages()
      .find((each) => textOf(each).includes("[I'm done]")),
  );
  await sandbox.slack.person("U0ENGINEER").click(direct, "done");
  const ended = await message("my first lease", "*Ended*");

  expect(keys.stdout).toContain("DECISION_SIGNING_KEY=");
  expect(examined.map(problemsIn)).toEqual([
    [0, []],
    [0, []],
  ]);
  expect(linked).toContain("AWSReservedSSO_Developer_0123456789abcdef");
  expect(whoami).toContain("AWS says");
  expect(asked).toContain("Requested `viewer` on `staging` for 1h");
  expect(proof).toContain("– *signed in* not tested");
  expect([active, ended]).toHaveLength(2);
  expect(day.left()).toEqual([]);
});

const manifest = z.looseObject({
  kind: z.string(),
  metadata: z.object({ name: z.string(), namespace: z.string().optional() }),
  rules: z
    .array(
      z.object({
        verbs: z.array(z.string()),
        apiGroups: z.array(z.string()),
        resources: z.array(z.string()),
        resourceNames: z.array(z.string()).optional(),
      }),
    )
    .optional(),
  roleRef: z.object({ kind: z.enum(["Role", "ClusterRole"]), name: z.string() }).optional(),
  subjects: z.array(z.object({ kind: z.enum(["Group"]), name: z.string() })).optional(),
});

/** `kubectl apply -k deploy/rbac`, as the sandbox's cluster takes it. */
async function applyRbac({ sandbox }: Product): Promise<void> {
  const objects = loadAll(read("deploy/rbac/operator.yaml")).map((each) => manifest.parse(each));
  const placed = ({ metadata: { name, namespace } }: (typeof objects)[number]) => ({
    name,
    ...(namespace && { namespace }),
  });
  await sandbox.cluster.setRbac({
    roles: objects.flatMap((each) =>
      each.rules
        ? [
            {
              ...placed(each),
              rules: each.rules.map(({ resourceNames, ...rule }) => ({
                ...rule,
                ...(resourceNames && { resourceNames }),
              })),
            },
          ]
        : [],
    ),
    bindings: objects.flatMap((each) =>
      each.roleRef && each.subjects ? [{ ...placed(each), role: each.roleRef, subjects: each.subjects }] : [],
    ),
  });
  const admin = sandbox.aws.account.sessionFor(arns.creator, "kubectl");
  const token = await mintToken(admin, { eksName: clusterName, region }, new Date());
  const { endpoint, certificateAuthority } = sandbox.cluster;
  const client = connectCluster({ name: clusterName, endpoint, certificateAuthority, token });
  for (const { kind, metadata } of objects) {
    const { name, namespace = null } = metadata;
    if (kind === "ConfigMap") await client.writeObject({ kind, name, namespace, content: {} });
  }
  client.close();
}

/** The StackSet, as the sandbox's account has it. */
function populateFleet(aws: SandboxAws): string {
  addOperator(aws);
  aws.account.setAllowed(operatorArn, ["eks:*"]);
  return "";
}

async function forgetTurns(url: string): Promise<void> {
  const client = new Redis(url);
  const turns = await client.keys("*turn:fleet*");
  if (turns.length > 0) await client.del(...turns);
  client.disconnect();
}

describe("Day 2", () => {
  test("a tag brings a cluster into the fleet, and its operator gives the first lease there, by the page's own lines", async () => {
    const page = pageOf("day-2");
    const day = typist(linesOf(page));
    const mapRoles = `${initialAwsAuth.mapRoles}- rolearn: ${operatorArn}\n  username: "${operatorUsername}"\n  groups: [${operatorGroup}]\n`;
    const scene = { clusters: [], text: "", populate: populateFleet };
    product = await aProduct({ redisUrl: redis.url, configuration: yamlOf(page), awsAuth: { mapRoles }, scene });
    const { sandbox, message, approve } = product;
    await applyRbac(product);

    // A worker looks every five minutes, and at once if none has looked for so long.
    await product.stop("worker");
    await forgetTurns(redis.url);
    sandbox.aws.updateCluster(clusterArn(clusterName), { tags: { "eks-access": "yes", env: "development" } });
    await product.start("worker");
    const clusters = await vi.waitUntil(
      async () => {
        const said = await day.say("U0APPROVER", "/eks-access clusters");
        return said.includes("`staging`") ? said : null;
      },
      { timeout: 60_000, interval: 1_000 },
    );
    const examined = [
      await day.run("slack", "eks-access doctor slack"),
      await day.run("worker", "eks-access doctor worker"),
    ];
    const status = await day.say("U0APPROVER", "/eks-access status");
    const requester = sandbox.slack.person("U0ENGINEER");
    await requester.command(
      `/eks-access request ${clusterName} ${arns.engineer} viewer for 1h the first of the fleet`,
      channel,
    );
    await approve(await message("the first of the fleet", "[Approve]"));
    await message("the first of the fleet", "*Active*");
    const whole = await day.run("worker", "eks-access audit verify");
    const review = await day.run("worker", "eks-access audit review");
    const seen = await day.say("U0APPROVER", "/eks-access review");

    expect(clusters).toContain("`staging`");
    expect(examined.map(problemsIn)).toEqual([
      [0, []],
      [0, []],
    ]);
    expect(status).toContain("No problems ");
    expect([whole.code, review.code]).toEqual([0, 0]);
    expect(whole.stdout).toContain("whole: ");
    expect(seen).toContain("1 lease of 1 person");
    expect(day.left()).toEqual([]);
  });

  test("each line is typed by a test that is there, and none is named that the pages no longer have", () => {
    const lines = [...linesOf(pageOf("day-1")), ...linesOf(pageOf("day-2"))];

    expect(others.filter((begin) => !lines.some((line) => line.startsWith(begin)))).toEqual([]);
    for (const path of Object.values(linesOfOthers)) expect(read(path)).not.toBe("");
  });

  test("the StackSet has the parameters that the page gives, and the file that it names", () => {
    const line = linesOf(read("docs/day-2.md")).find((each) => each.includes("create-stack-set ")) ?? "";
    const [, file = ""] = /file:\/\/(\S+)/.exec(line) ?? [];
    const given = [...line.matchAll(/ParameterKey=(\w+)/g)].map(([, name = ""]) => name);
    const parameters = read(file).split("\nResources:")[0] ?? "";
    const needed = [...parameters.matchAll(/^ {2}(\w+):\n(?: {4}.+\n)+/gm)].filter(
      ([text]) => !text.includes("Default:"),
    );

    expect(given.sort()).toEqual(needed.map(([, name]) => name).sort());
  });
});
