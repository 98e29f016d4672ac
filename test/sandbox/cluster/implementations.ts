import { startSandboxCluster } from "../../../sandbox/cluster/cluster.ts";
import { startRealCluster } from "../../../sandbox/cluster/real-cluster.ts";
import type { SandboxCluster, SandboxClusterOptions } from "../../../sandbox/cluster/sandbox-cluster.ts";

export type StartCluster = (options: SandboxClusterOptions) => Promise<SandboxCluster>;

const assets = process.env.KUBEBUILDER_ASSETS;

/** What the contract of a cluster is tried against: a real API server too, where KUBEBUILDER_ASSETS names a folder with one. */
export const implementations: readonly (readonly [name: string, start: StartCluster])[] = [
  ["the sandbox's API server", startSandboxCluster],
  ...(assets
    ? [["a real kube-apiserver", (options: SandboxClusterOptions) => startRealCluster(options, assets)] as const]
    : []),
];
