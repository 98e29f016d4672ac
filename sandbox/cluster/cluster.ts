import { type ClusterAccess, withoutEntries } from "../aws/eks-clusters.ts";
import { Faults } from "../faults.ts";
import { type SandboxRequest, type SandboxRoute, type StandIn, startSandboxServer } from "../http-server.ts";
import { type AuditedRequest, routeApiRequest } from "./api-server.ts";
import { createAuthenticator } from "./authenticator.ts";
import { readAwsAuth } from "./aws-auth-map.ts";
import { type ClusterCertificates, issueCertificates } from "./certificate.ts";
import { type ConfigMap, type ConfigMapContent, configMapKind, type SentConfigMap } from "./config-map.ts";
import { authorizeByPolicies } from "./default-roles.ts";
import { ObjectStore } from "./object-store.ts";
import { type Authorize, authorize, type Rbac } from "./rbac.ts";
import { RbacObjects } from "./roles.ts";
import { isStatus } from "./status.ts";

export interface SandboxCluster {
  name: string;
  endpoint: string;
  /** Base64 of a PEM certificate, as DescribeCluster gives it. */
  certificateAuthority: string;
  /** Call names: `kubernetes.get-configmap`, `kubernetes.replace-configmap`, `kubernetes.dry-run-configmap`, `kubernetes.create-rolebinding`, … (see `callName`). */
  faults: Faults;
  awsAuth(): ConfigMap | null;
  /** Without authentication; `manager` then owns the change. Returns a promise only for a real API server. */
  editAwsAuth(edit: (configMap: SentConfigMap) => SentConfigMap, manager?: string): void | Promise<void>;
  deleteAwsAuth(): void | Promise<void>;
  /** A mutating webhook changes the data of each update of aws-auth, and of no dry run; null: there is none. */
  admit(webhook: AwsAuthWebhook | null): void | Promise<void>;
  onChange(listener: (configMap: ConfigMap | null) => void): () => void;
  setRbac(rbac: Partial<Rbac>): void | Promise<void>;
  /** All that it holds now; the result puts it back in one step. Absent for a real API server. */
  keep?: () => () => void;
  /** The newest lines of the API server's audit log, oldest first; empty for a real API server. */
  auditLog(): readonly AuditedRequest[];
  stop(): Promise<void>;
}

export type AwsAuthWebhook = (data: Readonly<Record<string, string>>) => Readonly<Record<string, string>>;

export interface SandboxClusterOptions extends StandIn {
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
  /** How long the API server trusts a token without a new question; by default two minutes, as in a real one. */
  tokenCacheMs?: number;
}

const maxAudited = 1_000;

const at = { namespace: "kube-system", name: "aws-auth" };

export async function startSandboxCluster(options: SandboxClusterOptions): Promise<SandboxCluster> {
  const { now = () => new Date(), awsAuth: data } = options;
  const configMaps = new ObjectStore(configMapKind, now);
  const rbac = new RbacObjects(now, configMaps.versions, options.rbac, options.namespaces);
  const access = () => options.access?.() ?? withoutEntries;
  const awsAuth = awsAuthMethods(configMaps);
  if (data) awsAuth.editAwsAuth(() => ({ metadata: {}, data }), "vpc-resource-controller");
  const map = () => readAwsAuth(configMaps.get(at)?.data);
  const cacheMs = options.tokenCacheMs ?? 120_000;
  const authenticator = createAuthenticator({ ...options, cluster: options.name, access, map, now, cacheMs });
  // RBAC first, then EKS's access policies: one allowance is enough.
  const authorizer: Authorize = (user, attributes) => {
    const verdict = authorize(rbac.rbac(), user, attributes);
    return verdict.allowed ? verdict : authorizeByPolicies(access(), user, attributes);
  };
  const log: AuditedRequest[] = [];
  const audit = (event: AuditedRequest) => {
    log.push(event);
    if (log.length > maxAudited) log.shift();
  };
  const context = { authenticator, authorize: authorizer, rbac, configMaps, now, audit };
  // TLS clients use the real clock, whatever time the sandbox has.
  const certificates = issueCertificates(new Date(), "server", options.host);
  const endpoint = await startEndpoint(options, certificates, (request) => routeApiRequest(context, request));
  return {
    ...{ name: options.name, ...endpoint, ...awsAuth },
    auditLog: () => [...log],
    setRbac: (own) => rbac.setOwn(own),
    keep: () => {
      const all = [configMaps.keep(), rbac.keep()];
      return () => {
        for (const putBack of all) putBack();
      };
    },
  };
}

function awsAuthMethods(
  configMaps: ObjectStore<ConfigMapContent>,
): Pick<SandboxCluster, "awsAuth" | "editAwsAuth" | "deleteAwsAuth" | "admit" | "onChange"> {
  return {
    awsAuth: () => configMaps.get(at) ?? null,
    editAwsAuth: (edit, manager = "kubectl-edit") => {
      const before = configMaps.get(at);
      const edited = edit(structuredClone(before) ?? { metadata: {} });
      const after = { ...edited, metadata: { ...edited.metadata, name: at.name } };
      const options = { manager, dryRun: false };
      const written = before ? configMaps.replace(at, after, options) : configMaps.create(at.namespace, after, options);
      if (isStatus(written)) throw new Error(written.message);
    },
    deleteAwsAuth: () => void configMaps.remove(at),
    admit: (webhook) => {
      const isAwsAuth = ({ metadata }: SentConfigMap) => metadata.name === at.name;
      configMaps.admission =
        webhook && ((sent) => (isAwsAuth(sent) ? { ...sent, data: webhook(sent.data ?? {}) } : sent));
    },
    onChange: (listener) =>
      configMaps.onChange((configMap, event) => {
        const isAwsAuth = configMap.metadata.namespace === at.namespace && configMap.metadata.name === at.name;
        if (isAwsAuth) listener(event === "removed" ? null : configMap);
      }),
  };
}

/** kubernetes, secure_serving.go. */
const idleMs = 90_000;

export async function startEndpoint(
  options: SandboxClusterOptions,
  certificates: ClusterCertificates,
  route: (request: SandboxRequest) => SandboxRoute,
): Promise<Pick<SandboxCluster, "endpoint" | "certificateAuthority" | "faults" | "stop">> {
  const { faults = new Faults(), host, onCall } = options;
  const { url, stop } = await startSandboxServer({ faults, tls: certificates, idleMs, route, onCall, host });
  return { endpoint: url, certificateAuthority: Buffer.from(certificates.authority).toString("base64"), faults, stop };
}
