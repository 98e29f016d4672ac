import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type SandboxAws, startSandboxAws } from "../../sandbox/aws/account.ts";
import { eksError, jsonError } from "../../sandbox/aws/refusal.ts";
import { startSandboxCluster } from "../../sandbox/cluster/cluster.ts";
import { runInit } from "../../src/bin/init.ts";
import { readConfig } from "../../src/config/config.ts";
import { stubCaller } from "../fleet-scene.ts";
import { type CommandRun, runCommand } from "./check-run.ts";

const management = "111122223333";
const region = "eu-central-1";
const reads = ["eks:ListClusters", "eks:DescribeCluster", "cloudtrail:LookupEvents"];

let aws: SandboxAws;
let folder: string;
let caller: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "eks-access-init-"));
  aws = await startSandboxAws({ region });
  caller = aws.account.addRole({ name: "admin", allow: ["organizations:ListAccounts", "sts:*", ...reads] }).arn;
  stubCaller(aws, caller);
  vi.stubEnv("AWS_REGION", region);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await aws.stop();
  await rm(folder, { recursive: true });
});

interface Wish {
  readonly account?: string;
  readonly tags?: Readonly<Record<string, string>>;
  readonly more?: Partial<Parameters<SandboxAws["addCluster"]>[0]>;
}

function addCluster(name: string, { account = management, tags = {}, more = {} }: Wish = {}): void {
  const creatorArn = `arn:aws:iam::${account}:role/cluster-creator`;
  if (!aws.account.identity(creatorArn)) aws.account.addRole({ name: "cluster-creator", account });
  const place = { region, account, endpoint: "https://127.0.0.1:1", certificateAuthority: "LS0tLS1CRUdJTiA" };
  aws.addCluster({ name, creatorArn, ...place, tags, ...more });
}

function addMember(id: string, allow = reads): void {
  aws.organization.accounts = [...aws.organization.accounts, { id, name: `team ${id.at(-1)}`, state: "ACTIVE" }];
  if (id !== management) {
    aws.account.addRole({ name: "eks-access-reader", account: id, allow, trust: { principals: [caller] } });
  }
}

const init = (...argv: readonly string[]): Promise<CommandRun> => {
  const regions = argv.includes("--regions") ? [] : ["--regions", region];
  return runCommand((args, io) => runInit(args, io, async () => {}), ["--out", folder, ...regions, ...argv]);
};
const written = (name: string) => readFile(join(folder, name), "utf8");

async function clustersWritten(tags: Readonly<Record<string, Readonly<Record<string, string>>>>) {
  const now = new Date();
  const at = now.toISOString();
  const seen = { waiting: null, since: at, seenAt: at, goneSince: null, account: management, region };
  const clusters = Object.entries(tags).map(([eksName, each]) => ({ eksName, tags: each, ...seen }));
  const reading = readConfig(await written("eks-access.yml"), { clusters, now });
  if (reading.type === "invalid") throw new Error(reading.problems.join("\n"));
  return reading.config;
}

