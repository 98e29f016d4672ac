import { randomBytes } from "node:crypto";
import { type AssumedRole, sessionArn } from "./assume-role.ts";
import { type Refusal, refuse } from "./refusal.ts";
import type { SandboxAccount } from "./sandbox-account.ts";

/** A service account with the role in its annotation (IRSA). IAM trusts the cluster's identity provider. */
export interface ServiceAccount {
  readonly roleArn: string;
  /** `system:serviceaccount:NAMESPACE:NAME`. */
  readonly subject: string;
}

/** The tokens that the kubelet projects into pods. */
export class WebIdentities {
  readonly #tokens = new Map<string, ServiceAccount & { readonly expiresAt: Date }>();

  /** A projected token, in the form of a JWT. The account knows the tokens that it made. */
  project(who: ServiceAccount, expiresAt: Date): string {
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
    const claims = { aud: ["sts.amazonaws.com"], sub: who.subject, exp: Math.floor(expiresAt.getTime() / 1000) };
    const token = `${part({ alg: "RS256" })}.${part(claims)}.${randomBytes(32).toString("base64url")}`;
    this.#tokens.set(token, { ...who, expiresAt });
    return token;
  }

  find(token: string): (ServiceAccount & { readonly expiresAt: Date }) | undefined {
    return this.#tokens.get(token);
  }
}

/** Answers AssumeRoleWithWebIdentity, which has no signature: the token identifies the caller (STS API reference). */
export function assumeWithWebIdentity(
  account: SandboxAccount,
  identities: WebIdentities,
  params: URLSearchParams,
  now: Date,
): (AssumedRole & { subject: string }) | Refusal {
  const roleArn = params.get("RoleArn") ?? "";
  const found = identities.find(params.get("WebIdentityToken") ?? "");
  if (!found) return refuse("InvalidIdentityToken", "No OpenIDConnect provider found in your account for this token");
  if (found.expiresAt <= now) return refuse("ExpiredTokenException", "Token expired");
  const role = account.identity(roleArn);
  if (!role || found.roleArn !== roleArn) {
    return refuse("AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity", 403);
  }
  const name = params.get("RoleSessionName") ?? "";
  const credentials = account.sessionFor(role.arn, name, { seconds: Number(params.get("DurationSeconds") ?? 3600) });
  const arn = sessionArn(account, role, name);
  return { type: "assumed", arn, roleId: `${role.id}:${name}`, credentials, subject: found.subject };
}
