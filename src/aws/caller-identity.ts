import { GetCallerIdentityCommand } from "@aws-sdk/client-sts";
import type { RequestIds } from "../access/audit/event.ts";
import { AccessError } from "../access/failure/access-error.ts";
import { step } from "../operations/worker-metrics.ts";
import type { CredentialSource } from "./client-settings.ts";
import { logged } from "./client-settings.ts";
import { callSts } from "./sts.ts";

/** The identity of credentials, according to AWS. */
export interface CallerIdentity {
  /** `…:user/NAME` or `…:assumed-role/NAME/SESSION`. */
  readonly arn: string;
  readonly account: string;
  /** `AIDA…` of a user, `AROA…:SESSION` of a role. */
  readonly userId: string;
}

/** As a step of a run: asks STS of the region who we are. */
export async function callerIdentity(
  source: CredentialSource,
  region: string,
  log?: RequestIds,
): Promise<CallerIdentity> {
  return step("caller-identity", () => askCallerIdentity(source, region, log));
}

/** Asks STS of the region who we are. Needs no permission, so a failure speaks of the credentials or of the network. */
export function askCallerIdentity(source: CredentialSource, region: string, log?: RequestIds): Promise<CallerIdentity> {
  const action = "sts:GetCallerIdentity";
  return callSts(source, region, action, async (client) => {
    const { Arn, Account, UserId } = await logged(log, action, client.send(new GetCallerIdentityCommand({})));
    if (!Arn || !Account || !UserId) {
      throw new AccessError("aws-unexpected", "AWS answered sts:GetCallerIdentity without an identity");
    }
    return { arn: Arn, account: Account, userId: UserId };
  });
}
