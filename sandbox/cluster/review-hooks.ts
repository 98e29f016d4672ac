import type { ClusterAccess } from "../aws/cluster-access.ts";
import { Faults } from "../faults.ts";
import { type SandboxAnswer, type SandboxRequest, startSandboxServer } from "../http-server.ts";
import { authorizeByPolicies } from "./access-policies.ts";
import type { Authenticator } from "./authenticator.ts";
import { attributesOf, type ReviewSpec } from "./reviews.ts";

/** The webhooks through which a real API server asks who a token belongs to, and what RBAC does not allow. */
export interface ReviewHooks {
  urls: { tokens: string; access: string };
  /** The user name that a token was last found to belong to. */
  userOf(token: string): string | undefined;
  stop(): Promise<void>;
}

/** Starts both on the loopback address (Kubernetes docs, "Webhook Token Authentication" and "Webhook Mode"). */
export async function startReviewHooks(
  authenticator: Authenticator,
  access: () => ClusterAccess,
): Promise<ReviewHooks> {
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
