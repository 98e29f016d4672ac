import { Faults } from "../faults.ts";
import { type SandboxAnswer, startSandboxServer } from "../http-server.ts";
import type { Authenticator } from "./authenticator.ts";

/** The webhook through which a real API server asks who a token belongs to. */
export interface TokenReviews {
  url: string;
  /** The user name that a token was last found to belong to. */
  userOf(token: string): string | undefined;
  stop(): Promise<void>;
}

/** Starts the webhook on the loopback address (Kubernetes docs, "Webhook Token Authentication"). */
export async function startTokenReviews(authenticator: Authenticator): Promise<TokenReviews> {
  const users = new Map<string, string>();
  const server = await startSandboxServer({
    faults: new Faults(),
    route: ({ body }) => ({ call: "kubernetes.token-review", answer: () => review(authenticator, users, body) }),
  });
  return { url: server.url, userOf: (token) => users.get(token), stop: server.stop };
}

/** A token that is not believed gets a 403, as from aws-iam-authenticator. */
async function review(authenticator: Authenticator, users: Map<string, string>, body: Buffer): Promise<SandboxAnswer> {
  const { spec, apiVersion } = JSON.parse(body.toString("utf8")) as { spec: { token: string }; apiVersion: string };
  const user = await authenticator.authenticate(spec.token);
  if (user) users.set(spec.token, user.username);
  const status = user ? { authenticated: true, user } : { authenticated: false };
  return { status: user ? 200 : 403, body: JSON.stringify({ apiVersion, kind: "TokenReview", status }) };
}
