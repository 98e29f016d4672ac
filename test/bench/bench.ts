import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type SandboxAws, startSandboxAws } from "../../sandbox/aws/account.ts";
import { type SandboxCluster, startSandboxCluster } from "../../sandbox/cluster/cluster.ts";
import { group } from "../../sandbox/cluster/default-roles.ts";
import { Faults } from "../../sandbox/faults.ts";
import type { SandboxCall } from "../../sandbox/http-server.ts";
import { freePort, type ProductProcess } from "../../sandbox/product-process.ts";
import { provideRedis } from "../../sandbox/redis/provide-redis.ts";
import { account, arns, clusterArn, externalId, initialAwsAuth, region } from "../../sandbox/scene.ts";
import { type SandboxSlack, startSandboxSlack } from "../../sandbox/slack/workspace.ts";
import { newKeys } from "../../src/bin/keys.ts";
import { type Config, readConfig } from "../../src/config/config.ts";
import { connectRedis, type RedisConnection } from "../../src/ledger/connect.ts";
import { type Ledger, redisLedger } from "../../src/ledger/ledger.ts";
import { type BothKeys, keysIn } from "../builders/keys.ts";
import { type BenchOptions, benchConfiguration, finder, fleetTags, inAccount } from "./bench-configuration.ts";
import { startProductProcess } from "./product.ts";

/**
 * A sandbox in this process, a Redis of its own with AOF, and the product's processes as children. It has the parts of the
 * demo's sandbox, with any number of clusters in one mode, one level and one named approver. Slack's rate limits are off, because
 * they, and not the product, would be measured. The ledger can be read.
 */
export interface Bench {
  readonly aws: SandboxAws;
  readonly slack: SandboxSlack;
  readonly clusters: ReadonlyMap<string, SandboxCluster>;
  readonly faults: Faults;
  readonly config: Config;
  readonly keys: BothKeys;
  readonly redis: RedisConnection["redis"];
  readonly ledger: Ledger;
  /** How many calls of this kind were answered, with this status where one is given. */
  readonly calls: (call: string, status?: number) => number;
  readonly workerEnvironment: Readonly<Record<string, string>>;
  /** Where the slack process listens. */
  readonly slackPort: number;
  /** @param apiUrl in the place of the workspace's own */
  readonly startSlack: (apiUrl?: string) => Promise<ProductProcess>;
  readonly startWorker: () => Promise<ProductProcess>;
  readonly stop: () => Promise<void>;
}

