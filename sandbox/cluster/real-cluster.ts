import type { ClusterAccess } from "../aws/cluster-access.ts";
import { withoutEntries } from "../aws/cluster-access.ts";
import { Faults } from "../faults.ts";
import type { SandboxRoute } from "../http-server.ts";
import { type SandboxAnswer, type SandboxRequest, startSandboxServer } from "../http-server.ts";
import { authorizeByPolicies } from "./access-policies.ts";
import { callName, readApiRequest } from "./api-request.ts";
import type { Authenticator } from "./authenticator.ts";
import { createAuthenticator } from "./authenticator.ts";
import { readAwsAuth } from "./aws-auth-map.ts";
import { issueCertificates } from "./certificate.ts";
import { type ClusterAdmin, clusterAdmin } from "./cluster-admin.ts";
import type { ConfigMap } from "./config-map.ts";
import { withDefaultRbac } from "./default-rbac.ts";
import { startEndpoint } from "./endpoint.ts";
import { type ForwardTarget, forward } from "./forward.ts";
import { startRealApiServer } from "./real-api-server.ts";
import { attributesOf, type ReviewSpec } from "./reviews.ts";
import type { SandboxCluster, SandboxClusterOptions } from "./sandbox-cluster.ts";

/** The live aws-auth of a real API server, read again after each write, so that nobody has to wait for it. */
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
  const proxy = await startEndpoint(options, certificates, (request) =>
    route(real.target, mirror, reviews.userOf, request),
  );
  return {
    ...{ name: options.name, ...proxy, ...mirror.methods() },
    setRbac: async (rbac) => {
      await admin.deleteRbac(state.rbac);
      await admin.putRbac(rbac);
      state.rbac = rbac;
    },
    auditLog: () => [],
    stop: async () => {
      await Promise.all([proxy.stop(), reviews.stop(), real.stop()]);
    },
  };
}

/** Until the API server runs there is no document to read. */
const noData = (): Readonly<Record<string, string>> | undefined => undefined;

async function populate(admin: ClusterAdmin, mirror: AwsAuthMirror, options: SandboxClusterOptions): Promise<void> {
  const { rbac = {}, awsAuth: data } = options;
  // A controller fills these roles from others; it runs in a control plane, not in the API server.
  const aggregated = withDefaultRbac().roles.filter(({ name }) => ["admin", "edit", "view"].includes(name));
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
