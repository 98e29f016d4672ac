/** `map`: the entry says exactly this afterwards, and is added if there is none. `unmap`: there is none afterwards. */
export type Change =
  | { type: "map"; arn: string; username: string; groups: readonly string[] }
  | { type: "unmap"; arn: string };

/** What a plan must not do. */
export interface PlanGuard {
  /** Never put into the map. */
  creatorArn?: string;
  /** The cluster's own. */
  account?: string;
  partition?: string;
  /** Accounts that the policy names. */
  allowForeignAccounts?: readonly string[];
  /** The policy names system:masters. */
  allowMasters?: boolean;
  /** The last administrator in the document may go: for a lease that ends, which outlives its time else. */
  allowNoAdministrator?: boolean;
}

/** Why something is not done. */
export interface Refusal {
  code: string;
  /** What, where and how to mend it. */
  message: string;
  arn?: string;
}
