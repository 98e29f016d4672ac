import { withoutEntries } from "../aws/cluster-access.ts";
import type { SandboxRequest, SandboxRoute } from "../http-server.ts";
import { callName, readApiRequest } from "./api-request.ts";
import { createAuthenticator } from "./authenticator.ts";
import { readAwsAuth } from "./aws-auth-map.ts";
import { AwsAuthMirror } from "./aws-auth-mirror.ts";
import { issueCertificates } from "./certificate.ts";
import { type ClusterAdmin, clusterAdmin } from "./cluster-admin.ts";
import { withDefaultRbac } from "./default-rbac.ts";
import { startEndpoint } from "./endpoint.ts";
import { type ForwardTarget, forward } from "./forward.ts";
import { startRealApiServer } from "./real-api-server.ts";
import { startReviewHooks } from "./review-hooks.ts";
import type { SandboxCluster, SandboxClusterOptions } from "./sandbox-cluster.ts";

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
