import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { load } from "js-yaml";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { z } from "zod";
import { type Sandbox, startSandbox } from "../../sandbox/sandbox.ts";
import { account, arns, clusterArn, configuration, identitiesText, withReader } from "../../sandbox/scene.ts";
import { startSandboxSlack } from "../../sandbox/slack/workspace.ts";
import { sealNotice } from "../../src/access/shared-lists.ts";
import { sealLogBase } from "../../src/access/verify-log.ts";
import { doctor } from "../../src/bin/doctor.ts";
import { newKeys } from "../../src/bin/keys.ts";
import { redisAuditLog } from "../../src/ledger/audit-log.ts";
import { connectRedis } from "../../src/ledger/connect.ts";
import { examineRedis } from "../../src/ledger/examine-redis.ts";
import { redisLedger } from "../../src/ledger/ledger.ts";
import { neededScopes } from "../../src/slack/app/web-client.ts";
import { configText } from "../builders/a-cluster.ts";
import { aPlannedMigration } from "../builders/a-migration.ts";
import { aRequest } from "../builders/a-request.ts";
import { aChange, anEvent } from "../builders/an-event.ts";
import { keysOf } from "../builders/keys.ts";
import { builtProduct } from "../product.ts";
import { aRedis, type TestRedis } from "../redis.ts";
import { runCommand } from "./check-run.ts";

let sandbox: Sandbox;
let redis: TestRedis;
beforeAll(async () => {
  [sandbox, redis] = await Promise.all([startSandbox(), aRedis()]);
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await Promise.all([sandbox.stop(), redis.close()]);
});
beforeEach(() => {
  vi.unstubAllEnvs();
});

/** In the environment of one of the two processes, with a change. */
async function examine(kind: "slack" | "worker", change: Readonly<Record<string, string>> = {}) {
  const environment = { ...sandbox.environmentOf(kind, { redisUrl: redis.url }), ...change };
  vi.unstubAllEnvs();
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
  return runCommand(doctor, [kind]);
}

const inRedisAlone = "  ! Only Redis has the audit log: set audit.s3, audit.eventBridge or audit.webhook.";

