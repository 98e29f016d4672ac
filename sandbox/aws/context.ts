import type { WebIdentities } from "./assume-role.ts";
import type { CloudTrailEvent } from "./eks-cluster.ts";
import type { SandboxAccount } from "./sandbox-account.ts";

export interface AwsContext {
  account: SandboxAccount;
  webIdentities: WebIdentities;
  now: () => Date;
  /** Into CloudTrail. */
  record: (event: CloudTrailEvent) => void;
}
