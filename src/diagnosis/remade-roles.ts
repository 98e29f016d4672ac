import type { Cluster } from "../access/policy/cluster.ts";
import { isIdentityCenterRole, withoutRolePath } from "../access/principal.ts";
import type { AccessRequest } from "../access/record.ts";
import type { ReadDocument } from "../aws-auth/index.ts";
import { type Cause, cause, type WhyFacts } from "./facts.ts";
import { named } from "./link.ts";
import type { ReportedProblem } from "./problems.ts";
import {
  currentRoleRemedy,
  type DatedEntry,
  type NamedRole,
  outdatedEntryRemedy,
  type RolesOfSet,
  repairOf,
  replacedRoles,
} from "./replaced-roles.ts";

/** What IAM says about the roles that a cluster names. */
export interface RoleTimes {
  /** When it made each role, by its ARN as the cluster names it, ISO 8601. */
  readonly madeAt: ReadonlyMap<string, string>;
  /** Those that it does not have. */
  readonly absent: ReadonlySet<string>;
  /** Why other roles are unknown, a clause; null: IAM answered about each. */
  readonly why: string | null;
}

export interface RolesToAsk {
  readonly entries: readonly { readonly principalArn: string; readonly type: string }[];
  /** Null: it does not count. */
  readonly document: ReadDocument | null;
}

/** Of people's access entries, and of Identity Center in aws-auth. IAM knows only those of the cluster's own account. */
export function rolesToAsk(
  { entries, document }: RolesToAsk,
  { account }: Pick<Cluster, "account">,
): { readonly own: readonly string[]; readonly elsewhere: readonly string[] } {
  const people = entries.filter(({ type }) => type === "STANDARD").map(({ principalArn }) => principalArn);
  const mapped = document?.entries.map(({ arn }) => arn).filter(isIdentityCenterRole) ?? [];
  const roles = [...new Set([...people, ...mapped])].filter((arn) => arn.includes(":role/"));
  const isOwn = (arn: string) => isAsked(arn, account);
  return { own: roles.filter(isOwn), elsewhere: roles.filter((arn) => !isOwn(arn)) };
}

/** EKS keeps the unique id of the earlier role (EKS API, AccessEntry, principalArn), so the entry lets no one in. */
export function isRemade({ createdAt = "" }: Pick<DatedEntry, "createdAt">, madeAt: string | null = null): boolean {
  return Date.parse(madeAt ?? "") > Date.parse(createdAt);
}

/** Sentences for an entry that is certainly of a deleted role: what happened, and the repair. */
export function remadeRoleWords(
  cluster: Pick<Cluster, "name">,
  { principalArn }: DatedEntry,
  madeAt: string,
): Pick<ReportedProblem, "message" | "remedy"> {
  const arn = withoutRolePath(principalArn);
  return {
    message: `The entry of ${named(arn)} lets no one in: IAM made this role later, at ${madeAt}.`,
    remedy: `An approver runs ${repairOf(cluster, arn)}.`,
  };
}

/** Whether the cluster refused the principal of an active lease by an entry that existed before. */
export function isRefused({ lease }: Pick<AccessRequest, "lease">): boolean {
  return lease?.state === "active" && lease.proof?.signedIn.result === "no" && lease.written?.entryAdded === false;
}

export function refusedWords(
  cluster: Cluster,
  entry: DatedEntry,
  { id }: Pick<AccessRequest, "id">,
): Pick<ReportedProblem, "message" | "remedy"> {
  const message = `The cluster refused ${entry.principalArn} with the lease ${named(id)}.`;
  return { message, remedy: outdatedEntryRemedy(cluster, entry) };
}

/** A person's entry that lets no one in, by IAM's answer; null: IAM does not say so. */
export function deadCause({ accessEntry, cluster }: WhyFacts): Cause | null {
  if (accessEntry.type !== "entry" || accessEntry.kind !== "STANDARD") return null;
  const { principalArn, madeAt, whyUnknown } = accessEntry;
  const isAbsent = madeAt === undefined && whyUnknown === null && isAsked(principalArn, cluster.account);
  if (!isAbsent && !isRemade(accessEntry, madeAt)) return null;
  const { message, remedy } = isAbsent
    ? absentRoleWords(cluster, withoutRolePath(principalArn))
    : remadeRoleWords(cluster, accessEntry, madeAt ?? "");
  return cause("entry-dead", message, remedy);
}

