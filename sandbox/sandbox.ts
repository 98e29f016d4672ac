import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AccessError } from "../src/access/access-error.ts";
import type { AwsCredentials } from "../src/aws/client-settings.ts";
import { mintToken } from "../src/aws/sts.ts";
import { type KeyVariables, newKeys } from "../src/bin/keys.ts";
import { connectCluster } from "../src/kubernetes/cluster-client.ts";
import { type SandboxAws, startSandboxAws } from "./aws/account.ts";
import type { SandboxCluster } from "./cluster/cluster.ts";
import { Faults } from "./faults.ts";
import { account, arns, botScopes, clusterName, externalId, region } from "./scene.ts";
import { configurationOf, populateModes, type SandboxOptions, startClusters } from "./scene-clusters.ts";
import { type SandboxSlack, startSandboxSlack } from "./slack/workspace.ts";

export type KubectlAnswer = { readonly ok: boolean; readonly output: string };

let tokens = 0;

/** Only the validity makes two tokens of one second differ, and an API server caches its answer to a token for two minutes. */
function validityOfItsOwn(): number {
  tokens += 1;
  return 60 + (tokens % 800);
}

/** `kubectl get pods` as an identity, with a new token each time, as the AWS CLI makes one. */
export async function getPods(
  cluster: SandboxCluster,
  region: string,
  credentials: AwsCredentials,
): Promise<KubectlAnswer> {
  const token = await mintToken(credentials, { eksName: cluster.name, region }, new Date(), validityOfItsOwn());
  const { name, endpoint, certificateAuthority } = cluster;
  const client = connectCluster({ name, endpoint, certificateAuthority, token });
  try {
    return { ok: true, output: (await client.listPods("default")).join("\n") };
  } catch (error) {
    return { ok: false, output: denial(error) };
  } finally {
    client.close();
  }
}

function denial(error: unknown): string {
  const code = error instanceof AccessError ? error.code : null;
  if (code === "cluster-unauthorized") return "error: You must be logged in to the server (Unauthorized)";
  if (code === "cluster-forbidden") return "Error from server (Forbidden): pods is forbidden";
  return `error: ${error instanceof Error ? error.message : String(error)}`;
}

/** A Slack workspace, an AWS account and an EKS cluster on this machine, for the unchanged product. */
export type Sandbox = Awaited<ReturnType<typeof startSandbox>>;

