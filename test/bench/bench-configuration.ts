import { account, arns, channel, externalId, region } from "../../sandbox/scene.ts";
import type { Way } from "../../src/access/policy/cluster.ts";

export interface BenchOptions {
  readonly inspectEverySeconds?: number;
  /** How its clusters take leases; by `aws-auth` where nothing is said. */
  readonly way?: Way;
  /** Whether there is a level `personal` too, which binds the same role to one person. */
  readonly hasPersonal?: boolean;
  /** The accounts of a fleet: then its clusters are discovered there in turns, and the file names none. */
  readonly fleet?: readonly string[];
}

export const fleetTags = { "eks-access": "yes" };
export const finder = "eks-access-finder";

/** `eks-access.yml` for these clusters, as JSON, which is YAML too. All have one channel, one creator and one level. */
export function benchConfiguration(
  clusterNames: readonly string[],
  { inspectEverySeconds = 300, way = "aws-auth", hasPersonal = false, fleet }: BenchOptions,
): string {
  const levelNames = ["viewer", ...(hasPersonal ? ["personal"] : [])];
  const common = { channel, approvers: ["U0APPROVER"], levels: levelNames };
  const creator = { roleArn: arns.creator, externalId };
  const cluster = (name: string) => ({ eksName: name, region, account, creator, ...common });
  const rest = { maxDuration: "8h", verify: [{ verb: "list", resource: "pods", namespace: "default" }] };
  const personal = { bind: [{ clusterRole: "view", in: ["default"] }], ...rest };
  const viewer = way === "binding" ? personal : { groups: ["eks-access:viewers"], ...rest };
  return JSON.stringify({
    ...(fleet
      ? discovered(fleet, { ...common, creator: { ...creator, roleArn: inAccount(arns.creator) } })
      : { clusters: Object.fromEntries(clusterNames.map((name) => [name, cluster(name)])) }),
    levels: { viewer, ...(hasPersonal && { personal }) },
    // One engineer asks for everything here.
    limits: { pending: 1000, requests: 1000, questions: 1000 },
    timing: { requestExpiresAfter: "1h", sweepEvery: "1s", inspectEvery: `${inspectEverySeconds}s` },
  });
}

/** @param defaults of each cluster */
function discovered(accounts: readonly string[], defaults: object): object {
  const roleArn = `arn:aws:iam::{account}:role/${finder}`;
  return { defaults, fleet: { accounts, regions: [region], roleArn, externalId, clusters: fleetTags } };
}

/** The role of that name in another account; by default in whichever one. */
export function inAccount(arn: string, other = "{account}"): string {
  return arn.replace(account, other);
}
