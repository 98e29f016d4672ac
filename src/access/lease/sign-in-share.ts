import type { Share } from "./lease-record.ts";

/**
 * The share by which a lease by bindings holds the entry of its principal: no groups, only that its person can sign in. All else of
 * the lease is in its bindings.
 */
export function signInShare({ id, endsAt }: Pick<Share, "id" | "endsAt">): Share {
  return { id, endsAt, groups: [], level: "", requester: "", emergency: false, approvers: [] };
}

/** Whether a share only lets a person sign in. */
export function isSignInShare({ groups }: Pick<Share, "groups">): boolean {
  return groups.length === 0;
}