export async function startSandbox(options: SandboxOptions = {}) {
  const faults = new Faults();
  const { host, now, onCall } = options;
  const aws = await startSandboxAws({ host, now, faults, account, region, onCall });
  const { worker, people } = populate(aws);
  const profilesText = options.scene?.populate(aws) ?? "";
  if (options.everyMode) populateModes(aws);
  const clusters = await startClusters(aws, options);
  const cluster = clusterNamed(clusters, clusterName);
  const slack = await startSandboxSlack({
    ...{ host, now, faults, onCall },
    scopes: botScopes,
    rateLimits: options.slackRateLimits,
    ackWithinMs: options.slackWaitsMs,
    tls: options.slackTls,
  });
  const folder = await mkdtemp(join(tmpdir(), "eks-access-sandbox-"));
  const configFile = join(folder, "eks-access.yml");
  await writeFile(configFile, options.configuration ?? configurationOf(options));
  const profiles = join(folder, "aws-credentials");
  await writeFile(profiles, profilesText);
  const keys = newKeys();
  return {
    slack,
    aws,
    cluster,
    clusters,
    faults,
    /** The environment of the two processes: the only difference from a real installation. */
    environmentOf: (
      process: "slack" | "worker",
      { redisUrl, port = 0 }: { redisUrl: string; port?: number },
    ): Record<string, string> => ({
      EKS_ACCESS_CONFIG: configFile,
      REDIS_URL: redisUrl,
      ...keys[process],
      ...(process === "slack" ? slackEnvironment(slack, port) : workerEnvironment(aws, worker, profiles)),
    }),
    /** Also of later AWS sessions: none of them may appear anywhere. */
    secrets: (): readonly string[] => [...secretsOf(keys), ...slack.secrets(), ...aws.account.secrets()],
    /** `kubectl get pods` as one of the people, a principal of `scene.ts`. */
    getPods: (user = "U0ENGINEER", name = clusterName) =>
      getPods(clusterNamed(clusters, name), region, keysOf(people, user)),
    /** The clusters and their access entries as they are now; the result puts them back in one step, without a call. */
    keep: () => {
      const kept = [aws.keepClusters(), ...[...clusters.values()].map((each) => each.keep?.())];
      return () => {
        for (const putBack of kept) putBack?.();
      };
    },
    stop: async () => {
      await Promise.all([slack.stop(), aws.stop(), ...[...clusters.values()].map((each) => each.stop())]);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function secretsOf({ slack, worker }: KeyVariables): readonly string[] {
  return [slack.DECISION_SIGNING_KEY, worker.MEMORY_KEYS, worker.PREVIEW_SIGNING_KEY];
}

function clusterNamed(clusters: ReadonlyMap<string, SandboxCluster>, name: string): SandboxCluster {
  const cluster = clusters.get(name);
  if (!cluster) throw new Error(`there is no cluster ${name} in the sandbox`);
  return cluster;
}

type Keys = { accessKeyId: string; secretAccessKey: string; sessionToken?: string };

function populate(aws: SandboxAws): { worker: Keys; people: ReadonlyMap<string, Keys> } {
  aws.account.addRole({
    name: "eks-access-worker",
    allow: ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity", "cloudtrail:LookupEvents"],
  });
  aws.account.addRole({
    name: "cluster-creator",
    allow: [
      "eks:DescribeCluster",
      "eks:ListAccessEntries",
      "eks:DescribeAccessEntry",
      "eks:ListAssociatedAccessPolicies",
      "iam:GetRole",
    ],
    trust: { principals: [arns.worker], externalId },
  });
  // A role of people that the worker can assume to prove a lease; it has no rights in AWS.
  aws.account.addRole({
    name: "developers",
    trust: { principals: [arns.worker], externalId, requireSourceIdentity: true },
  });
  // In the organization's management account, which is the clusters' account here.
  aws.account.addRole({
    name: "identity-reader",
    allow: [
      ...["DescribeUser", "GetUserId", "ListGroupMembershipsForMember"].map((action) => `identitystore:${action}`),
      ...["sso:DescribePermissionSet", "sso:ListAccountAssignmentsForPrincipal"],
    ],
    trust: { principals: [arns.worker], externalId },
  });
  const worker = aws.account.sessionFor(arns.worker, "eks-access-worker-0", { seconds: 12 * 3600 });
  aws.account.addRole({ name: "platform-admins" });
  const platform = (name: string) => aws.account.sessionFor(arns.admins, name, { seconds: 12 * 3600 });
  const people = new Map<string, Keys>([
    ["U0ENGINEER", aws.account.addUser({ name: "engineer" })],
    ["U0APPROVER", platform("approver")],
    ["U0APPROVER2", platform("second-approver")],
    ["U0ONCALL", aws.account.addUser({ name: "on-call" })],
  ]);
  return { worker, people };
}

function keysOf(people: ReadonlyMap<string, Keys>, user: string): Keys {
  const keys = people.get(user);
  if (!keys) throw new Error(`${user} has no identity in the sandbox's AWS account`);
  return keys;
}

function slackEnvironment(slack: SandboxSlack, port: number): Record<string, string> {
  return {
    SLACK_BOT_TOKEN: slack.botToken,
    SLACK_SIGNING_SECRET: slack.signingSecret,
    SLACK_APP_TOKEN: slack.appToken,
    SLACK_API_URL: slack.apiUrl,
    PORT: String(port),
  };
}

function workerEnvironment(aws: SandboxAws, keys: Keys, profiles: string): Record<string, string> {
  return {
    AWS_SHARED_CREDENTIALS_FILE: profiles,
    AWS_CONFIG_FILE: "/dev/null",
    AWS_ENDPOINT_URL_STS: aws.url,
    AWS_ENDPOINT_URL_EKS: aws.url,
    AWS_ENDPOINT_URL_IAM: aws.url,
    AWS_ENDPOINT_URL_CLOUDTRAIL: aws.url,
    AWS_ENDPOINT_URL_IDENTITYSTORE: aws.url,
    AWS_ENDPOINT_URL_SSO_ADMIN: aws.url,
    AWS_ENDPOINT_URL_S3: aws.url,
    AWS_ENDPOINT_URL_EVENTBRIDGE: aws.url,
    // Where it is not set, the SDK makes and catches some errors for each client before it knows.
    AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: "false",
    AWS_REGION: region,
    AWS_ACCESS_KEY_ID: keys.accessKeyId,
    AWS_SECRET_ACCESS_KEY: keys.secretAccessKey,
    ...(keys.sessionToken ? { AWS_SESSION_TOKEN: keys.sessionToken } : {}),
  };
}
