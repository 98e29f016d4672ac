import { randomBytes } from "node:crypto";
import type { AssumeRoleInput } from "./assume-role-input.ts";
import {
  type Caller,
  type Identity,
  identityAllows,
  mayCall,
  type SessionCredentials,
  sessionAllows,
} from "./identities.ts";
import { refuse } from "./refusal.ts";
import type { SandboxAccount } from "./sandbox-account.ts";

export interface AssumedRole {
  arn: string;
  roleId: string;
  credentials: SessionCredentials;
}

export function assumeRole(account: SandboxAccount, caller: Caller, input: AssumeRoleInput): AssumedRole {
  const role = account.identity(input.roleArn);
  const denied = deniedAction(caller, role, input);
  if (!role || denied) {
    refuse(
      "AccessDenied",
      `User: ${caller.arn} is not authorized to perform: ${denied ?? "sts:AssumeRole"} on resource: ${input.roleArn}`,
      403,
    );
  }
  if (input.seconds > role.maxSessionSeconds) {
    refuse("ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.");
  }
  if (caller.session && input.seconds > 3600) {
    refuse(
      "ValidationError",
      "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.",
    );
  }
  const inherited = inheritedTags(caller);
  if ([...input.tags.keys()].some((key) => hasKey(inherited, key))) {
    refuse(
      "InvalidParameterValue",
      "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from the calling session.",
    );
  }
  const sourceIdentity = input.sourceIdentity ?? caller.session?.sourceIdentity;
  const credentials = account.sessionFor(role.arn, input.sessionName, {
    seconds: input.seconds,
    tags: new Map([...inherited, ...input.tags]),
    ...(input.policy && { policy: input.policy }),
    transitive: new Set([...inherited.keys(), ...input.transitive]),
    ...(sourceIdentity === undefined ? {} : { sourceIdentity }),
  });
  const arn = sessionArn(account, role, input.sessionName);
  return { arn, roleId: `${role.id}:${input.sessionName}`, credentials };
}

/** As GetCallerIdentity names it. */
function sessionArn({ partition }: SandboxAccount, role: Identity, sessionName: string): string {
  return `arn:${partition}:sts::${role.accountId}:assumed-role/${role.name}/${sessionName}`;
}

/** The first action that is not allowed. STS does not say which condition failed, so neither does this. */
function deniedAction(caller: Caller, role: Identity | undefined, input: AssumeRoleInput): string | undefined {
  if (role?.kind !== "role") return "sts:AssumeRole";
  const { trust } = role;
  const carried = caller.session?.sourceIdentity;
  const source = input.sourceIdentity ?? carried;
  if (!trusts(role, caller) || !sessionAllows(caller, "sts:AssumeRole", role.arn)) return "sts:AssumeRole";
  if (trust.externalId !== undefined && trust.externalId !== input.externalId) return "sts:AssumeRole";
  if (trust.requireSourceIdentity && source === undefined) return "sts:AssumeRole";
  // A chained session can't change a source identity (IAM User Guide, "Monitor and control actions taken with assumed roles").
  if (source !== undefined && (trust.allowSourceIdentity === false || source !== (carried ?? source))) {
    return "sts:SetSourceIdentity";
  }
  // In a chain both sides must allow it (the same page).
  if (source !== undefined && caller.session && !mayCall(caller, "sts:SetSourceIdentity", role.arn)) {
    return "sts:SetSourceIdentity";
  }
  const tagged = input.tags.size > 0 || inheritedTags(caller).size > 0;
  if (tagged && (trust.allowTags === false || !sessionAllows(caller, "sts:TagSession", role.arn))) {
    return "sts:TagSession";
  }
  return undefined;
}

/** Transitive tags persist in a chain (IAM User Guide, "Chaining roles with session tags"). */
function inheritedTags({ session }: Caller): ReadonlyMap<string, string> {
  return new Map([...(session?.tags ?? [])].filter(([key]) => session?.transitive.has(key)));
}

/** AWS compares keys of tags without case. */
function hasKey(tags: ReadonlyMap<string, string>, key: string): boolean {
  return [...tags.keys()].some((each) => each.toLowerCase() === key.toLowerCase());
}

/** A policy that names the caller is enough in one account (IAM User Guide, "Cross-account policy evaluation logic"). */
function trusts(role: Identity, caller: Caller): boolean {
  const { arn, accountId } = caller.identity;
  const named = role.trust.principals.some(
    (principal) => principal === arn || principal === caller.arn || principal === "*",
  );
  const account = role.trust.principals.some(
    (principal) => principal === accountId || principal.endsWith(`:iam::${accountId}:root`),
  );
  const ownPolicy = identityAllows(caller.identity, "sts:AssumeRole", role.arn);
  return accountId === role.accountId ? named || (account && ownPolicy) : (named || account) && ownPolicy;
}

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
): AssumedRole & { subject: string } {
  const roleArn = params.get("RoleArn") ?? "";
  const found = identities.find(params.get("WebIdentityToken") ?? "");
  if (!found) refuse("InvalidIdentityToken", "No OpenIDConnect provider found in your account for this token");
  if (found.expiresAt <= now) refuse("ExpiredTokenException", "Token expired");
  const role = account.identity(roleArn);
  if (!role || found.roleArn !== roleArn) {
    refuse("AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity", 403);
  }
  const name = params.get("RoleSessionName") ?? "";
  const credentials = account.sessionFor(role.arn, name, { seconds: Number(params.get("DurationSeconds") ?? 3600) });
  const arn = sessionArn(account, role, name);
  return { arn, roleId: `${role.id}:${name}`, credentials, subject: found.subject };
}
