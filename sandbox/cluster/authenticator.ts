import { createHash } from "node:crypto";
import type { ClusterAccess } from "../aws/eks-clusters.ts";
import type { AwsAuthMap, Mapping } from "./aws-auth-map.ts";
import type { User } from "./rbac.ts";
import { type TokenOwner, verifyToken } from "./token.ts";

export interface Authenticator {
  /** The user of a bearer token, without system:authenticated, which the API server adds; undefined: none. */
  authenticate(token: string): Promise<User | undefined>;
}

export interface AuthenticatorOptions {
  cluster: string;
  region: string;
  /** IAM ARN of the role or user that created the cluster, with its path. */
  creatorArn: string;
  stsUrl: string;
  /** The mode and the access entries in force at this moment. */
  access: () => ClusterAccess;
  map: () => AwsAuthMap;
  now: () => Date;
  /** How long the API server trusts a token without a new question. */
  cacheMs: number;
}

/** The authenticator of an EKS control plane, with the API server's cache of its answers. */
export function createAuthenticator(options: AuthenticatorOptions): Authenticator {
  const cache = new Map<string, { user: User; until: number }>();
  return {
    authenticate: async (token) => {
      const key = createHash("sha256").update(token).digest("base64");
      const cached = cache.get(key);
      const now = options.now();
      if (cached && cached.until > now.getTime()) return cached.user;
      const owner = await verifyToken(token, { ...options, now });
      const user = owner.type === "owner" ? userOf(owner, options) : undefined;
      for (const [old, { until }] of cache) if (until <= now.getTime()) cache.delete(old);
      if (user) cache.set(key, { user, until: now.getTime() + options.cacheMs });
      return user;
    },
  };
}

/**
 * A token owner's identity in this cluster. Access entries override aws-auth, and then the creator needs one; without them the creator
 * gets in before the document is read.
 */
function userOf(owner: TokenOwner, options: AuthenticatorOptions): User | undefined {
  const { mode, entries } = options.access();
  if (mode === "CONFIG_MAP" && isCreator(owner, options)) {
    return asUser(owner, "kubernetes-admin", ["system:masters"]);
  }
  const entry = entries.find(({ principalId }) => principalId === owner.userId);
  if (entry) {
    const username = render(entry.username, owner, options.region);
    return username === undefined ? undefined : asUser(owner, username, entry.groups);
  }
  return mode === "API" ? undefined : mappedUser(owner, options);
}

function isCreator(owner: TokenOwner, { creatorArn }: AuthenticatorOptions): boolean {
  return owner.canonicalArn.toLowerCase() === withoutRolePath(creatorArn).toLowerCase();
}

/** Roles, users and accounts of the document, in this order. */
function mappedUser(owner: TokenOwner, options: AuthenticatorOptions): User | undefined {
  const arn = owner.canonicalArn.toLowerCase();
  const { roles, users, accounts } = options.map();
  const mapping = roles.get(arn) ?? users.get(arn);
  if (mapping) return renderedUser(owner, mapping, options.region);
  return accounts.has(owner.accountId) ? asUser(owner, owner.canonicalArn, []) : undefined;
}

function renderedUser(owner: TokenOwner, mapping: Mapping, region: string): User | undefined {
  const texts = [mapping.username, ...mapping.groups].map((text) => render(text, owner, region));
  if (texts.some((text) => text === undefined)) return undefined;
  const [username = "", ...groups] = texts.filter((text) => text !== undefined);
  return asUser(owner, username, groups);
}

/** aws-iam-authenticator, pkg/server, renderTemplate. Undefined: it can't fill the template, so the entry lets no caller in. */
function render(template: string, owner: TokenOwner, region: string): string | undefined {
  if (template.includes("{{EC2PrivateDNSName}}") && !/^i-(\w{8}|\w{17})$/.test(owner.sessionName)) return undefined;
  return template
    .replaceAll("{{EC2PrivateDNSName}}", privateDnsName(owner.sessionName, region))
    .replaceAll("{{AccountID}}", owner.accountId)
    .replaceAll("{{SessionName}}", owner.sessionName.replaceAll("@", "-"))
    .replaceAll("{{SessionNameRaw}}", owner.sessionName)
    .replaceAll("{{AccessKeyID}}", owner.accessKeyId);
}

/** A real authenticator asks EC2; here the instance id decides, so that an instance keeps its name. */
function privateDnsName(instanceId: string, region: string): string {
  const [a = 0, b = 0] = createHash("sha256").update(instanceId).digest();
  return `ip-10-0-${a}-${b}.${region}.compute.internal`;
}

function withoutRolePath(arn: string): string {
  return arn.replace(/:role\/.*\//, ":role/");
}

function asUser(owner: TokenOwner, username: string, groups: readonly string[]): User {
  return {
    username,
    uid: `aws-iam-authenticator:${owner.accountId}:${owner.userId}`,
    groups,
    extra: {
      accessKeyId: [owner.accessKeyId],
      arn: [owner.arn],
      canonicalArn: [owner.canonicalArn],
      principalId: [owner.userId],
      sessionName: [owner.sessionName],
    },
  };
}
