import type { AssumeRoleInput, WebIdentities } from "./assume-role.ts";
import type { Caller } from "./identities.ts";
import type { Refusal } from "./refusal.ts";
import type { SandboxAccount } from "./sandbox-account.ts";

/** One valid call of AssumeRole, for CloudTrail. */
export interface AssumeRoleCall {
  caller: Caller;
  input: AssumeRoleInput;
  region: string;
  refused: Refusal | undefined;
  /** As in the answer. */
  requestId: string;
}

export interface AwsContext {
  account: SandboxAccount;
  webIdentities: WebIdentities;
  now: () => Date;
  onAssumeRole?: (call: AssumeRoleCall) => void;
}
