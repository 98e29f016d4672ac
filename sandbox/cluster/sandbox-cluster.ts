import type { ClusterAccess } from "../aws/eks-clusters.ts";
import type { Faults } from "../faults.ts";
import type { AuditedRequest } from "./api-server.ts";
import type { ConfigMap, SentConfigMap } from "./config-map.ts";
import type { Rbac } from "./rbac.ts";

/** One answered call: `by` is the Kubernetes user name, if the token was good. */
export interface ClusterCall {
  cluster: string;
  call: string;
  status: number;
  milliseconds: number;
  by: string | undefined;
}

/** An EKS cluster: an API server with a certificate authority of its own. */
export interface SandboxCluster {
  name: string;
  /** `https://127.0.0.1:<port>`. */
  endpoint: string;
  /** Base64 of a PEM certificate, as DescribeCluster gives it. */
  certificateAuthority: string;
  /** Call names: `kubernetes.get-configmap`, `kubernetes.replace-configmap`, `kubernetes.dry-run-configmap`, `kubernetes.create-rolebinding`, … (see `callName`). */
  faults: Faults;
  /** The live ConfigMap kube-system/aws-auth; null where there is none. */
  awsAuth(): ConfigMap | null;
  /**
   * An edit by hand, without authentication: `manager` owns in managedFields what it changes. Creates an absent ConfigMap.
   * Returns a promise only with a real API server behind it, as below.
   */
  editAwsAuth(edit: (configMap: SentConfigMap) => SentConfigMap, manager?: string): void | Promise<void>;
  /** `kubectl delete configmap aws-auth`. */
  deleteAwsAuth(): void | Promise<void>;
  /** Called after each write to aws-auth, with the ConfigMap as it is then; null once it is deleted. */
  onChange(listener: (configMap: ConfigMap | null) => void): () => void;
  /** Adds ClusterRoles, Roles and bindings to the default ones, instead of those that were added before. */
  setRbac(rbac: Partial<Rbac>): void | Promise<void>;
  /** The API server's audit log, the newest lines, oldest first; empty where a real API server is behind it. */
  auditLog(): readonly AuditedRequest[];
  stop(): Promise<void>;
}

export interface SandboxClusterOptions {
  name: string;
  region: string;
  /** IAM ARN of the role or user that created the cluster. In mode CONFIG_MAP it signs in as kubernetes-admin whatever the document says. */
  creatorArn: string;
  /** The sandbox's STS, that the authenticator asks who a token belongs to. */
  stsUrl: string;
  /** The data of kube-system/aws-auth; null for a cluster that has none. */
  awsAuth: Readonly<Record<string, string>> | null;
  /** Roles and bindings besides the default ones. */
  rbac?: Partial<Rbac>;
  /** Namespaces besides those that every cluster has, and those of `rbac`. */
  namespaces?: readonly string[];
  /** The principals that EKS lets in at a moment, where aws-auth alone does not decide: the `accessOf` of the sandbox's account. */
  access?: () => ClusterAccess | undefined;
  /** The IPv4 address to listen on; 127.0.0.1 if not given. */
  host?: string;
  faults?: Faults;
  now?: () => Date;
  onCall?: (call: ClusterCall) => void;
  /** How long the API server trusts a token without asking again; two minutes, as in a real one. */
  tokenCacheMs?: number;
}
