import { account, arns, channel, externalId, region } from "../../sandbox/scene.ts";

/** Seconds, as `eks-access.yml` would say them with a unit. */
export interface StageTiming {
  readonly inspectEverySeconds?: number;
}

/** `eks-access.yml` for these clusters, as JSON, which is YAML too. All have one channel, one creator and one level. */
export function stageConfiguration(clusterNames: readonly string[], timing: StageTiming): string {
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
    groups: ["eks-access:viewers"],
    maxDuration: "8h",
    verify: [{ verb: "list", resource: "pods", namespace: "default" }],
  };
  return JSON.stringify({
    clusters: Object.fromEntries(clusterNames.map((name) => [name, cluster(name)])),
    levels: { viewer },
    // One engineer asks for everything here.
    limits: { pending: 1000, requests: 1000, questions: 1000 },
    timing: { requestLapsesAfter: "1h", sweepEvery: "1s", inspectEvery: `${timing.inspectEverySeconds ?? 300}s` },
  });
}
