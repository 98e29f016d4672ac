import type { ClusterAccess } from "../aws/eks-clusters.ts";
import type { Faults } from "../faults.ts";
import type { AuditedRequest } from "./api-server.ts";
import type { ConfigMap, SentConfigMap } from "./config-map.ts";
import type { Rbac } from "./rbac.ts";

/** One answered call: `by` is the Kubernetes username of a good token. */
export interface ClusterCall {
  cluster: string;
  call: string;
  status: number;
  milliseconds: number;
  by: string | undefined;
}

export interface SandboxCluster {
  name: string;
  endpoint: string;
  /** Base64 of a PEM certificate, as DescribeCluster gives it. */
  certificateAuthority: string;
  /** Call names: `kubernetes.get-configmap`, `kubernetes.replace-configmap`, `kubernetes.dry-run-configmap`, `kubernetes.create-rolebinding`, … (see `callName`). */
  faults: Faults;
  awsAuth(): ConfigMap | null;
  /**
   * Edits without authentication; `manager` then owns the change. Creates an absent ConfigMap. Returns a promise only
   * for a real API server.
   */
  editAwsAuth(edit: (configMap: SentConfigMap) => SentConfigMap, manager?: string): void | Promise<void>;
  deleteAwsAuth(): void | Promise<void>;
  onChange(listener: (configMap: ConfigMap | null) => void): () => void;
  setRbac(rbac: Partial<Rbac>): void | Promise<void>;
  /** The newest lines of the API server's audit log, oldest first; empty for a real API server. */
  auditLog(): readonly AuditedRequest[];
  stop(): Promise<void>;
}

export interface SandboxClusterOptions {
  name: string;
  region: string;
  /** IAM ARN of the role or user that created the cluster. In mode CONFIG_MAP it always signs in as kubernetes-admin. */
  creatorArn: string;
  /** The sandbox's STS, which gives the authenticator a token's owner. */
  stsUrl: string;
  /** The data of kube-system/aws-auth; null: the cluster has none. */
  awsAuth: Readonly<Record<string, string>> | null;
  /** Roles and bindings besides the default ones. */
  rbac?: Partial<Rbac>;
  /** Further namespaces, besides the default ones and those of `rbac`. */
  namespaces?: readonly string[];
  /** The principals that EKS lets in now, by the sandbox's account; absent: aws-auth alone decides. */
  access?: () => ClusterAccess | undefined;
  host?: string;
  faults?: Faults;
  now?: () => Date;
  onCall?: (call: ClusterCall) => void;
  /** How long the API server trusts a token without a new question; by default two minutes, as in a real one. */
  tokenCacheMs?: number;
}
