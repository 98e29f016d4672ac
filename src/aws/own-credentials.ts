import { fromIni } from "@aws-sdk/credential-providers";
import { AccessError } from "../access/failure/access-error.ts";
import { callSts } from "./call-sts.ts";
import type { AwsCredentials } from "./credentials.ts";

/**
 * The worker's own credentials of this moment, as the SDK finds them (IRSA, Pod Identity, environment, profile, instance
 * role). The client that is kept for the region has them already: looking for them anew could be a call of STS.
 *
 * @throws AccessError
 */
export async function ownCredentials(region: string): Promise<AwsCredentials> {
  return callSts("default", region, "its own identity", async (client) => picked(await client.config.credentials()));
}

/**
 * The credentials of a named profile, read anew from the worker's AWS files each time: a key that was rotated counts at once,
 * and none stays in memory longer than the run that asked.
 *
 * @throws AccessError
 */
export async function credentialsOfProfile(profile: string, region: string): Promise<AwsCredentials> {
  try {
    return picked(await fromIni({ profile, ignoreCache: true, clientConfig: { region } })());
  } catch (error) {
    throw new AccessError("aws-credentials-missing", `The worker has no AWS credentials in its profile ${profile}`, {
      cause: error,
      mend: `Put the keys into [${profile}] of the worker's AWS credentials file (AWS_SHARED_CREDENTIALS_FILE).`,
    });
  }
}

function picked({ accessKeyId, secretAccessKey, sessionToken, expiration }: AwsCredentials): AwsCredentials {
  return { accessKeyId, secretAccessKey, ...(sessionToken && { sessionToken }), ...(expiration && { expiration }) };
}
