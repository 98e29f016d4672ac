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

export interface Session {
  token: string;
  name: string;
  startsAt: Date;
  expiresAt: Date;
  sourceIdentity?: string;
  tags: ReadonlyMap<string, string>;
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

/** Whether an identity policy allows an action. `*` stands for any run of characters, as in IAM. */
export function allows(identity: Identity, action: string): boolean {
  return identity.allow.some((pattern) => {
    const [head = "", ...rest] = pattern.split("*");
    return rest.length === 0 ? pattern === action : action.startsWith(head) && action.endsWith(rest.at(-1) ?? "");
  });
}
