import { type ClusterAccess, withoutEntries } from "../../../../sandbox/aws/eks-clusters.ts";
import { allPods, callName, readApiRequest } from "../../../../sandbox/cluster/api-server.ts";
import { type Authenticator, createAuthenticator } from "../../../../sandbox/cluster/authenticator.ts";
import { readAwsAuth } from "../../../../sandbox/cluster/aws-auth-map.ts";
import { issueCertificates } from "../../../../sandbox/cluster/certificate.ts";
import { type SandboxCluster, type SandboxClusterOptions, startEndpoint } from "../../../../sandbox/cluster/cluster.ts";
import type { ConfigMap, SentConfigMap } from "../../../../sandbox/cluster/config-map.ts";
import { authorizeByPolicies, defaultRbac } from "../../../../sandbox/cluster/default-roles.ts";
import {
  attributesOf,
  bindingObject,
  namespacesOf,
  type Rbac,
  type ReviewSpec,
  roleObject,
} from "../../../../sandbox/cluster/rbac.ts";
import { Faults } from "../../../../sandbox/faults.ts";
import {
  type SandboxAnswer,
  type SandboxRequest,
  type SandboxRoute,
  startSandboxServer,
} from "../../../../sandbox/http-server.ts";
import { startRealApiServer } from "./api-server.ts";
import { type ForwardTarget, forward } from "./forward.ts";
import { startWebhook, type Webhook } from "./webhook.ts";

const configMaps = "/api/v1/namespaces/kube-system/configmaps";

const awsAuth = `${configMaps}/aws-auth`;

/** The live aws-auth of a real API server, read again after each write, so that a reader never waits for it. */
class AwsAuthMirror {
  readonly #admin: ClusterAdmin;
  readonly #listeners = new Set<(configMap: ConfigMap | null) => void>();
  #configMap: ConfigMap | null = null;

  constructor(admin: ClusterAdmin) {
    this.#admin = admin;
  }

  get configMap(): ConfigMap | null {
    return this.#configMap;
  }