export async function startBench(clusterNames: readonly string[], options: BenchOptions = {}): Promise<Bench> {
  const redis = await provideRedis({ appendOnly: true });
  const { redis: connection, close } = await connectRedis(redis.url);
  const { onCall, calls } = countCalls();
  const sandbox = await startSandboxParts(clusterNames, options, onCall);
  const configuration = benchConfiguration(clusterNames, options);
  const folder = await mkdtemp(join(tmpdir(), "eks-access-bench-"));
  const configFile = join(folder, "eks-access.yml");
  await writeFile(configFile, configuration);
  const keys = newKeys();
  const port = await freePort();
  const shared = { EKS_ACCESS_CONFIG: configFile, REDIS_URL: redis.url };
  const workerEnvironment = { ...shared, ...keys.worker, ...awsEnvironment(sandbox.aws) };
  sandbox.slack.connect(`http://127.0.0.1:${port}/slack/events`);
  const started: ProductProcess[] = [];
  const start = async (kind: "slack" | "worker", environment: Readonly<Record<string, string>>) => {
    const child = await startProductProcess(kind, environment);
    started.push(child);
    return child;
  };
  return {
    ...sandbox,
    config: configOf(configuration),
    keys: keysIn(keys.slack, keys.worker),
    redis: connection,
    ledger: redisLedger(connection),
    calls,
    workerEnvironment,
    slackPort: port,
    startSlack: (apiUrl = sandbox.slack.apiUrl) =>
      start("slack", { ...shared, ...keys.slack, ...slackEnvironment(sandbox.slack, port), SLACK_API_URL: apiUrl }),
    startWorker: () => start("worker", workerEnvironment),
    stop: async () => {
      await Promise.all(started.map((child) => child.stop()));
      await close();
      await Promise.all([...sandbox.clusters.values()].map((cluster) => cluster.stop()));
      await Promise.all([sandbox.slack.stop(), sandbox.aws.stop(), redis.stop()]);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

type OnCall = (call: SandboxCall) => void;

function countCalls(): { onCall: OnCall; calls: Bench["calls"] } {
  const counts = new Map<string, number>();
  const count = (key: string) => counts.set(key, (counts.get(key) ?? 0) + 1);
  return {
    onCall: ({ call, status }) => {
      count(call);
      count(`${call} ${status}`);
    },
    calls: (call, status) => counts.get(status === undefined ? call : `${call} ${status}`) ?? 0,
  };
}

type SandboxParts = Pick<Bench, "aws" | "slack" | "clusters" | "faults">;

async function startSandboxParts(
  clusterNames: readonly string[],
  { way = "aws-auth", fleet }: BenchOptions,
  onCall: OnCall,
): Promise<SandboxParts> {
  const faults = new Faults();
  const aws = await startSandboxAws({ faults, account, region, onCall });
  populate(aws, fleet);
  const slack = await startSandboxSlack({ faults, rateLimits: false, onCall });
  const clusters = new Map<string, SandboxCluster>();
  for (const [index, name] of clusterNames.entries()) {
    const of = fleet?.[index % fleet.length] ?? account;
    const creatorArn = inAccount(arns.creator, of);
    const cluster = await startSandboxCluster({
      name,
      region,
      creatorArn,
      stsUrl: aws.url,
      awsAuth: initialAwsAuth,
      rbac: { bindings: [group("eks-access-viewers", "view", "eks-access:viewers")] },
      faults,
      access: () => aws.accessOf(inAccount(clusterArn(name), of)),
      onCall,
    });
    aws.addCluster({
      ...cluster,
      region,
      account: of,
      creatorArn,
      tags: fleet ? fleetTags : {},
      authenticationMode: way === "access-entry" ? "API" : "CONFIG_MAP",
    });
    clusters.set(name, cluster);
  }
  return { aws, slack, clusters, faults };
}

function populate({ account: iam }: SandboxAws, fleet: readonly string[] = []): void {
  const trust = { principals: [arns.worker], externalId };
  iam.addRole({ name: "eks-access-worker", allow: ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"] });
  for (const of of new Set([account, ...fleet])) {
    iam.addRole({ name: "cluster-creator", account: of, allow: ["eks:*"], trust });
    iam.addRole({ name: finder, account: of, allow: ["eks:ListClusters", "eks:DescribeCluster"], trust });
  }
}

function configOf(text: string): Config {
  const reading = readConfig(text);
  if (reading.type === "invalid") throw new Error(`the bench's configuration does not read: ${reading.problems}`);
  return reading.config;
}

function awsEnvironment(aws: SandboxAws): Record<string, string> {
  const keys = aws.account.sessionFor(arns.worker, "eks-access-worker-0", { seconds: 12 * 3600 });
  return {
    AWS_ENDPOINT_URL_STS: aws.url,
    AWS_ENDPOINT_URL_EKS: aws.url,
    AWS_ENDPOINT_URL_IAM: aws.url,
    AWS_REGION: region,
    AWS_ACCESS_KEY_ID: keys.accessKeyId,
    AWS_SECRET_ACCESS_KEY: keys.secretAccessKey,
    AWS_SESSION_TOKEN: keys.sessionToken,
  };
}

function slackEnvironment(slack: SandboxSlack, port: number): Record<string, string> {
  return {
    SLACK_BOT_TOKEN: slack.botToken,
    SLACK_SIGNING_SECRET: slack.signingSecret,
    PORT: String(port),
  };
}
