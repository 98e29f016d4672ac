import { groupsBy } from "../access/collections.ts";
import type { Cluster } from "../access/policy/cluster.ts";
import { admittedBy, isIdentityCenterRole, withoutRolePath } from "../access/principal.ts";
import type { ReadDocument } from "../aws-auth/index.ts";
import { named } from "./link.ts";
import type { ReportedProblem } from "./problems.ts";

export type DatedEntry = { readonly principalArn: string; readonly createdAt?: string | undefined };

export interface NamedRole {
  readonly arn: string;
  /** `mapRoles line 4`, or `an access entry`. */
  readonly place: string;
  /** When EKS made its access entry, and so checked that the role exists. Absent: unknown. */
  readonly since?: string | undefined;
}

/** The roles of one permission set in one account that a cluster names. IAM Identity Center keeps one: all but one are deleted. */
export interface RolesOfSet {
  readonly permissionSet: string;
  readonly account: string;
  readonly roles: readonly NamedRole[];
  /** The one that lives; null: the cluster alone does not show it. */
  readonly successor: NamedRole | null;
}

/** The permission sets of which a cluster names more than one role. @param absent the roles that IAM does not have, as the cluster names them */
export function replacedRoles(
  all: readonly NamedRole[],
  absent: ReadonlySet<string> = new Set(),
): readonly RolesOfSet[] {
  const roles = all.filter(({ arn }) => isIdentityCenterRole(arn));
  return [...groupsBy(roles, ({ arn }) => setOf(arn)).values()].flatMap((roles) => {
    const set = admittedBy(roles[0].arn);
    if (set.type !== "permission-set" || new Set(roles.map(({ arn }) => keyOf(arn))).size < 2) return [];
    return [
      { permissionSet: set.name, account: set.account, roles, successor: livingOf(roles, absent) ?? newestOf(roles) },
    ];
  });
}

export function namesakesOf(arn: string, all: readonly NamedRole[]): readonly NamedRole[] {
  if (!isIdentityCenterRole(arn)) return [];
  return all.filter(
    (role) => isIdentityCenterRole(role.arn) && setOf(role.arn) === setOf(arn) && keyOf(role.arn) !== keyOf(arn),
  );
}

/** Where the cluster names a role, in words. */
export const anEntry = "an access entry";

export function roleInEntry({ principalArn, createdAt }: DatedEntry): NamedRole {
  return { arn: principalArn, place: anEntry, since: createdAt };
}

export function rolesInDocument({ entries }: ReadDocument): readonly NamedRole[] {
  return entries.map(({ arn, section, line }) => ({ arn, place: `${section} line ${line}` }));
}

/** If IAM has only one of them. */
function livingOf(roles: readonly NamedRole[], absent: ReadonlySet<string>): NamedRole | null {
  const living = roles.filter(({ arn }) => !absent.has(arn));
  const isOne = living.length < roles.length && new Set(living.map(({ arn }) => keyOf(arn))).size === 1;
  return (isOne && living[0]) || null;
}

/** If each role has an access entry, the newest entry shows the current role. Items of aws-auth have no time. */
function newestOf(roles: readonly NamedRole[]): NamedRole | null {
  if (roles.some(({ since }) => since === undefined)) return null;
  return roles.toSorted((a, b) => Date.parse(a.since ?? "") - Date.parse(b.since ?? "")).at(-1) ?? null;
}

export function replacedRoleProblem(set: RolesOfSet, cluster: Cluster): ReportedProblem {
  const { permissionSet, account, roles, successor } = set;
  const others = roles.filter((role) => role !== successor);
  const about = {
    code: "role-replaced",
    severity: "warning",
    place: others.map(({ place }) => place).join(", "),
  } as const;
  const list = others.map(({ arn, place }) => `${named(withoutRolePath(arn))} (${place})`).join(", ");
  const request = (arn: string) => named(`/eks-access request ${cluster.name} ${withoutRolePath(arn)} …`);
  if (successor) {
    const message = `The permission set ${named(permissionSet)} has the role ${named(withoutRolePath(successor.arn))} in account ${account} now. Entries of deleted roles: ${list}.`;
    const remedy = `An approver runs ${repairOf(cluster, withoutRolePath(successor.arn))}. Until then, run ${request(successor.arn)}.`;
    return { ...about, message, remedy };
  }
  const message = `The permission set ${named(permissionSet)} has one role in account ${account}, and ${named(cluster.name)} names several: ${list}.`;
  const remedy = `${currentRoleRemedy(cluster)} Remove the others with ${named("eks-access plan --remove")}.`;
  return { ...about, message, remedy };
}

/** EKS keeps the principal's unique id (EKS API, AccessEntry, principalArn) and shows it to no one. */
export function outdatedEntryRemedy(cluster: Pick<Cluster, "name">, { principalArn, createdAt }: DatedEntry): string {
  const name = principalArn.slice(principalArn.lastIndexOf("/") + 1);
  const [kind, option, field] = principalArn.includes(":user/")
    ? ["user", "--user-name", "User"]
    : ["role", "--role-name", "Role"];
  const ask = named(`aws iam get-${kind} ${option} ${name} --query ${field}.CreateDate --output text`);
  return `If ${ask} prints a time after ${createdAt ?? "the entry's createdAt"}, the entry is of a deleted ${kind}. An approver runs ${repairOf(cluster, withoutRolePath(principalArn))}.`;
}

/** For entries of several roles of a permission set: IAM has one of them. */
export function currentRoleRemedy(cluster: Cluster): string {
  return `${named("aws sts get-caller-identity")} prints the current role. If it has no entry here, an approver runs ${repairOf(cluster, "<that ARN>")}.`;
}

/** The command that replaces the entries of deleted principals. @param current the ARN of the principal that replaced them */
export function repairOf({ name }: Pick<Cluster, "name">, current: string): string {
  return named(`/eks-access repair ${name} ${current}`);
}

function keyOf(arn: string): string {
  return withoutRolePath(arn).toLowerCase();
}

function setOf(arn: string): string {
  return keyOf(arn).replace(/_[0-9a-f]{16}$/, "");
}
