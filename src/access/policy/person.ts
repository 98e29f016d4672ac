import type { Cluster } from "./cluster.ts";

export interface Person {
  readonly user: string;
  /** The user groups (`S012ABCDEF`) and e-mail domains (`@example.com`) that the policy names and this person is of. */
  readonly memberships: readonly string[];
}

/** What the policy knows about a requester. Never believed from Redis alone: each approval seals it. */
export type Standing = {
  readonly memberships: readonly string[];
  /** The principal that the requester's Slack account is linked to; null: none, or no rule asks for it. */
  readonly linked: string | null;
};

export const noStanding: Standing = { memberships: [], linked: null };

/** Whether a list of the policy names this person: by the user id, a user group or an e-mail domain. */
export function isNamedIn(names: readonly string[], { user, memberships }: Person): boolean {
  return names.includes(user) || memberships.some((each) => names.includes(each));
}

/** The user groups and e-mail domains about which a person has to be asked before the policy can decide. */
export function groupsNamedFor(cluster: Cluster): readonly string[] {
  const named = [
    ...cluster.approvers,
    ...cluster.onCall,
    ...cluster.rules.flatMap(({ who, approvers }) => [...(who ?? []), ...(approvers ?? [])]),
    ...(cluster.breakGlass?.who ?? []),
  ];
  return [...new Set(named.filter((name) => !isUser(name)))].sort();
}

/** A Slack user id; what else a list can name is a user group (`S…`) or an e-mail domain (`@…`). */
export function isUser(name: string): boolean {
  return /^[UW]/.test(name);
}
