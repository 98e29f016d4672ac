import type { Cluster, Level } from "../../src/access/policy/cluster.ts";
import { type Config, readConfig } from "../../src/config/config.ts";

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

const known = new Map<string, Config>();

/** What a text of eks-access.yml says. Each is read once: that takes as long as some calls over HTTP, and tests read thousands. */
export function configOf(text: string): Config {
  const before = known.get(text);
  if (before) return before;
  const reading = readConfig(text);
  if (reading.type === "invalid") throw new Error(reading.problems.join("\n"));
  known.set(text, reading.config);
  return reading.config;
}

/** The cluster of this name. */
export function clusterIn({ clusters }: Pick<Config, "clusters">, name: string): Cluster {
  const cluster = clusters.get(name);
  if (!cluster) throw new Error(`there is no cluster ${name}`);
  return cluster;
}

/** The cluster `staging`, or one like it. */
export function aCluster(change: Partial<Cluster> = {}): Cluster {
  return { ...clusterIn(configOf(configText), "staging"), ...change };
}

/** The level `viewer`, or one like it. */
export function aLevel(change: Partial<Level> = {}): Level {
  return { name: "viewer", groups: ["eks-access:viewers"], maxDurationSeconds: 8 * 3600, verify: [], ...change };
}

/** Clusters by their names, as the configuration holds them. */
export function clustersOf(...clusters: readonly Cluster[]): ReadonlyMap<string, Cluster> {
  return new Map(clusters.map((cluster) => [cluster.name, cluster]));
}
