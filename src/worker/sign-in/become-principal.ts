import type { RequestIds } from "../../access/audit/request-ids.ts";
import { AccessError } from "../../access/failure/access-error.ts";
import type { Cluster } from "../../access/policy/cluster.ts";
import type { SignInWay } from "../../access/policy/sign-in.ts";
import { assumeRole } from "../../aws/assume-role.ts";
import { callerIdentity } from "../../aws/caller-identity.ts";
import type { AwsCredentials } from "../../aws/credentials.ts";
import { nothingSessionPolicy } from "../../aws/session-policy.ts";
import { canonicalCaller, withoutRolePath } from "../../aws-auth/index.ts";
import { type Errand, sessionOf, tagsOf } from "../open/session-of.ts";

/** A session of a principal, of which AWS says that it is one. */
export interface PrincipalSession {
  /** For the memory of one run: never log or store them. */
  readonly credentials: AwsCredentials;
  /** As STS says it: `arn:…:assumed-role/R/S`. */
  readonly arn: string;
}

/**
 * Becomes a principal to sign in to a cluster, and for nothing else: the session may do nothing in AWS. CloudTrail shows for
 * whom and for which request, as of the creator's.
 *
 * @param log what AWS is asked on the way
 * @throws AccessError
 */
export async function becomePrincipal(
  { region, name }: Cluster,
  { roleArn, externalId }: Extract<SignInWay, { type: "role" }>,
  errand: Errand,
  log?: RequestIds,
): Promise<PrincipalSession> {
  const session = { ...sessionOf([errand]), tags: tagsOf([errand]), policy: nothingSessionPolicy() };
  const credentials = await assumeRole("default", { roleArn, externalId, region, ...session }, log).catch(
    (error: unknown) => {
      throw withRemedy(error, name);
    },
  );
  const { arn, account } = await callerIdentity(credentials, region, log);
  const isIt = canonicalCaller(arn)?.toLowerCase() === withoutRolePath(roleArn).toLowerCase();
  if (isIt && account === roleArn.split(":")[4]) return { credentials, arn };
  throw new AccessError("principal-mismatch", `AWS says that the assumed ${roleArn} is ${arn}`);
}

function withRemedy(error: unknown, cluster: string): unknown {
  if (!(error instanceof AccessError) || error.code !== "aws-access-denied") return error;
  return new AccessError("aws-access-denied", error.what, {
    cause: error.cause,
    mend: `Let the role trust the worker, and the worker assume it, as deploy/iam has it, or take it out of signIn.roles of ${cluster}.`,
  });
}
