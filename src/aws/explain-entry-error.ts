import { AccessError, type FailureCode } from "../access/failure/access-error.ts";
import type { ClusterAddress } from "./eks-cluster.ts";
import { awsFailure } from "./explain-aws-error.ts";

/** By the error's name, where it means something else of an access entry than of the rest of AWS. */
const meanings: ReadonlyMap<string, FailureCode> = new Map([
  ["ResourceInUseException", "access-entry-conflict"],
  ["ResourceNotFoundException", "access-entry-conflict"],
  ["ResourceLimitExceededException", "access-entry-limit"],
  ["InvalidParameterException", "access-entry-refused"],
  ["InvalidRequestException", "access-entry-mode"],
  ["AccessDeniedException", "access-entry-denied"],
  ["AccessDenied", "access-entry-denied"],
]);

/**
 * Makes a failure of a call about access entries into ours.
 *
 * @param principalArn null: it was about all of them
 */
export function entryFailure(
  error: unknown,
  action: string,
  principalArn: string | null,
  { eksName, region, account }: ClusterAddress,
): AccessError {
  const place = `cluster ${eksName} in ${region} of account ${account}`;
  const failure = awsFailure(error, `eks:${action} on ${principalArn ? `${principalArn} in ` : ""}${place}`);
  if (!(error instanceof Error)) return failure;
  if (error.name === "ResourceNotFoundException" && error.message.startsWith("No cluster found")) {
    return new AccessError("cluster-not-found", `EKS knows no ${place}`, { cause: failure.cause });
  }
  const code = meanings.get(error.name);
  return code ? new AccessError(code, failure.what, { cause: failure.cause }) : failure;
}