/** A person's entry that may no longer fit its principal: without IAM's answer, only a sign-in shows it. */
export function outdatedCause({ accessEntry, cluster, requests }: WhyFacts): Cause | null {
  if (accessEntry.type !== "entry" || accessEntry.kind !== "STANDARD" || accessEntry.madeAt !== undefined) return null;
  const refused = requests.find(isRefused);
  if (refused) {
    const { message, remedy } = refusedWords(cluster, accessEntry, refused);
    return cause("entry-dead", message, remedy);
  }
  const why = isAsked(accessEntry.principalArn, cluster.account) ? accessEntry.whyUnknown : null;
  const message = `If kubectl says Unauthorized, its principal may be deleted. ${why ?? rolesOf(cluster.account)}.`;
  return cause("entry-dead", message, outdatedEntryRemedy(cluster, accessEntry));
}

/** IAM knows only roles of the cluster's own account. */
export function isAsked(principalArn: string, account: string): boolean {
  return principalArn.includes(`::${account}:role/`);
}

export const remadeUnknown = "Not tested: whether principals were made again.";
const rolesOf = (account: string) => `The worker asks IAM only about roles of account ${named(account)}`;

/** The access entries of roles that were made again since. */
export function remadeRoleProblems(
  cluster: Cluster,
  entries: readonly DatedEntry[],
  { madeAt }: RoleTimes,
): readonly ReportedProblem[] {
  return entries.flatMap((entry) => {
    const at = madeAt.get(entry.principalArn);
    if (at === undefined || !isRemade(entry, at)) return [];
    const words = remadeRoleWords(cluster, entry, at);
    return [{ code: "entry-dead", severity: "warning", place: entry.principalArn, ...words }];
  });
}

/** The ARNs, without paths, of living roles with entries of deleted ones. */
export function rolesToRepair(
  entries: readonly (DatedEntry & { readonly type: string })[],
  named: readonly NamedRole[],
  { madeAt, absent }: RoleTimes,
): readonly string[] {
  const people = entries.filter(({ type }) => type === "STANDARD");
  const remade = people.filter((entry) => isRemade(entry, madeAt.get(entry.principalArn)));
  const successors = replacedRoles(named, absent).flatMap(({ successor }) => successor?.arn ?? []);
  return [...new Set([...remade.map(({ principalArn }) => principalArn), ...successors].map(withoutRolePath))];
}

/** The roles that IAM does not have and that have no successor in the cluster. @param replaced their sets are reported already */
export function absentRoleProblems(
  cluster: Cluster,
  { absent }: RoleTimes,
  replaced: readonly RolesOfSet[],
): readonly ReportedProblem[] {
  const known = new Set(replaced.flatMap(({ roles }) => roles.map(({ arn }) => withoutRolePath(arn))));
  return [...new Set([...absent].map(withoutRolePath))]
    .filter((arn) => !known.has(arn))
    .map((arn) => ({ code: "role-deleted", severity: "warning", place: arn, ...absentRoleWords(cluster, arn) }));
}

function absentRoleWords(cluster: Cluster, arn: string): Pick<ReportedProblem, "message" | "remedy"> {
  return {
    message: `The entry of ${named(arn)} lets no one in: IAM has no such role.`,
    remedy: isIdentityCenterRole(arn)
      ? `${currentRoleRemedy(cluster)} If there is none, remove the entry.`
      : "Remove the entry.",
  };
}

/** What check did not test: IAM did not answer, or the roles are of other accounts. */
export function rolesNotCompared(cluster: Cluster, asked: RolesToAsk, { why }: RoleTimes): readonly ReportedProblem[] {
  const { elsewhere } = rolesToAsk(asked, cluster);
  const others = elsewhere.map((arn) => ({
    ...({ code: "role-of-other-account", severity: "notice", place: arn } as const),
    message: `${remadeUnknown} ${rolesOf(cluster.account)}.`,
    remedy: `${named(`aws iam get-role --role-name ${arn.slice(arn.lastIndexOf("/") + 1)}`)} shows when it was made.`,
  }));
  if (why === null) return others;
  const message = `${remadeUnknown} ${why}.`;
  const isRefused = why.startsWith("AWS refused ");
  const remedy = isRefused
    ? "Ask an operator to allow it, as in deploy/iam."
    : `${named("aws iam get-role")} shows when it was made.`;
  return [{ code: "roles-not-compared", severity: "notice", place: "IAM", message, remedy }, ...others];
}
