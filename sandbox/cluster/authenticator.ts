import { createHash, hash } from "node:crypto";
import { request } from "undici";
import type { ClusterAccess } from "../aws/eks-clusters.ts";
import { signedAt } from "../aws/signature.ts";
import type { AwsAuthMap, Mapping } from "./aws-auth-map.ts";
import type { User } from "./rbac.ts";

export interface Authenticator {
  /** The user of a bearer token, without system:authenticated, which the API server adds; undefined: none. */
  authenticate(token: string): Promise<User | undefined>;
}

interface AuthenticatorOptions {
  cluster: string;
  region: string;
  /** IAM ARN of the role or user that created the cluster, with its path. */
  creatorArn: string;
  stsUrl: string;
  access: () => ClusterAccess;
  map: () => AwsAuthMap;
  now: () => Date;
  /** How long the API server trusts a token without a new question. */
  cacheMs: number;
}

export function createAuthenticator(options: AuthenticatorOptions): Authenticator {
  const cache = new Map<string, { user: User; until: number }>();
  const asked = new Map<string, Promise<User | undefined>>();
  const ask = async (token: string, key: string) => {
    const now = options.now();
    const owner = await verifyToken(token, { ...options, now });
    const user = owner && userOf(owner, options);
    for (const [old, { until }] of cache) if (until <= now.getTime()) cache.delete(old);
    if (user) cache.set(key, { user, until: now.getTime() + options.cacheMs });
    return user;
  };
  return {
    authenticate: async (token) => {
      const key = hash("sha256", token, "base64");
      const cached = cache.get(key);
      if (cached && cached.until > options.now().getTime()) return cached.user;
      // Calls that come at once share an answer (kubernetes, apiserver, cachedTokenAuthenticator).
      const answer = asked.get(key) ?? ask(token, key).finally(() => asked.delete(key));
      asked.set(key, answer);
      return answer;
    },
  };
}

/** Access entries override aws-auth, and the creator needs one; without them it gets in before the document is read. */
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
  // An ARN of a role has its path, and a caller's canonical one does not.
  return owner.canonicalArn.toLowerCase() === creatorArn.replace(/:role\/.*\//, ":role/").toLowerCase();
}

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

interface TokenOwner {
  /** As STS gives it: `arn:aws:sts::…:assumed-role/R/S`. */
  arn: string;
  /** The document's form: `arn:aws:iam::…:role/R`, without a path. */
  canonicalArn: string;
  accountId: string;
  /** AROA… or AIDA…, without the session name. */
  userId: string;
  sessionName: string;
  accessKeyId: string;
}

const prefix = "k8s-aws-v1.";
const maxTokenBytes = 4096;
const lifetimeMs = 15 * 60_000;
const allowedParameters = new Set([
  "action",
  "version",
  "x-amz-algorithm",
  "x-amz-credential",
  "x-amz-date",
  "x-amz-expires",
  "x-amz-security-token",
  "x-amz-signature",
  "x-amz-signedheaders",
]);

/** Regional and global hosts of the partitions that aws-iam-authenticator knows. */
const stsHost =
  /^sts(?:-fips)?(?:\.[a-z]{2,4}(?:-[a-z]+)+-\d)?\.(?:amazonaws\.com(?:\.cn)?|amazonaws\.eu|c2s\.ic\.gov|sc2s\.sgov\.gov)$/;

/** aws-iam-authenticator, pkg/token, Verify. STS is at `stsUrl`; the `Host` stays the real one. Undefined: refused. */
async function verifyToken(
  token: string,
  { cluster, stsUrl, now }: { cluster: string; stsUrl: string; now: Date },
): Promise<TokenOwner | undefined> {
  const presigned = readPresigned(token, now);
  if (!presigned) return undefined;
  const { host, pathAndQuery, accessKeyId } = presigned;
  const headers = { host, "x-k8s-aws-id": cluster, accept: "application/json" };
  // fetch can't set the Host header, which is signed.
  const answer = await request(new URL(pathAndQuery, stsUrl), { headers, reset: true });
  const body = await answer.body.text();
  if (answer.statusCode !== 200) return undefined;
  const { Arn, Account, UserId } = (JSON.parse(body) as CallerIdentityBody).GetCallerIdentityResponse
    .GetCallerIdentityResult;
  const [userId, sessionName] = sessionOf(Arn, UserId);
  return { arn: Arn, canonicalArn: canonicalArn(Arn), accountId: Account, userId, sessionName, accessKeyId };
}

interface CallerIdentityBody {
  GetCallerIdentityResponse: { GetCallerIdentityResult: { Arn: string; Account: string; UserId: string } };
}

function readPresigned(token: string, now: Date) {
  const encoded = token.slice(prefix.length);
  if (Buffer.byteLength(token) > maxTokenBytes || !token.startsWith(prefix) || !/^[\w-]+$/.test(encoded))
    return undefined;
  const text = Buffer.from(encoded, "base64url").toString("utf8");
  const [, host = "", query = ""] = /^https:\/\/([^/?#]*)\/(?:\?([^#]*))?$/.exec(text) ?? [];
  const sent = [...new URLSearchParams(query)].map(([name, value]) => [name.toLowerCase(), value] as const);
  const parameters = new Map(sent);
  const isKnown = sent.every(([name]) => allowedParameters.has(name)) && parameters.size === sent.length;
  if (!stsHost.test(host) || !isKnown || !isInForce(parameters, now)) return undefined;
  const accessKeyId = parameters.get("x-amz-credential")?.split("/")[0] ?? "";
  return { host, pathAndQuery: `/?${query}`, accessKeyId };
}

function isInForce(parameters: ReadonlyMap<string, string>, now: Date): boolean {
  const expires = parameters.get("x-amz-expires") ?? "";
  return (
    parameters.get("action") === "GetCallerIdentity" &&
    (parameters.get("x-amz-signedheaders")?.toLowerCase().split(";").includes("x-k8s-aws-id") ?? false) &&
    /^\d+$/.test(expires) &&
    Number(expires) <= 900 &&
    now.getTime() <= signedAt(parameters.get("x-amz-date") ?? "") + lifetimeMs
  );
}

/** Only an assumed role has a session name. A federated user's id is `account:name`. */
function sessionOf(arn: string, userId: string): readonly [userId: string, sessionName: string] {
  if (!arn.includes(":assumed-role/")) return [userId, ""];
  const [id = "", name = ""] = userId.split(":");
  return [id, name];
}

/** aws-iam-authenticator, pkg/arn, Canonicalize: a role's session becomes its role, without the path. */
function canonicalArn(arn: string): string {
  const [, partition, account, role] = /^arn:([\w-]+):sts::(\d+):assumed-role\/([^/]+)\/.+$/.exec(arn) ?? [];
  return role === undefined ? arn : `arn:${partition}:iam::${account}:role/${role}`;
}
