import type { SandboxAws } from "./aws/account.ts";
import { type SandboxCluster, type SandboxClusterOptions, startSandboxCluster } from "./cluster/cluster.ts";
import { group } from "./cluster/default-rbac.ts";
import { creatorClusters, creatorClustersText } from "./creator-scene.ts";
import { admitPlatformTeam, modeClusters, modeClustersText } from "./mode-scene.ts";
import type { SandboxOptions } from "./sandbox.ts";
import { arns, clusterArn, clusterName, configuration, initialAwsAuth, region } from "./scene.ts";

/** `eks-access.yml`, with the clusters that the options add. */
export function configurationOf({
  everyCreator,
  everyMode,
}: Pick<SandboxOptions, "everyCreator" | "everyMode">): string {
  const more = (everyCreator ? creatorClustersText : "") + (everyMode ? modeClustersText : "");
  return configuration.replace(/^levels:/m, `${more}levels:`);
}

/** The clusters, each with its creator in AWS and its creation in CloudTrail. */
export async function startClusters(
  aws: SandboxAws,
  options: SandboxOptions,
): Promise<ReadonlyMap<string, SandboxCluster>> {
  const { faults } = aws;
  const { onCall = () => {}, awsAuth = initialAwsAuth } = options;
  const bindings = [
    group("eks-access-viewers", "view", "eks-access:viewers"),
    group("eks-access-admins", "cluster-admin", "eks-access:admins"),
  ];
  const wanted = [
    { name: clusterName, creatorArn: arns.creator },
    ...(options.everyCreator ? creatorClusters : []),
    ...(options.everyMode ? modeClusters : []),
  ];
  const host = options.host ? { host: options.host } : {};
  const clusters = new Map<string, SandboxCluster>();
  for (const { name, ...own } of wanted) {
    const access = () => aws.accessOf(clusterArn(name));
    const same = { region, stsUrl: aws.url, rbac: { bindings }, faults, onCall, access, ...host };
    const cluster = await startCluster({ name, awsAuth, ...own, ...same });
    aws.addCluster({ ...cluster, ...own, region });
    if ("awsAuth" in own && own.awsAuth === null) admitPlatformTeam(aws, clusterArn(name));
    clusters.set(name, cluster);
  }
  return clusters;
}

/** A real kube-apiserver and etcd where the machine has them (KUBEBUILDER_ASSETS), the stand-in otherwise. */
async function startCluster(options: SandboxClusterOptions): Promise<SandboxCluster> {
  const assets = process.env.KUBEBUILDER_ASSETS;
  if (!assets) return startSandboxCluster(options);
  const { startRealCluster } = await import("./cluster/real-cluster.ts");
  return startRealCluster(options, assets);
}
