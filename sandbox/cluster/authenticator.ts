import { createHash, hash } from "node:crypto";
import { request } from "node:http";
import type { ClusterAccess } from "../aws/eks-clusters.ts";
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
    const user = owner.type === "owner" ? userOf(owner, options) : undefined;
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
  type: "owner";
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

/** Why a token is refused. Only the authenticator's log shows it, not the API server's answer. */
type TokenRefusal = { type: "refused"; why: string };

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

/** aws-iam-authenticator, pkg/token, Verify. STS is at `stsUrl`; the `Host` stays the real one. */
async function verifyToken(
  token: string,
  { cluster, stsUrl, now }: { cluster: string; stsUrl: string; now: Date },
): Promise<TokenOwner | TokenRefusal> {
  const presigned = readPresigned(token, now);
  if (presigned.type === "refused") return presigned;
  const answer = await get(new URL(presigned.pathAndQuery, stsUrl), {
    host: presigned.host,
    "x-k8s-aws-id": cluster,
    accept: "application/json",
  });
  if (answer.status !== 200) {
    return refused(`error from AWS (expected 200, got ${answer.status}). Body: ${answer.body}`);
  }
  const { Arn, Account, UserId } = (JSON.parse(answer.body) as CallerIdentityBody).GetCallerIdentityResponse
    .GetCallerIdentityResult;
  const [userId, sessionName] = sessionOf(Arn, UserId);
  return {
    type: "owner",
    arn: Arn,
    canonicalArn: canonicalArn(Arn),
    accountId: Account,
    userId,
    sessionName,
    accessKeyId: presigned.accessKeyId,
  };
}

interface CallerIdentityBody {
  GetCallerIdentityResponse: { GetCallerIdentityResult: { Arn: string; Account: string; UserId: string } };
}

interface Presigned {
  type: "presigned";
  host: string;
  pathAndQuery: string;
  accessKeyId: string;
}

function readPresigned(token: string, now: Date): Presigned | TokenRefusal {
  if (Buffer.byteLength(token) > maxTokenBytes) return refused("token is too large");
  if (!token.startsWith(prefix)) return refused(`token is missing expected "${prefix}" prefix`);
  const encoded = token.slice(prefix.length);
  if (!/^[\w-]+$/.test(encoded)) return refused("illegal base64 data");
  const text = Buffer.from(encoded, "base64url").toString("utf8");
  const [, scheme, host = "", path = "", query = ""] = /^(\w+):\/\/([^/?#]*)([^?#]*)\??([^#]*)$/.exec(text) ?? [];
  if (scheme !== "https") return refused(`unexpected scheme "${scheme}" in pre-signed URL`);
  if (!stsHost.test(host)) return refused(`unexpected hostname "${host}" in pre-signed URL`);
  if (path !== "/") return refused("unexpected path in pre-signed URL");
  const parameters = readParameters(query);
  if (!(parameters instanceof Map)) return parameters;
  const problem = parameterProblem(parameters, now);
  if (problem) return refused(problem);
  const accessKeyId = parameters.get("x-amz-credential")?.split("/")[0] ?? "";
  return { type: "presigned", host, pathAndQuery: `${path}?${query}`, accessKeyId };
}

function readParameters(query: string): Map<string, string> | TokenRefusal {
  const parameters = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(query)) {
    const key = name.toLowerCase();
    if (!allowedParameters.has(key)) return refused(`non-whitelisted query parameter "${name}"`);
    if (parameters.has(key)) return refused("query parameter with multiple values not supported");
    parameters.set(key, value);
  }
  return parameters;
}

function parameterProblem(parameters: ReadonlyMap<string, string>, now: Date): string | undefined {
  if (parameters.get("action") !== "GetCallerIdentity") return "unexpected action parameter in pre-signed URL";
  const signed = parameters.get("x-amz-signedheaders")?.toLowerCase().split(";") ?? [];
  if (!signed.includes("x-k8s-aws-id")) return "client did not sign the x-k8s-aws-id header in the pre-signed URL";
  const expires = parameters.get("x-amz-expires") ?? "";
  if (!/^\d+$/.test(expires) || Number(expires) > 900) {
    return `invalid X-Amz-Expires parameter in pre-signed URL: ${expires}`;
  }
  const date = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(parameters.get("x-amz-date") ?? "");
  if (!date) return "X-Amz-Date parameter must be present in pre-signed URL";
  const [, y, mo, d, h, mi, s] = date;
  const at = Date.parse(`${y}-${mo}-${d}T${h}:${mi}:${s}Z`);
  return now.getTime() > at + lifetimeMs ? "X-Amz-Date parameter is expired (15 minute expiration)" : undefined;
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

/** fetch can't set the Host header, which is signed. */
function get(url: URL, headers: Readonly<Record<string, string>>): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const call = request(url, { headers, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () =>
        resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString("utf8") }),
      );
      response.on("error", reject);
    });
    call.on("error", reject);
    call.end();
  });
}

function refused(why: string): TokenRefusal {
  return { type: "refused", why };
}
