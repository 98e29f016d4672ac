import type { AccessEntry } from "./access-entry.ts";
import type { AuthenticationMode, EksCluster, EntriesFrom } from "./eks-cluster.ts";

/** Who EKS lets into a cluster at one moment: what its API server goes by. */
export interface ClusterAccess {
  mode: AuthenticationMode;
  entries: readonly EntryInForce[];
}

/** A cluster that goes by aws-auth alone. */
export const withoutEntries: ClusterAccess = { mode: "CONFIG_MAP", entries: [] };

/** An access entry that has taken effect. */
export interface EntryInForce {
  principalArn: string;
  /** AROA… or AIDA…: principals are compared by it, whatever path or account their ARN has. */
  principalId: string;
  /** A template. */
  username: string;
  groups: readonly string[];
  policies: readonly PolicyInForce[];
}

export interface PolicyInForce {
  /** `arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy`. */
  arn: string;
  /** Names with wildcards; null: the whole cluster. */
  namespaces: readonly string[] | null;
}

/** Puts new entries behind those that are, or will be, in force. None overtakes another. */
export function withEntries(
  history: readonly EntriesFrom[],
  entries: readonly AccessEntry[],
  from: number,
  now: number,
): readonly EntriesFrom[] {
  const current = inForce(history, now);
  const coming = history.filter((each) => each.from > now);
  const last = coming.at(-1)?.from ?? from;
  return [...(current ? [current] : []), ...coming, { from: Math.max(from, last), entries }];
}

/** What a cluster's API server goes by now. */
export function accessOf(cluster: EksCluster, now: number): ClusterAccess {
  const entries = inForce(cluster.entryHistory, now)?.entries ?? [];
  return {
    mode: cluster.authenticationMode,
    entries: cluster.authenticationMode === "CONFIG_MAP" ? [] : entries.flatMap(entryInForce),
  };
}

function inForce(history: readonly EntriesFrom[], now: number): EntriesFrom | undefined {
  return history.findLast((each) => each.from <= now);
}

function entryInForce({ principalArn, principalId, username, groups, policies }: AccessEntry): EntryInForce[] {
  if (principalId === undefined) return [];
  const associated = policies.map(({ policyArn, namespaces }) => ({ arn: policyArn, namespaces }));
  return [{ principalArn, principalId, username, groups, policies: associated }];
}
