import type { ScopedPolicy } from "../access/policy/policy-text.ts";

/** An access entry of EKS: who a principal is in a cluster, and what it brings. It goes before aws-auth for its principal. */
export interface AccessEntry {
  /** As IAM has it: a role with its path, unlike in aws-auth. */
  readonly principalArn: string;
  /** The entry's own ARN, by which it is tagged; another one each time it is made. */
  readonly arn: string;
  /** `STANDARD` for people; all others are of nodes and can hold neither groups nor policies. */
  readonly type: string;
  readonly username: string;
  readonly groups: readonly string[];
  readonly policies: readonly ScopedPolicy[];
  readonly tags: Readonly<Record<string, string>>;
}

/** What it takes to make one. */
export interface NewEntry extends Pick<AccessEntry, "principalArn" | "username" | "groups" | "tags"> {
  /** The same for each try of one call, so that a repeated one makes nothing twice. */
  readonly token: string;
}
