import type { Share } from "./lease-record.ts";

/**
 * The share that a lease by bindings has in its principal's entry. It gives no groups: the entry only lets the person sign in. The
 * bindings hold the rest of the lease.
 */
export function signInShare({ id, endsAt }: Pick<Share, "id" | "endsAt">): Share {
  return { id, endsAt, groups: [], level: "", requester: "", emergency: false, approvers: [] };
}

export function isSignInShare({ groups }: Pick<Share, "groups">): boolean {
  return groups.length === 0;
}