describe("one account, without an organization", () => {
  test("a person whose keys AWS does not know is sent to sign in, and no worker to its administrator", async () => {
    // A region that no other test uses: its client has no keys yet.
    vi.stubEnv("AWS_REGION", "eu-north-1");
    vi.stubEnv("AWS_ACCESS_KEY_ID", "ASIAABCDEFGHIJKLMNOP");

    const { code, stderr } = await init();

    expect(code).toBe(2);
    expect(stderr).toMatch(/^eks-access init: AWS refused sts:GetCallerIdentity .*Sign in with aws sso login/);
  });

  test("its clusters are shown and configured, and nothing in AWS changes", async () => {
    addCluster("shop");
    addCluster("pay", { more: { authenticationMode: "API", createdAt: new Date(Date.now() - 200 * 86_400_000) } });

    const { code, stdout } = await init("--channel", "C0ACCESS", "--approvers", "U0ONE,U0TWO");

    expect(stdout).toMatch(
      /shop {5}eu-central-1 {2}CONFIG_MAP {2}public {6}role\/cluster-creator +unknown: unreachable/,
    );
    expect(stdout).toMatch(/pay {6}eu-central-1 {2}API {9}public {6}unknown: not in CloudTrail's 90 days +not used/);
    expect(code).toBe(0);
    expect([...new Set(aws.calls.map(({ call }) => call))].sort()).toEqual([
      "cloudtrail.LookupEvents",
      "eks.DescribeCluster",
      "eks.ListClusters",
      "organizations.ListAccounts",
      "sts.GetCallerIdentity",
    ]);
    expect((await clustersWritten({ shop: {} })).clusters.get("shop")).toMatchObject({
      creator: { roleArn: `arn:aws:iam::${management}:role/cluster-creator` },
      operator: { roleArn: `arn:aws:iam::${management}:role/eks-access-operator` },
    });
    expect(stdout).toContain("aws cloudformation deploy --stack-name eks-access");
    expect(stdout).toContain("eks-access bootstrap shop");
    expect(await written("eks-access-iam/worker-policy.json")).toContain(
      `"arn:aws:iam::${management}:role/eks-access-operator"`,
    );
  });

  test("a map that another tool owns, and an API server that can't be reached from here, are named", async () => {
    const known = { name: "shop", region, creatorArn: caller, stsUrl: aws.url, awsAuth: { mapRoles: "[]" } };
    const shop = await startSandboxCluster(known);
    shop.editAwsAuth((map) => ({ ...map, data: { mapRoles: "- rolearn: x" } }), "argocd-controller");
    const { endpoint, certificateAuthority } = shop;
    addCluster("shop", { more: { endpoint, certificateAuthority, creatorArn: caller } });
    addCluster("vault", { more: { endpoint, certificateAuthority, isPrivate: true } });
    addCluster("lost");
    const asked = () => shop.auditLog().map(({ verb, requestURI }) => `${verb} ${requestURI}`);

    const { code, stdout } = await init();
    await shop.stop();

    expect(code).toBe(0);
    expect(stdout).toMatch(/shop .*public .*owned by Argo CD: leases bind roles or use access entries\n/);
    expect(stdout).toMatch(/vault .*private .*unknown: private API server\n/);
    expect(stdout).toMatch(/lost .*public .*unknown: unreachable from here\n/);
    expect(stdout).toContain("! 1 private API server. Start eks-access worker where it reaches them");
    // One look at the one that can be reached: it changes nothing there.
    expect(asked()).toEqual(["get /api/v1/namespaces/kube-system/configmaps/aws-auth"]);
  });

  test("a cluster that EKS does not describe hides no other one of its region, and is named", async () => {
    addCluster("shop");
    addCluster("odd", { tags: JSON.parse('{"team":{}}') });

    const { code, stdout } = await init();

    expect(code).toBe(1);
    expect(stdout).toContain("shop     eu-central-1");
    expect(stdout).toMatch(/^! 111122223333, odd in eu-central-1: .*eks:DescribeCluster of odd/m);
  });

  test("what exists is never replaced without --force, and is replaced whole with it", async () => {
    addCluster("shop");
    await init();
    const first = await written("eks-access.yml");

    const again = await init();
    const kept = await written("eks-access.yml");
    const forced = await init("--force", "--channel", "C0OTHER");

    expect(again).toMatchObject({
      code: 2,
      stdout: "",
      stderr: expect.stringContaining("exist. Use another --out"),
    });
    expect(kept).toBe(first);
    expect(forced.code).toBe(0);
    // The external id stays: the roles in AWS already name it.
    expect(await written("eks-access.yml")).toBe(first.replaceAll("C0REPLACE", "C0OTHER"));
    expect(forced.stdout).toContain("! Replace U0REPLACE, U1REPLACE in eks-access.yml.");
    expect(await readdir(folder)).toEqual(["eks-access-iam", "eks-access.yml"]);
    expect((await stat(join(folder, "eks-access.yml"))).mode & 0o777).toBe(0o644);
  });

  test("where one file can't be written, none is", async () => {
    addCluster("shop");
    const policies = join(folder, "eks-access-iam");
    await mkdir(policies);
    await writeFile(join(policies, `account-role.yaml.${process.pid}.part`), "of a process that died");

    const { code, stderr } = await init();

    expect([code, await readdir(folder), await readdir(policies)]).toEqual([2, ["eks-access-iam"], []]);
    expect(stderr).toContain(`eks-access init: Can't write ${folder}: it exists already.\n`);
  });

  test("a dry run prints the files, and writes none", async () => {
    addCluster("shop");

    const { code, stdout } = await init("--dry-run");

    expect([code, await readdir(folder)]).toEqual([0, []]);
    expect(stdout).toContain("defaults:\n  operator:");
    expect(stdout).toContain('"Sid": "BecomeTheRoleOfEachAccount"');
    expect(stdout).toContain("! Replace C0REPLACE");
  });

  test("no cluster is no configuration", async () => {
    expect(await init()).toMatchObject({ code: 2, stderr: expect.stringContaining("Found no cluster.") });
  });

  test.each([
    ["--regions", "eu-central-1.example.com", "--regions: use a region's name"],
    ["--accounts", "12", "--accounts: write the 12 digits"],
    ["--role", "a b", "--role: use the name of a role"],
    ["--worker", "worker", "--worker: use a role's ARN"],
    ["--channel", "#access", "--channel: use a Slack channel id"],
    ["--approvers", "U0ONE,@alice", "--approvers: use the id of a Slack user or user group"],
  ])("a mistake in %s is refused before any call", async (name, value, message) => {
    const { code, stderr } = await init(name, value);

    expect([code, aws.calls.length]).toEqual([2, 0]);
    expect(stderr).toContain(message);
  });
});

describe("an organization", () => {
  const [one, two, three] = ["200000000001", "200000000002", "200000000003"];

  test("an account that refuses is one line, and the others are configured", async () => {
    for (const id of [management, one, two, three]) addMember(id, id === two ? [] : reads);
    addCluster("shop", { account: one });
    addCluster("pay", { account: three });

    const { code, stdout } = await init("--role", "eks-access-reader");

    expect(code).toBe(1);
    expect(stdout.split("\n").filter((line) => line.startsWith("!"))).toEqual([
      expect.stringMatching(/^! 200000000002 \(team 2\), eu-central-1: AWS refused eks:ListClusters/),
      expect.stringContaining("! Replace C0REPLACE"),
    ]);
    expect(stdout).toContain("Account 200000000001 (team 1): 1 cluster\n");
    expect(stdout).toContain("1 account without clusters.");
    expect(await written("eks-access.yml")).toContain('"200000000001", "200000000003",');
    expect(JSON.parse(await written("eks-access-iam/worker-policy.json"))).toMatchObject({
      Statement: [
        {
          Resource: "arn:aws:iam::*:role/eks-access-operator",
          Condition: { StringEquals: { "aws:ResourceOrgID": "o-exampleorgid" } },
        },
        { Sid: "BecomeTheCreators", Resource: "arn:aws:iam::*:role/cluster-creator" },
        {},
        { Sid: "LookForTheCreation" },
      ],
    });
    expect(stdout).toContain("create-stack-set ");
    const targets = "--regions eu-central-1 --deployment-targets OrganizationalUnitIds=ou-REPLACE";
    expect(stdout).toContain(`create-stack-instances --stack-set-name eks-access ${targets}\n`);
  });

  test("without a role only the own account is looked at, and the result says so", async () => {
    for (const id of [management, one, two]) addMember(id);
    addCluster("shop");

    const { code, stdout } = await init();

    expect(code).toBe(1);
    expect(stdout).toContain("! A StackSet leaves account 111122223333 out: deploy account-role.yaml there too.");
    expect(stdout).toContain("! Did not look at 2 other accounts. Name a role with --role.");
  });

  test("from a member account, the named accounts are looked at without the list", async () => {
    addMember(one);
    addCluster("shop", { account: one });
    aws.faults.plan("organizations.ListAccounts", {
      type: "answer",
      ...jsonError("AccessDeniedException", "You don't have permissions to access this resource."),
    });

    const { code, stdout } = await init("--role", "eks-access-reader", "--accounts", one);

    expect([code, (await readdir(folder)).length]).toEqual([0, 2]);
    expect(stdout).toContain("! Can't list the accounts of the organization. AWS refused organizations:ListAccounts");
  });

  test.each([
    ["nothing", {}],
    ["no list", { Accounts: 7 }],
    ["an id that is none", { Accounts: [{ Id: '1"]\nadministrators: [U0MALLORY', State: "ACTIVE" }] }],
  ])("AWS that answers with %s has named no account", async (_, answer) => {
    aws.faults.plan("organizations.ListAccounts", { type: "answer", status: 200, body: JSON.stringify(answer) });

    const { stdout } = await init("--role", "eks-access-reader");

    expect(stdout).toContain(
      "! Can't list the accounts of the organization. AWS's answer to organizations:ListAccounts is incomplete",
    );
  });

  test("AWS that throttles is asked again", async () => {
    for (const id of [management, one]) addMember(id);
    addCluster("shop", { account: one });
    const tooMany = jsonError("TooManyRequestsException", "Too many requests");
    aws.faults.plan("organizations.ListAccounts", { type: "answer", ...tooMany }, { times: 2 });
    aws.faults.plan(
      "eks.ListClusters",
      { type: "answer", ...eksError("Throttling", "Rate exceeded", 429) },
      { times: 2 },
    );

    expect(await init("--role", "eks-access-reader")).toMatchObject({ code: 0 });
  });
});

describe("the configuration", () => {
  const rulesOf = ({ clusters }: Awaited<ReturnType<typeof clustersWritten>>, name: string) => {
    const cluster = clusters.get(name);
    return [cluster?.rules[0]?.approvals, cluster?.levels.map((level) => level.name)];
  };

  test("treats what is tagged as production, and what has no known tag, as strictly as production", async () => {
    const tags = { shop: { Env: "Prod" }, play: { Env: "dev" }, test: { Env: "qa" }, lost: {}, odd: { Env: "blue" } };
    for (const [name, each] of Object.entries(tags)) addCluster(name, { tags: each });
    await init();

    const config = await clustersWritten(tags);

    expect(["shop", "play", "test", "lost", "odd"].map((name) => rulesOf(config, name))).toEqual([
      [2, ["viewer"]],
      [1, ["viewer", "editor"]],
      [1, ["viewer", "editor"]],
      [2, ["viewer"]],
      [2, ["viewer"]],
    ]);
  });

  test("with one approver serves what takes one approval, and init names the levels that need another approver", async () => {
    const tags = { shop: { env: "production" }, play: { env: "dev" } };
    for (const [name, each] of Object.entries(tags)) addCluster(name, { tags: each });

    const { stdout } = await init("--approvers", "U0ONE");

    expect(stdout.match(/^! clusters.*$/gm)).toEqual([
      "! clusters.shop.levels[0]: viewer on shop needs 2 approvals by the rule everything else takes two, but shop has 1 approver. Name more.",
    ]);
    expect(rulesOf(await clustersWritten(tags), "play")).toEqual([1, ["viewer", "editor"]]);
  });

  test("has no templates where no tag says what is production", async () => {
    addCluster("shop", { tags: { Owner: "team: {a}\n- x", env: "blue" } });
    await init();

    expect(await written("eks-access.yml")).not.toMatch(/templates|policy|blue|team/);
  });

  test("takes the clusters with the tag of the fleet alone, if there are any", async () => {
    addCluster("shop", { tags: { "eks-access": "yes" } });
    addCluster("private");

    const { stdout } = await init();

    expect(stdout).toContain("! Left out: 1 cluster without the tag eks-access=yes.");
    expect((await clustersWritten({ shop: { "eks-access": "yes" } })).fleet?.clusters).toEqual({
      "eks-access": ["yes"],
    });
  });

  test("names clusters with their account where names repeat", async () => {
    for (const id of [management, "200000000001"]) addMember(id);
    addCluster("shop");
    addCluster("shop", { account: "200000000001" });

    const { stdout } = await init("--role", "eks-access-reader");

    expect(await written("eks-access.yml")).toContain('name: "{name}-{account}"');
    expect(stdout).toMatch(/eks-access bootstrap shop-\d{12}/);
  });
});