  async refresh(): Promise<void> {
    const found = (await this.#admin.readAwsAuth()) ?? null;
    if (found?.metadata.resourceVersion === this.#configMap?.metadata.resourceVersion) return;
    this.#configMap = found;
    for (const listener of this.#listeners) listener(found);
  }

  /** The part of a cluster that is about aws-auth. */
  methods(): Pick<SandboxCluster, "awsAuth" | "editAwsAuth" | "deleteAwsAuth" | "onChange"> {
    return {
      awsAuth: () => this.#configMap,
      editAwsAuth: async (edit, manager = "kubectl-edit") => {
        await this.#admin.editAwsAuth(edit, manager);
        await this.refresh();
      },
      deleteAwsAuth: async () => {
        await this.#admin.deleteAwsAuth();
        await this.refresh();
      },
      onChange: (listener) => {
        this.#listeners.add(listener);
        return () => void this.#listeners.delete(listener);
      },
    };
  }
}

/**
 * The same cluster with a real kube-apiserver and etcd behind it, from the folder that KUBEBUILDER_ASSETS names. Its own
 * are the authenticator and the access policies, which the API server asks by webhooks, and a proxy before the API server for
 * faults and calls. Whatever the options say, a real API server believes a token for ten seconds.
 */
export async function startRealCluster(options: SandboxClusterOptions, assets: string): Promise<SandboxCluster> {
  const { now = () => new Date(), tokenCacheMs = 120_000 } = options;
  const state = { rbac: options.rbac ?? {}, data: noData };
  const access = () => options.access?.() ?? withoutEntries;
  const map = () => readAwsAuth(state.data());
  const authenticator = createAuthenticator({ ...options, cluster: options.name, access, map, now, cacheMs: 0 });
  const reviews = await startReviewHooks(authenticator, access);
  // TLS clients look at the real clock, whatever time it is in the sandbox.
  const certificates = issueCertificates(new Date());
  const real = await startRealApiServer({ assets, certificates, hooks: reviews.urls, cacheMs: tokenCacheMs });
  const admin = clusterAdmin(real.target, real.adminToken);
  const mirror = new AwsAuthMirror(admin);
  state.data = () => mirror.configMap?.data;
  await populate(admin, mirror, options);
  const ownCertificates = issueCertificates(new Date(), "server", options.host);
  const proxy = await startEndpoint(options, ownCertificates, (request) =>
    route(real.target, mirror, reviews.userOf, request),
  );
  const webhook = await startWebhook();
  return {
    ...{ name: options.name, ...proxy, ...mirror.methods() },
    admit: async (change) => {
      if (change) await admin.register(webhook);
      webhook.change = change;
    },
    setRbac: async (rbac) => {
      await admin.deleteRbac(state.rbac);
      await admin.putRbac(rbac);
      state.rbac = rbac;
    },
    auditLog: () => [],
    stop: async () => {
      await Promise.all([proxy.stop(), reviews.stop(), webhook.stop(), real.stop()]);
    },
  };
}

/** Until the API server runs there is no document to read. */
const noData = (): Readonly<Record<string, string>> | undefined => undefined;

async function populate(admin: ClusterAdmin, mirror: AwsAuthMirror, options: SandboxClusterOptions): Promise<void> {
  const { rbac = {}, namespaces = [], awsAuth: data } = options;
  // A controller fills these roles from others; it runs in a control plane, not in the API server.
  const aggregated = defaultRbac.roles.filter(({ name }) => ["admin", "edit", "view"].includes(name));
  await admin.createNamespaces(namespaces);
  await admin.createPods();
  await admin.putRbac({ roles: aggregated });
  await admin.putRbac(rbac);
  if (data) await admin.editAwsAuth(() => ({ metadata: {}, data }), "vpc-resource-controller");
  await mirror.refresh();
}

function route(
  target: ForwardTarget,
  mirror: AwsAuthMirror,
  userOf: (token: string) => string | undefined,
  request: SandboxRequest,
): SandboxRoute {
  const { method, headers, body, url } = request;
  const asked = readApiRequest(request);
  return {
    call: callName(asked, url),
    answer: async () => {
      const answer = await forward(target, { method, headers, body, pathAndQuery: url.pathname + url.search });
      if (asked.type === "resource" && asked.resource === "configmaps" && method !== "GET") await mirror.refresh();
      const by = userOf(headers.authorization?.replace(/^Bearer /i, "") ?? "");
      return by === undefined ? answer : { ...answer, by };
    },
  };
}

/** The webhooks through which a real API server asks who a token belongs to, and what RBAC does not allow. */
interface ReviewHooks {
  urls: { tokens: string; access: string };
  /** The user name that a token was last found to belong to. */
  userOf(token: string): string | undefined;
  stop(): Promise<void>;
}

/** Starts both on the loopback address (Kubernetes docs, "Webhook Token Authentication" and "Webhook Mode"). */
async function startReviewHooks(authenticator: Authenticator, access: () => ClusterAccess): Promise<ReviewHooks> {
  const users = new Map<string, string>();
  const answer = (request: SandboxRequest) =>
    request.url.pathname === "/access" ? reviewAccess(access(), request) : reviewToken(authenticator, users, request);
  const server = await startSandboxServer({
    faults: new Faults(),
    route: (request) => ({ call: "kubernetes.review-hook", answer: () => answer(request) }),
  });
  const urls = { tokens: `${server.url}/tokens`, access: `${server.url}/access` };
  return { urls, userOf: (token) => users.get(token), stop: server.stop };
}

/** A token that is not believed gets a 403, as from aws-iam-authenticator. */
async function reviewToken(
  authenticator: Authenticator,
  users: Map<string, string>,
  { body }: SandboxRequest,
): Promise<SandboxAnswer> {
  const { spec, apiVersion } = JSON.parse(body.toString("utf8")) as { spec: { token: string }; apiVersion: string };
  const user = await authenticator.authenticate(spec.token);
  if (user) users.set(spec.token, user.username);
  const status = user ? { authenticated: true, user } : { authenticated: false };
  return { status: user ? 200 : 403, body: JSON.stringify({ apiVersion, kind: "TokenReview", status }) };
}

/** Access policies only allow: what they do not is left to the others. */
function reviewAccess(access: ClusterAccess, { body }: SandboxRequest): SandboxAnswer {
  const { spec, apiVersion } = JSON.parse(body.toString("utf8")) as { spec: ReviewSpec; apiVersion: string };
  const attributes = attributesOf(spec.resourceAttributes, spec.nonResourceAttributes);
  const { allowed, reason } = authorizeByPolicies(access, { extra: spec.extra ?? {} }, attributes);
  const status = { allowed, ...(reason === "" ? {} : { reason }) };
  return { status: 200, body: JSON.stringify({ apiVersion, kind: "SubjectAccessReview", status }) };
}

/** What the sandbox does to a real API server by itself, as system:masters. */
interface ClusterAdmin {
  readAwsAuth(): Promise<ConfigMap | undefined>;
  editAwsAuth(edit: (configMap: SentConfigMap) => SentConfigMap, manager: string): Promise<void>;
  deleteAwsAuth(): Promise<void>;
  /** Waits until the API server asks it. One that is registered stays. */
  register(webhook: Webhook): Promise<void>;
  /** Those that are there already stay. */
  createNamespaces(names: readonly string[]): Promise<void>;
  /** With the namespaces that it is about. */
  putRbac(rbac: Partial<Rbac>): Promise<void>;
  deleteRbac(rbac: Partial<Rbac>): Promise<void>;
  createPods(): Promise<void>;
}

function clusterAdmin(target: ForwardTarget, token: string): ClusterAdmin {
  const call = caller(target, token);
  const createNamespaces = async (names: readonly string[]) => {
    for (const name of names) await call("POST", "/api/v1/namespaces", { metadata: { name } });
  };
  return {
    createNamespaces,
    readAwsAuth: async () => (await call<ConfigMap>("GET", awsAuth)).found,
    editAwsAuth: (edit, manager) => editAwsAuth(call, edit, manager),
    deleteAwsAuth: async () => void (await call("DELETE", awsAuth)),
    register: (webhook) => register(call, webhook),
    putRbac: async (rbac) => {
      await createNamespaces(namespacesOf(rbac));
      for (const { path, object } of rbacObjects(rbac)) await call("PUT", path, object);
    },
    deleteRbac: async (rbac) => {
      for (const { path } of rbacObjects(rbac)) await call("DELETE", path);
    },
    createPods: async () => {
      for (const pod of allPods()) {
        const pods = `/api/v1/namespaces/${pod.metadata.namespace}/pods`;
        await call("POST", pods, pod);
        await call("PATCH", `${pods}/${pod.metadata.name}/status`, { status: pod.status });
      }
    },
  };
}

/** Edits again after a conflict, as a person with kubectl does. */
async function editAwsAuth(
  call: Call,
  edit: (configMap: SentConfigMap) => SentConfigMap,
  manager: string,
): Promise<void> {
  const query = `?fieldManager=${encodeURIComponent(manager)}`;
  let written = false;
  while (!written) {
    const { found } = await call<ConfigMap>("GET", awsAuth);
    const edited = edit(found ?? { metadata: {} });
    const body = { apiVersion: "v1", kind: "ConfigMap", ...edited, metadata: { ...edited.metadata, name: "aws-auth" } };
    const path = found ? awsAuth : configMaps;
    written = (await call(found ? "PUT" : "POST", path + query, body)).status < 300;
  }
}

async function register(call: Call, webhook: Webhook): Promise<void> {
  await call("POST", "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations", webhook.configuration);
  while (!webhook.isAsked()) await call("PATCH", `${awsAuth}?dryRun=All`, {});
}

type Call = <T>(
  method: string,
  pathAndQuery: string,
  body?: object,
) => Promise<{ status: number; found: T | undefined }>;

/** 404 and 409 are answers; anything else fails loudly: a sandbox that was not set up must not look like one that refuses. */
function caller(target: ForwardTarget, token: string): Call {
  return async <T>(method: string, pathAndQuery: string, body?: object) => {
    const mediaType = method === "PATCH" ? "application/merge-patch+json" : "application/json";
    const headers = { authorization: `Bearer ${token}`, "content-type": mediaType, "user-agent": "sandbox" };
    const sent = Buffer.from(body === undefined ? "" : JSON.stringify(body));
    const { status, body: text = "null" } = await forward(target, { method, headers, body: sent, pathAndQuery });
    if (status === 404 || status === 409) return { status, found: undefined };
    if (status >= 300) throw new Error(`${method} ${pathAndQuery}: ${status} ${text}`);
    return { status, found: JSON.parse(String(text)) as T };
  };
}

/** RBAC objects are made by a PUT too (kubernetes, registry/rbac, AllowCreateOnUpdate). */
function rbacObjects({ roles = [], bindings = [] }: Partial<Rbac>): { path: string; object: object }[] {
  const at = ({ name, namespace }: { name: string; namespace?: string }, kind: string) => {
    const home = namespace === undefined ? `cluster${kind}` : `namespaces/${namespace}/${kind}`;
    return `/apis/rbac.authorization.k8s.io/v1/${home}/${name}`;
  };
  return [
    ...roles.map((role) => ({ path: at(role, "roles"), object: roleObject(role) })),
    ...bindings.map((binding) => ({ path: at(binding, "rolebindings"), object: bindingObject(binding) })),
  ];
}
