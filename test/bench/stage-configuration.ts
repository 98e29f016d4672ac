import { account, arns, channel, externalId, region } from "../../sandbox/scene.ts";

import type { Way } from "../../src/access/policy/cluster.ts";

export interface StageOptions {
  readonly inspectEverySeconds?: number;
  /** How its clusters take leases; by `aws-auth` where nothing is said. */
  readonly way?: Way;
}

/** `eks-access.yml` for these clusters, as JSON, which is YAML too. All have one channel, one creator and one level. */
export function stageConfiguration(
  clusterNames: readonly string[],
  { inspectEverySeconds = 300, way = "aws-auth" }: StageOptions,
): string {
  const cluster = (name: string) => ({
    eksName: name,
    region,
    account,
    creator: { roleArn: arns.creator, externalId },
    channel,
    approvers: ["U0APPROVER"],
    levels: ["viewer"],
  });
  const viewer = {
    ...(way === "binding" ? { bind: [{ clusterRole: "view", in: ["default"] }] } : { groups: ["eks-access:viewers"] }),
    maxDuration: "8h",
    verify: [{ verb: "list", resource: "pods", namespace: "default" }],
  };
  return JSON.stringify({
    clusters: Object.fromEntries(clusterNames.map((name) => [name, cluster(name)])),
    levels: { viewer },
    // One engineer asks for everything here.
    limits: { pending: 1000, requests: 1000, questions: 1000 },
    timing: { requestLapsesAfter: "1h", sweepEvery: "1s", inspectEvery: `${inspectEverySeconds}s` },
  });
}
