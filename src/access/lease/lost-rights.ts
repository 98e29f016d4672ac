import type { MappedIdentity } from "./lease-record.ts";

/** A role that RBAC binds to a username; namespace null: in every namespace. */
export interface BoundRole {
  readonly kind: string;
  readonly role: string;
  readonly namespace: string | null;
}

const maxNamed = 3;

/**
 * What a principal loses through another username or fewer groups: one sentence each. @param users RBAC's bindings by username;
 * null: unreadable
 */
export function lostRights(
  today: MappedIdentity | null,
  afterwards: MappedIdentity,
  users: ReadonlyMap<string, readonly BoundRole[]> | null,
): string[] {
  if (!today) return [];
  const groups = today.groups.filter((group) => !afterwards.groups.includes(group));
  return [
    ...lostUsername(today.username, afterwards.username, users),
    ...(groups.length > 0
      ? [`Loses rights: the principal loses the groups ${groups.join(", ")} while this lasts.`]
      : []),
  ];
}

function lostUsername(
  before: string,
  after: string,
  users: ReadonlyMap<string, readonly BoundRole[]> | null,
): readonly string[] {
  if (before === after) return [];
  if (!users) {
    return [
      `The principal may lose rights while this lasts: it becomes ${after} instead of ${before}, and eks-access could not read the role bindings.`,
    ];
  }
  const bound = users.get(before) ?? [];
  if (bound.length === 0) return [];
  const named = bound
    .slice(0, maxNamed)
    .map(
      ({ kind, role, namespace }) => `${kind} ${role} ${namespace === null ? "in every namespace" : `in ${namespace}`}`,
    )
    .join(", ");
  const more = bound.length > maxNamed ? ` and ${bound.length - maxNamed} more` : "";
  const verb = bound.length > 1 ? "are" : "is";
  return [
    `Loses rights: while this lasts, the principal becomes ${after}, and ${named}${more} ${verb} bound to ${before}.`,
  ];
}
