import type { Cluster } from "../access/policy/cluster.ts";
import { withoutRolePath } from "../aws-auth/index.ts";
import { type AccessEntryFact, type Cause, cause, type WhyFacts } from "./facts.ts";
import { named } from "./link.ts";
import type { ReportedProblem } from "./problems.ts";
import { type DatedEntry, outdatedEntryRemedy, repairOf } from "./replaced-roles.ts";

/** When IAM made the roles that a cluster's access entries name. */
export interface RoleTimes {
  /** By the principal's ARN, ISO 8601. */
  readonly madeAt: ReadonlyMap<string, string>;
  /** Why other roles are unknown, a clause; null: IAM answered about each. */
  readonly why: string | null;
}

/** The roles about which IAM can answer: it knows only those of the caller's account. */
export function rolesToAsk(
  entries: readonly { readonly principalArn: string; readonly type: string }[],
  { account }: Pick<Cluster, "account">,
): readonly string[] {
  const people = entries.filter(({ type }) => type === "STANDARD").map(({ principalArn }) => principalArn);
  return people.filter((arn) => arn.includes(`::${account}:role/`));
}

/**
 * Whether a role was made after its access entry. EKS keeps the unique id of the earlier role (EKS API, AccessEntry,
 * principalArn), so such an entry lets no one in. @param madeAt undefined: unknown
 */
export function isRemade({ createdAt }: Pick<DatedEntry, "createdAt">, madeAt: string | undefined): boolean {
  return createdAt !== undefined && madeAt !== undefined && Date.parse(madeAt) > Date.parse(createdAt);
}

/** Sentences for an entry that is certainly of a deleted role: what happened, and the repair. */
export function remadeRoleWords(
  cluster: Cluster,
  { principalArn, createdAt }: DatedEntry,
  madeAt: string,
): Pick<ReportedProblem, "message" | "remedy"> {
  const arn = withoutRolePath(principalArn);
  return {
    message: `IAM made the role ${arn} at ${madeAt}, after its access entry (${createdAt}). The entry is of a deleted role with the same name, so it lets no one in.`,
    remedy: `An approver runs ${repairOf(cluster, arn)}: the new role gets the same groups and policies.`,
  };
}

/** A person's entry that no longer fits its principal: without IAM's answer, only kubectl shows it. */
export function outdatedCause({ accessEntry, cluster }: WhyFacts): readonly Cause[] {
  if (accessEntry.type !== "entry" || accessEntry.kind !== "STANDARD" || accessEntry.madeAt !== undefined) return [];
  const message = `If kubectl still says Unauthorized, the access entry may be for a deleted principal of this name. Not compared: ${notCompared(accessEntry, cluster)}.`;
  return [cause("entry-dead", message, outdatedEntryRemedy(cluster, accessEntry))];
}

function notCompared(
  {
    whyUnknown,
    principalArn,
  }: Pick<Extract<AccessEntryFact, { readonly type: "entry" }>, "whyUnknown" | "principalArn">,
  { account }: Cluster,
): string {
  const [, , , , its = ""] = principalArn.split(":");
  if (!principalArn.includes(":role/")) return "The worker asks IAM about roles only";
  if (its !== account) return `The role is in account ${named(its)}, and the worker asks IAM of ${named(account)} only`;
  return whyUnknown ?? "IAM knows no role of that name";
}

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

/** Null: IAM answered. */
export function rolesNotCompared({ why }: RoleTimes): ReportedProblem | null {
  if (why === null) return null;
  const message = `Not tested: whether roles were deleted and made again after their access entries. ${why}.`;
  const remedy = "Allow iam:GetRole, as in deploy/iam.";
  return { code: "roles-not-compared", severity: "notice", place: "IAM", message, remedy };
}
