import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { AccessError } from "../failure/access-error.ts";
import { clientSettings } from "./client-settings.ts";
import type { CredentialSource } from "./credentials.ts";
import { awsFailure } from "./explain-aws-error.ts";

/** Who AWS says that somebody's credentials are. */
export interface CallerIdentity {
  /** `…:user/NAME` or `…:assumed-role/NAME/SESSION`. */
  readonly arn: string;
  readonly account: string;
  /** `AIDA…` of a user, `AROA…:SESSION` of a role. */
  readonly userId: string;
}

/** Asks STS of the region who we are. Needs no permission, so a failure speaks of the credentials or of the network. */
export async function callerIdentity(source: CredentialSource, region: string): Promise<CallerIdentity> {
  const client = new STSClient(clientSettings(source, region));
  try {
    const { Arn, Account, UserId } = await client.send(new GetCallerIdentityCommand({}));
    if (!Arn || !Account || !UserId) {
      throw new AccessError("aws-unexpected", "AWS answered sts:GetCallerIdentity without an identity");
    }
    return { arn: Arn, account: Account, userId: UserId };
  } catch (error) {
    throw awsFailure(error, "sts:GetCallerIdentity");
  } finally {
    client.destroy();
  }
}
