/** Who may assume a role, and what the session may carry. */
export interface TrustPolicy {
  /** ARNs of users, roles and role sessions; `arn:aws:iam::<account>:root` or an account id stands for everybody there whom an identity policy allows it. */
  principals: readonly string[];
  externalId?: string;
  /** A condition on `sts:SourceIdentity` being there. */
  requireSourceIdentity?: boolean;
  /** A condition on `aws:MultiFactorAuthPresent`: nobody here has one. */
  requireMfa?: boolean;
  /** Whether the policy has `sts:SetSourceIdentity`; yes unless told otherwise. */
  allowSourceIdentity?: boolean;
  /** Whether the policy has `sts:TagSession`; yes unless told otherwise. */
  allowTags?: boolean;
}

/** An IAM user or role. */
export interface Identity {
  kind: "user" | "role";
  arn: string;
  accountId: string;
  name: string;
  /** AIDA… or AROA…, as GetCallerIdentity shows it. */
  id: string;
  /** Actions that an identity policy allows on everything, for example `eks:DescribeCluster`, `eks:*`. */
  allow: readonly string[];
  trust: TrustPolicy;
  maxSessionSeconds: number;
}

/** What one access key stands for: a user, or a session of a role. */
export interface Caller {
  identity: Identity;
  /** As GetCallerIdentity gives it: a role's session is `arn:aws:sts::…:assumed-role/R/S`. */
  arn: string;
  userId: string;
  accessKeyId: string;
  secretAccessKey: string;
  session?: Session;
}

/** The statements of a session policy, each of which allows something. */
export type SessionPolicy = readonly { readonly actions: readonly string[]; readonly resources: readonly string[] }[];

export interface Session {
  token: string;
  name: string;
  startsAt: Date;
  expiresAt: Date;
  sourceIdentity?: string;
  tags: ReadonlyMap<string, string>;
  /** What the session may do at most, beside what its role may; undefined: all that the role may. */
  policy?: SessionPolicy;
  /** Keys of the tags that go on to sessions that are assumed from this one. */
  transitive: ReadonlySet<string>;
}

/** Static credentials, in the spelling of the AWS SDK. */
export interface Credentials {
  accessKeyId: string;
  secretAccessKey: string;
}

export interface SessionCredentials extends Credentials {
  sessionToken: string;
  expiration: Date;
}

/** Whether an identity policy allows an action. */
export function allows(identity: Identity, action: string): boolean {
  return identity.allow.some((pattern) => matches(pattern, action));
}

/** Whether the policy of a session, where it has one, lets an action on a resource pass. */
export function sessionAllows({ session }: Caller, action: string, resource: string): boolean {
  const policy = session?.policy;
  if (!policy) return true;
  return policy.some(
    ({ actions, resources }) =>
      actions.some((pattern) => matches(pattern, action)) && resources.some((pattern) => matches(pattern, resource)),
  );
}

/** Whether identity policy and session policy allow an action together (IAM User Guide, "Session policies"). */
export function mayCall(caller: Caller, action: string, resource: string): boolean {
  return allows(caller.identity, action) && sessionAllows(caller, action, resource);
}

/** `*` stands for any run of characters, as in IAM. */
function matches(pattern: string, text: string): boolean {
  const [head = "", ...rest] = pattern.split("*");
  return rest.length === 0 ? pattern === text : text.startsWith(head) && text.endsWith(rest.at(-1) ?? "");
}
