import { z } from "zod";
import { type Immutable, textForm } from "../lease/lease-record.ts";
import { withoutRolePath } from "../principal.ts";

export type RoleStep = { readonly roleArn: string; readonly externalId?: string | undefined };

export interface CreatorRole extends RoleStep {
  readonly type: "role";
  /** Roles to assume first, each with the session before it; empty: the worker assumes the creator directly. */
  readonly through: readonly RoleStep[];
}

/** An IAM user created the cluster. No role can become it: the worker needs the user's keys. */
export interface CreatorUser {
  readonly type: "user";
  readonly userArn: string;
  /** The worker's AWS profile with the user's keys; undefined: the worker's own identity is this user. */
  readonly profile?: string | undefined;
}

/** The creator is unknown: CloudTrail will name it. */
export interface CreatorToDiscover {
  readonly type: "discover";
  readonly externalId?: string | undefined;
  /** If CloudTrail names a role; the last of them also asks CloudTrail. */
  readonly through: readonly RoleStep[];
  readonly profile?: string | undefined;
}

export type KnownCreator = CreatorRole | CreatorUser;

/** The cluster's creator: the API server treats it as system:masters, whatever aws-auth says. */
export type Creator = KnownCreator | CreatorToDiscover;

/** The configured ARN with its path; null before a discovery. */
export function creatorArnOf(creator: KnownCreator): string;
export function creatorArnOf(creator: Creator): string | null;
export function creatorArnOf(creator: Creator): string | null {
  if (creator.type === "discover") return null;
  return creator.type === "role" ? creator.roleArn : creator.userArn;
}

export interface RunIdentities {
  readonly creator: Creator;
  /** The role that `eks-access bootstrap` let in; absent: runs become the creator. */
  readonly operator?: CreatorRole | undefined;
}

export function runsAs({ creator, operator }: RunIdentities): Creator {
  return operator ?? creator;
}

/** Whether an ARN is the operator's, which can get no lease. */
export function isOperator({ operator }: RunIdentities, arn: string): boolean {
  return operator !== undefined && isSameCreator(arn, operator.roleArn);
}

export function creatorText(arn: string, cluster: string): string {
  return `${arn} created ${cluster}, so it has full access.`;
}

export function operatorText(arn: string, cluster: string): string {
  return `${arn} is the operator of ${cluster}, for eks-access alone.`;
}

/** Why no lease can be for one of our own identities; null: it can. @param creatorArn null: unknown */
export function refuseIdentity(
  cluster: RunIdentities & { readonly name: string },
  arn: string,
  creatorArn: string | null,
): { readonly code: "creator" | "operator"; readonly message: string } | null {
  if (isSameCreator(arn, creatorArn)) return { code: "creator", message: creatorText(arn, cluster.name) };
  if (!isOperator(cluster, arn)) return null;
  return { code: "operator", message: operatorText(arn, cluster.name) };
}

/** Case and a role's path do not count, a user's path does (aws-iam-authenticator, pkg/arn). @param other null: unknown */
export function isSameCreator(one: string, other: string | null): boolean {
  return other !== null && withoutRolePath(one).toLowerCase() === withoutRolePath(other).toLowerCase();
}

export type CreationRecord = Immutable<z.output<typeof creationRecordForm>>;
export const creationRecordForm = z.object({
  eventId: textForm,
  at: textForm,
  /** `userIdentity.type`, for example AssumedRole, IAMUser, FederatedUser, Root or AWSService. */
  kind: textForm,
  /** The IAM role or user that created the cluster; null: unknown. */
  arn: textForm.nullable(),
  /** The service that called, for example cloudformation.amazonaws.com. */
  invokedBy: textForm.nullable(),
});

/** The largest difference between a cluster's creation time and its record's, in milliseconds. */
export const recordWithinMs = 5 * 60_000;

/** Whether a record belongs to the present cluster: a name can be used again after a deletion. */
export function isRecordOfCluster(record: CreationRecord, createdAt: Date | null): boolean {
  return createdAt === null || Math.abs(Date.parse(record.at) - createdAt.getTime()) <= recordWithinMs;
}

export type CreatorVerdict =
  | { readonly type: "creator"; readonly creator: KnownCreator }
  /** No worker can become it. `why`: a clause about the creation. */
  | { readonly type: "unusable"; readonly why: string };

export const remedyWithoutCreator =
  "Switch to API_AND_CONFIG_MAP, give a role an access entry with AmazonEKSClusterAdminPolicy, and name it as creator.";

/**
 * The creator that a record names. One of another account can't be confirmed, and an attempt would show it our external id.
 * @param account the cluster's @param way how the configuration lets the worker become it
 */
export function creatorOf(
  record: Pick<CreationRecord, "kind" | "arn" | "invokedBy">,
  account: string,
  way: Omit<CreatorToDiscover, "type">,
): CreatorVerdict {
  const { arn } = record;
  const unusable = (why: string) => ({ type: "unusable", why }) as const;
  if (arn === null || arn.endsWith(":root")) return unusable(whyUnusable(record));
  const [, , , , own] = arn.split(":");
  if (own !== account) return unusable(`its creator, ${arn}, is not of its account, ${account}`);
  if (arn.includes(":user/")) {
    return { type: "creator", creator: { type: "user", userArn: arn, ...(way.profile && { profile: way.profile }) } };
  }
  if (arn.includes(":role/aws-reserved/sso.amazonaws.com/")) {
    return unusable("its creator is a role of a permission set of IAM Identity Center, which only people can assume");
  }
  if (arn.includes(":role/aws-service-role/")) {
    return unusable("its creator is a service-linked role, which only its service can assume");
  }
  const { through, externalId } = way;
  return { type: "creator", creator: { type: "role", roleArn: arn, through, ...(externalId && { externalId }) } };
}

/** Types of userIdentity without a role or user (CloudTrail User Guide, "userIdentity element"). */
const unusableKinds: ReadonlyMap<string, string> = new Map([
  ["Root", "its creator is the root user of the account, which no worker should use"],
  ["AWSService", "an AWS service created it in its own name"],
  ["AWSAccount", "another AWS account created it, and the record names no principal"],
  ["SAMLUser", "a SAML user without a role created it"],
  ["WebIdentityUser", "a web identity user without a role created it"],
  ["IdentityCenterUser", "a user of IAM Identity Center created it, without a role"],
  ["Directory", "a user of a directory created it, without a role"],
]);

function whyUnusable({ kind, arn, invokedBy }: Pick<CreationRecord, "kind" | "arn" | "invokedBy">): string {
  const why =
    unusableKinds.get(arn?.endsWith(":root") ? "Root" : kind) ?? `its creator is ${kind}, which is no role or user`;
  return invokedBy ? `${why} (${invokedBy})` : why;
}
