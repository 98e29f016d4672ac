import {
  type SandboxCluster,
  type SandboxClusterOptions,
  startSandboxCluster,
} from "../../../sandbox/cluster/cluster.ts";
import { startRealCluster } from "./real/cluster.ts";

export type StartCluster = (options: SandboxClusterOptions) => Promise<SandboxCluster>;

const assets = process.env.KUBEBUILDER_ASSETS;

/** What flows run on: a real kube-apiserver and etcd where KUBEBUILDER_ASSETS names a folder with them, the stand-in otherwise. */
export const startCluster: StartCluster = assets ? (options) => startRealCluster(options, assets) : startSandboxCluster;

/** What the contract of a cluster is tried against: the stand-in, and a real API server where there is one. */
export const implementations: readonly (readonly [name: string, start: StartCluster])[] = [
  ["the sandbox's API server", startSandboxCluster],
  ...(assets ? [["a real kube-apiserver", startCluster] as const] : []),
];