describe("eks-access doctor", () => {
  test("looks at all that the worker needs", async () => {
    const { stdout } = await examine("worker");

    expect(stdout).toContain("✓ 1 cluster, no problems");
    expect(stdout).toMatch(/Clock\n {2}✓ it is \d+ s/);
    expect(stdout).toMatch(/Cluster staging\n {2}✓ worker: AWS says: arn:aws:sts::111122223333:assumed-role/);
    expect(stdout).toMatch(/ {2}✓ write: /);
    expect(stdout).toMatch(/ {2}✓ document: /);
    expect(stdout).not.toContain("✗ worker");
  });

  test("has no warning about Node in the middle of its output", async () => {
    const { script } = await builtProduct();
    const env = { PATH: process.env.PATH, ...sandbox.environmentOf("worker", { redisUrl: redis.url }) };

    const { stderr } = await new Promise<{ stderr: string }>((resolve) => {
      execFile(process.execPath, [script, "doctor", "worker"], { env }, (_error, _stdout, stderr) =>
        resolve({ stderr }),
      );
    });

    expect(stderr).toBe("");
  });

  test("tries whether the worker can look people up in Identity Center, and says what to correct", async () => {
    const file = join(tmpdir(), `eks-access-identities-${process.pid}.yml`);
    const examineWith = async (text: string) => {
      await writeFile(file, `${configuration}${text}`);
      return (await examine("worker", { EKS_ACCESS_CONFIG: file })).stdout;
    };

    const well = await examineWith(identitiesText);
    const wrong = await examineWith(identitiesText.replace("d-1234567890", "d-0000000000"));
    const unknown = await examineWith(identitiesText.replace("ssoins-1234567890abcdef", "ssoins-0000000000000000"));
    await rm(file);

    expect(well).toContain(`Identity Center\n  ✓ the worker reads the directory as ${arns.identityReader}\n`);
    expect(wrong).toMatch(/Identity Center\n {2}✗ .*Correct identityCenter's instanceArn, identityStoreId or region/);
    expect(unknown).toMatch(/ {2}– only a person's request shows whether arn:aws:sso:::instance\/ssoins-0+ is right/);
  });

  test("names the keys of both processes, so that they can be compared", async () => {
    const { decision, preview, memory } = keysOf(sandbox);

    const [slack, worker] = [await examine("slack"), await examine("worker")];

    expect(slack.stdout).toContain(
      `Keys\n  ✓ signs decisions with ${decision.ids[0]}\n  ✓ accepts previews of ${preview.ids[0]}\n`,
    );
    expect(worker.stdout).toContain(
      `Keys\n  ✓ accepts decisions of ${decision.ids[0]}\n  ✓ signs previews with ${preview.ids[0]}\n` +
        `  ✓ seals its memory with ${memory.ids[0]}\n`,
    );
  });

  test.each([
    [
      "slack",
      "preview",
      "the worker signs with the preview key 0badc0de, which the Slack process lacks. Unless it was stolen, add it to PREVIEW_PUBLIC_KEYS again.",
    ],
    [
      "worker",
      "decision",
      "the Slack process signs with the decision key 0badc0de, which this worker lacks. Unless it was stolen, add it to DECISION_PUBLIC_KEYS again.",
    ],
  ] as const)("finds the key that a rotation forgot in the environment of the %s", async (kind, key, says) => {
    const { redis: client, close } = await connectRedis(redis.url);
    const ledger = redisLedger(client);
    const own = keysOf(sandbox)[key].ids[0] ?? "";

    await ledger.noteKey(key, own);
    const before = await examine(kind);
    await ledger.noteKey(key, "0badc0de");
    const { code, stdout } = await examine(kind);
    await ledger.noteKey(key, own);
    await close();

    expect(before.stdout).not.toContain("lacks");
    expect(stdout).toContain(`  ✗ ${says}\n`);
    expect(code).toBe(1);
  });

  test("keeps the older preview key while the beginning of the audit log needs it", async () => {
    const own = await aRedis();
    const { redis: client, close } = await connectRedis(own.url);
    const log = redisAuditLog(client);
    const { preview } = keysOf(sandbox);
    const before = await log.base();
    await log.beginAt(sealLogBase(before, preview), before);
    const { PREVIEW_PUBLIC_KEYS = "" } = sandbox.environmentOf("slack", { redisUrl: own.url });
    const { PREVIEW_SIGNING_KEY } = newKeys().worker;

    const { stdout } = await examine("worker", { REDIS_URL: own.url, PREVIEW_SIGNING_KEY, PREVIEW_PUBLIC_KEYS });
    await close();
    await own.close();

    expect(stdout).toContain(`keep the preview key ${preview.ids[0]}: 1 record needs it`);
  });

  test("keeps the older keys of a notice for a day while the operators' channel has not got it", async () => {
    const own = await aRedis();
    const file = join(tmpdir(), `eks-access-operators-${process.pid}.yml`);
    const { redis: client, close } = await connectRedis(own.url);
    const ledger = redisLedger(client);
    const { preview } = keysOf(sandbox);
    const noticeOf = (id: string, at: number) =>
      sealNotice({ id, at: new Date(at).toISOString(), title: "Removed: shop", lines: [] }, preview);
    const { PREVIEW_PUBLIC_KEYS = "" } = sandbox.environmentOf("slack", { redisUrl: own.url });
    const { PREVIEW_SIGNING_KEY } = newKeys().worker;
    const keysNeeded = async (operators = "operators: { channel: C0OPERATORS }\n") => {
      await writeFile(file, `${configuration.replace(/^audit: .*\n/m, "")}${operators}`);
      const change = { REDIS_URL: own.url, EKS_ACCESS_CONFIG: file, PREVIEW_SIGNING_KEY, PREVIEW_PUBLIC_KEYS };
      const { stdout } = await examine("worker", change);
      return /(keep|nothing needs) the preview key/.exec(stdout)?.[1];
    };

    await ledger.addNotice(noticeOf("removed-shop", Date.now()));
    await ledger.addNotice(noticeOf("removed-old", Date.now() - 25 * 3_600_000));
    const waiting = await keysNeeded();
    const withoutChannel = await keysNeeded("");
    await ledger.keepTurn("notice-removed-shop", 3_600_000);
    const posted = await keysNeeded();
    await close();
    await own.close();
    await rm(file);

    expect([waiting, withoutChannel, posted]).toEqual(["keep", "nothing needs", "nothing needs"]);
  });

  test("warns of full control with one approval or for everyone with a role, of an audit log in Redis alone, and of nothing else", async () => {
    const file = join(tmpdir(), `eks-access-one-approval-${process.pid}.yml`);
    const masters = configText.replace("eks-access:admins", "system:masters");
    await writeFile(file, `${masters}policy: { rules: [{ name: alone, approvals: 1, shared: warn }] }`);

    const { stdout } = await examine("worker", { EKS_ACCESS_CONFIG: file });
    const usual = await examine("worker");
    await writeFile(file, configuration.replace(/^audit: .*/m, ""));
    const copied = await examine("worker", { EKS_ACCESS_CONFIG: file });
    await rm(file);

    expect(stdout).toContain(
      '  ! admin is full control of staging, and the rule "alone" asks for one approval. Write approvals: 2, or remove it.\n' +
        '  ! admin is full control of staging, and the rule "alone" lets everyone with a role have it. Write shared: refuse, or remove it.\n',
    );
    expect(usual.stdout.match(/^ {2}! .*/gm)).toEqual([inRedisAlone]);
    expect(copied.stdout).not.toContain("  ! ");
  });

  test("warns of two clusters at which one token is good, and of sessions that a cluster refuses, and says why", async () => {
    const [, staging = ""] = /^clusters:\n([\s\S]*)^levels:/m.exec(configuration) ?? [];
    const other = staging.replace("  staging:", "  staging-us:").replace("region: eu-central-1", "region: us-east-1");
    const pinned = 'eksName: tools\n    pinnedSessions: ["arn:aws:iam::111122223333:role/dev"]';
    const apart = staging.replace("  staging:", "  tools:").replace("eksName: staging", pinned);
    const sessions = 'identities: [{ rule: { arn: "arn:aws:iam::{account}:role/dev", session: "{email}" } }]\n';
    const file = join(tmpdir(), `eks-access-one-token-${process.pid}.yml`);
    const text = configuration.replace(/^levels:/m, `${other}${apart}${sessions}levels:`);
    await writeFile(file, withReader(text).replaceAll("[viewer, admin]", "[viewer, admin, reader]"));

    const { stdout } = await examine("slack", { EKS_ACCESS_CONFIG: file });
    await rm(file);

    const warnings = stdout.split("\n").filter((line) => line.startsWith("  ! "));
    expect(warnings).toEqual([
      inRedisAlone,
      `  ! staging and staging-us share the EKS name staging and the creator ${arns.creator}. Give each its own creator.`,
      `  ! staging and staging-us share the EKS name staging and perhaps the role ${arns.developers}. Give each its own signIn.roles.`,
      ...["staging", "staging-us"].map(
        (name) =>
          `  ! ${name} refuses the sessions of arn:aws:iam::111122223333:role/dev in identities. If its trust policy fixes them, an operator can use pinnedSessions.`,
      ),
    ]);
  });

  test("says as which principals the worker can sign in, and how to fix it where it can't", async () => {
    const { trust } = sandbox.aws.account.identity(arns.developers) ?? expect.fail("there is no such role");

    const can = await examine("worker");
    sandbox.aws.account.setTrust(arns.developers, { principals: [] });
    const not = await examine("worker");
    sandbox.aws.account.setTrust(arns.developers, trust);

    expect(can.stdout).toMatch(/ {2}✓ sign in: the worker can assume arn:aws:sts::\S+:assumed-role\/developers\//);
    expect(not.stdout).toMatch(
      / {2}✗ sign in: AWS refused sts:AssumeRole on \S+developers .*\. Let the worker assume the role/,
    );
    expect(not.code).toBe(1);
  });

  test("knows the access entries of a cluster that reads nothing else", async () => {
    const cluster = clusterArn("staging");
    const policies = ["arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"];
    const creator = { principalArn: arns.creator, username: "creator", groups: [], policies };
    sandbox.aws.updateCluster(cluster, { authenticationMode: "API", accessEntries: [creator] });

    const { stdout } = await examine("worker");
    sandbox.aws.updateCluster(cluster, { authenticationMode: "CONFIG_MAP", accessEntries: [] });

    expect(stdout).toMatch(/ {2}✓ mode: API: only access entries/);
    expect(stdout).toMatch(/ {2}– document: the cluster does not read aws-auth/);
    expect(stdout).toMatch(/ {2}✓ entries: \d+ access entr/);
    expect(stdout).toContain("  – entries: changes not tested (deploy/iam/access-entries-policy.json)\n");
  });

  test("reports a cluster with a silent API server, and where to look", async () => {
    const { cancel } = sandbox.faults.plan("kubernetes.get-configmap", { type: "cut-before" }, { times: 100 });

    const { code, stdout } = await examine("worker");
    cancel();

    expect(code).toBe(1);
    expect(stdout).toMatch(/ {2}✗ (api-server|document): .+\. .+\./);
  });

  test("says how to fix what is missing, asks nothing behind it, and ends with 1", async () => {
    sandbox.aws.account.setTrust(arns.creator, { principals: [] });

    const { code, stdout } = await examine("worker");

    expect(code).toBe(1);
    expect(stdout).toMatch(/ {2}✗ creator: .+\. .+\./);
    expect(stdout).toContain("– api-server: ");
    expect(stdout).toContain("Fix each ✗, then run it again.");
  });

  test("names the operator where runs become one", async () => {
    const file = join(tmpdir(), `eks-access-doctor-operator-${process.pid}.yml`);
    const operator = `operator: { roleArn: "arn:aws:iam::${account}:role/no-such-role" }`;
    await writeFile(file, configuration.replace("    creator:", `    ${operator}\n    creator:`));

    const { stdout } = await examine("worker", { EKS_ACCESS_CONFIG: file }).finally(() => rm(file));

    expect(stdout).toMatch(/ {2}✗ operator: .+This is the operator of staging\./);
    expect(stdout).toContain("– cluster: needs the operator\n");
  });

  test.each([
    ["a page of a proxy", { status: 200, body: "<html>Sign in</html>" }, "Can't reach Slack. Check the network path."],
    ["a limit", { status: 429, body: "{}" }, "Slack limits calls for Slack now. Try again in a minute."],
  ])("does not blame the token for %s", async (_, answer, says) => {
    const headers = { "content-type": "text/html", "retry-after": "1" };
    const { cancel } = sandbox.faults.plan("slack.auth.test", { type: "answer", headers, ...answer }, { times: 10 });

    const { code, stdout } = await examine("slack");
    cancel();

    expect(code).toBe(1);
    expect(stdout).toContain(`Slack\n  ✗ ask Slack for the token's identity. ${says}\n`);
  });

  test("says that it can't reach STS, which tells the time", async () => {
    const { cancel } = sandbox.faults.plan("sts.Unknown", { type: "cut-before" }, { times: 10 });

    const { stdout } = await examine("worker");
    cancel();

    expect(stdout).toContain("Clock\n  – can't compare it with the clock of AWS. Can't reach STS. Check");
  });

  test("knows the token of the Slack process and its scopes, and says that it can't test the signing secret", async () => {
    const { stdout } = await examine("slack");

    expect(stdout).toContain(
      "✓ the app has every scope it needs\n  – signing secret not tested. If clicks fail, copy it again.\n",
    );
  });

  test("names the scopes of manifest.yml that the app lacks, and how to get them", async () => {
    const slack = await startSandboxSlack({ scopes: ["commands", "chat:write", "usergroups:read"] });
    const { botToken, signingSecret, apiUrl } = slack;

    const { code, stdout } = await examine("slack", {
      SLACK_BOT_TOKEN: botToken,
      SLACK_SIGNING_SECRET: signingSecret,
      SLACK_API_URL: apiUrl,
    });
    await slack.stop();

    expect(code).toBe(1);
    expect(stdout).toContain(
      "✗ the app lacks users:read, users:read.email. Add them under OAuth & Permissions, then reinstall the app.",
    );
  });

  test("reports a clock that AWS would refuse, and how to set it", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 120_000 });

    const { code, stdout } = await examine("worker");
    vi.useRealTimers();

    expect(code).toBe(1);
    expect(stdout).toMatch(/Clock\n {2}✗ it is 1[12]\d s ahead of the clock of AWS\. Set the clocks by NTP\./);
  });

  test("reports a token that Slack does not know, and a Redis that is not there", async () => {
    const { code, stdout } = await examine("slack", {
      SLACK_BOT_TOKEN: "xoxb-another",
      REDIS_URL: "redis://127.0.0.1:1",
    });

    expect(code).toBe(1);
    expect(stdout).toContain("✗ can't use it. No answer from Redis");
    expect(stdout).toContain("invalid_auth");
    expect(stdout).toContain("Approvers\n  – not checked: fix Slack first");
    expect(stdout).not.toContain("xoxb-another");
  });

  test("counts the approvers of each level who are still in Slack", async () => {
    const { stdout } = await examine("slack");

    expect(stdout).toContain(
      "Approvers\n" +
        "  ✓ staging, viewer: 2 active approvers, needed: 1\n" +
        "  ✓ staging, admin: 2 active approvers, needed: 1\n",
    );
  });

  test("reports open requests and begun migrations of an unconfigured cluster, and what to do about them", async () => {
    const { redis: client, close } = await connectRedis(redis.url);
    const ledger = redisLedger(client);
    await ledger.commit(aChange(aRequest({ cluster: "gone", requester: "U0GONE" })));
    const begun = aPlannedMigration({ id: "migration-old-1", cluster: "old", state: "running" });
    await ledger.commit({ after: begun, event: anEvent({ request: begun.id }) });

    const { code, stdout } = await examine("worker");

    await client.del("{eks-access}:open-by-cluster", "{eks-access}:open-migrations");
    await close();
    expect(code).toBe(1);
    expect(stdout).toContain(
      "Requests\n  ✗ 1 open request of gone, which is not in eks-access.yml. " +
        "Add gone again until they end. If it was deleted, run eks-access retire gone.",
    );
    expect(stdout).toContain(
      "✗ a begun migration of old, which is not in eks-access.yml. Add old again until they end.",
    );
    expect((await examine("slack")).stdout).toContain("Requests\n  ✓ every open request is of a configured cluster");
  });

  test("asks which process is meant", async () => {
    expect(await runCommand(doctor, ["everything"])).toMatchObject({ code: 2 });
  });
});

