/** One role to assume, with what its trust policy asks for. */
export interface RoleStep {
  readonly roleArn: string;
  readonly externalId?: string | undefined;
}

/** An IAM role created the cluster. */
export interface CreatorRole extends RoleStep {
  readonly type: "role";
  /** Roles that are assumed first, each with the session of the one before it; empty where the worker is trusted itself. */
  readonly through: readonly RoleStep[];
}

/** An IAM user created the cluster. It can't be assumed: its own keys are needed. */
export interface CreatorUser {
  readonly type: "user";
  readonly userArn: string;
  /** The AWS profile of the worker that holds the user's keys; undefined: the worker's own identity is this user. */
  readonly profile?: string | undefined;
}

/** Nobody wrote down who created the cluster: CloudTrail is asked. */
export interface CreatorToDiscover {
  readonly type: "discover";
  /** Where CloudTrail names a role. */
  readonly externalId?: string | undefined;
  /** Where CloudTrail names a role; CloudTrail itself is asked with the last of them. */
  readonly through: readonly RoleStep[];
  /** Where CloudTrail names a user. */
  readonly profile?: string | undefined;
}

/** A creator of whom we know who it is. */
export type KnownCreator = CreatorRole | CreatorUser;

/** Who created the cluster: the API server lets it in as system:masters whatever aws-auth says. */
export type Creator = KnownCreator | CreatorToDiscover;

/** The creator's ARN as the configuration has it, with a path; null where it is to be discovered. */
export function creatorArnOf(creator: KnownCreator): string;
export function creatorArnOf(creator: Creator): string | null;
export function creatorArnOf(creator: Creator): string | null {
  if (creator.type === "discover") return null;
  return creator.type === "role" ? creator.roleArn : creator.userArn;
}

/**
 * Whether two ARNs name one creator. The authenticator knows a role without its path and lowers the case; the path of a
 * user stays (pkg/arn of kubernetes-sigs/aws-iam-authenticator).
 */
export function isSameCreator(one: string, other: string): boolean {
  return asAuthenticated(one) === asAuthenticated(other);
}

function asAuthenticated(arn: string): string {
  return arn.replace(/:role\/.*\//, ":role/").toLowerCase();
}
