import type { Cluster, Level } from "../../src/access/policy/cluster.ts";
import { readConfig } from "../../src/config/config.ts";

/** A configuration with one cluster `staging` that offers `viewer` and `admin`; everything else as the defaults are. */
export const configText = `
clusters:
  staging:
    eksName: staging-eks
    region: eu-central-1
    account: "111122223333"
    creator:
      roleArn: arn:aws:iam::111122223333:role/cluster-creator
    channel: C0ACCESS
    approvers: [U0APPROVER, U0APPROVER2]
    levels: [viewer, admin]
levels:
  viewer:
    groups: [eks-access:viewers]
    maxDuration: 8h
  admin:
    groups: [eks-access:admins]
    maxDuration: 1h
`;

let staging: Cluster | undefined;

/** The cluster `staging`, or one like it. Its text is read once: tests build thousands of them. */
export function aCluster(change: Partial<Cluster> = {}): Cluster {
  staging ??= readStaging();
  return { ...staging, ...change };
}

function readStaging(): Cluster {
  const reading = readConfig(configText);
  const cluster = reading.type === "config" ? reading.config.clusters.get("staging") : undefined;
  if (!cluster) throw new Error("The configuration of the builder does not read any more.");
  return cluster;
}

/** The level `viewer`, or one like it. */
export function aLevel(change: Partial<Level> = {}): Level {
  return { name: "viewer", groups: ["eks-access:viewers"], maxDurationSeconds: 8 * 3600, verify: [], ...change };
}

/** Clusters by their names, as the configuration holds them. */
export function clustersOf(...clusters: readonly Cluster[]): ReadonlyMap<string, Cluster> {
  return new Map(clusters.map((cluster) => [cluster.name, cluster]));
}