describe("eks-access doctor slack, where approvers have left,", () => {
  const policy = `
policy:
  rules:
    - { name: viewers, levels: [viewer], approvers: [S0EMPTY, U0ONCALL] }
    - { name: admins, levels: [admin], approvals: 2, approvers: [S0PLATFORM] }
`;
  let ours: Sandbox;
  beforeAll(async () => {
    ours = await startSandbox({ configuration: `${configuration}${policy}` });
    ours.slack.addUsergroup("S0EMPTY", []);
    ours.slack.addUsergroup("S0PLATFORM", ["U0APPROVER", "U0APPROVER2"]);
    ours.slack.deactivate("U0APPROVER");
  });
  afterAll(() => ours.stop());

  const look = () => examine("slack", ours.environmentOf("slack", { redisUrl: redis.url }));

  test("names the level that fewer are left of than it needs, with the remedy, and ends with 1", async () => {
    const { code, stdout } = await look();

    expect(code).toBe(1);
    expect(stdout).toContain(
      "✗ staging, admin by the rule admins: 1 active approver, needed: 2. " +
        "An operator can add approvers for the rule admins.",
    );
  });

  test("names an empty user group also if enough other people are left", async () => {
    const { stdout } = await look();

    expect(stdout).toContain(
      "✓ staging, viewer by the rule viewers: 1 active approver, needed: 1; not active: S0EMPTY\n",
    );
  });

  test("says that a user group that Slack does not know has no members, and goes on", async () => {
    const unknown = join(tmpdir(), `eks-access-doctor-${process.pid}.yml`);
    await writeFile(unknown, `${configuration}${policy.replace("S0PLATFORM", "S0NOSUCH")}`);
    const { code, stdout } = await examine("slack", {
      ...ours.environmentOf("slack", { redisUrl: redis.url }),
      EKS_ACCESS_CONFIG: unknown,
    }).finally(() => rm(unknown));

    expect(code).toBe(1);
    expect(stdout).toMatch(/✗ staging, admin by the rule admins: 0 active approvers, needed: 2; not active: S0NOSUCH/);
    expect(stdout).toMatch(/✗ S0NOSUCH\. .*Slack answers no_such_subteam\. Remove it from eks-access\.yml\.\n/);
    expect(stdout).toContain("✓ staging, viewer");
  });
});

describe("a Redis", () => {
  const url = "redis://localhost:6379";
  const well = "redis_version:7.2.4\r\naof_enabled:1\r\nmaxmemory_policy:noeviction\r\n";

  test("that keeps what it acknowledges is well", () => {
    expect(examineRedis({ url, info: well, fsync: "always" }).map(({ result }) => result)).toEqual([
      "yes",
      "yes",
      "yes",
      "yes",
    ]);
  });

  test.each([
    ["is too old", well.replace("7.2.4", "6.0.16"), "6.0.16"],
    ["writes no append-only file", well.replace("aof_enabled:1", "aof_enabled:0"), "loses"],
    ["evicts", well.replace("noeviction", "allkeys-lru"), "allkeys-lru"],
  ])("that %s is not", (_what, info, said) => {
    const [broken] = examineRedis({ url, info, fsync: "always" }).filter(({ result }) => result === "no");

    expect(broken?.detail).toContain(said);
    expect(broken?.remedy).not.toBeNull();
  });

  test("without any text is not called well", () => {
    expect(examineRedis({ url, info: "", fsync: null }).map(({ result }) => result)).toEqual(
      Array(4).fill("not asked"),
    );
    expect(examineRedis({ url, info: well, fsync: "everysec" }).map(({ result }) => result)).toContain("no");
  });

  test("that is a cluster needs an address that says so", () => {
    const info = `${well}cluster_enabled:1\r\n`;
    const formOf = (at: string) => examineRedis({ url: at, info, fsync: "always" }).at(-1);

    expect(formOf("redis+cluster://redis:6379")).toMatchObject({ result: "yes" });
    expect(formOf("rediss://redis:6379")).toMatchObject({
      result: "no",
      remedy: "Begin REDIS_URL with rediss+cluster://.",
    });
  });
});

describe("a Redis of AWS, which takes no CONFIG and has no append-only file", () => {
  const info = "redis_version:7.2.4\r\nvalkey_version:8.1.0\r\naof_enabled:0\r\nmaxmemory_policy:volatile-lru\r\n";
  const examineAt = (host: string) => examineRedis({ url: `rediss+cluster://${host}:6379`, info, fsync: null });

  test.each([
    ["MemoryDB", "clustercfg.ledger.abc123.memorydb.eu-central-1.amazonaws.com", "yes", "keeps each decision"],
    ["ElastiCache", "clustercfg.ledger.abc123.euc1.cache.amazonaws.com", "not asked", "ElastiCache can lose requests"],
    ["ElastiCache Serverless", "ledger-abc123.serverless.euc1.cache.amazonaws.com", "no", "can lose requests"],
    [
      "ElastiCache in China",
      "clustercfg.ledger.abc123.cnn1.cache.amazonaws.com.cn",
      "not asked",
      "ElastiCache can lose requests",
    ],
  ] as const)("is recognised by its name, and doctor says what it keeps: %s", (_, host, result, says) => {
    const findings = examineAt(host);

    expect(findings[1]).toMatchObject({ result, detail: expect.stringContaining(says) });
    expect(findings.map(({ detail }) => detail).join()).not.toMatch(/append-only|appendfsync/);
    expect(findings.find(({ detail }) => detail.includes("evict"))?.remedy).toBe("Set maxmemory-policy noeviction.");
  });

  test.each(["memorydb.example.com", "x.cache.amazonaws.com.attacker.example"])("is not taken for one: %s", (host) => {
    expect(
      examineAt(host)
        .map(({ detail }) => detail)
        .join(),
    ).toContain("append-only");
  });
});

test("the scopes that are looked for are those of manifest.yml", () => {
  const manifest = z
    .object({ oauth_config: z.object({ scopes: z.object({ bot: z.array(z.string()) }) }) })
    .parse(load(readFileSync(new URL("../../manifest.yml", import.meta.url), "utf8")));

  expect([...neededScopes].sort()).toEqual(manifest.oauth_config.scopes.bot.toSorted());
});
