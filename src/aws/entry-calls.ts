import { type EKSClient, NotFoundException, ResourceNotFoundException } from "@aws-sdk/client-eks";
import { AccessError, type FailureCode } from "../access/access-error.ts";
import { type ClusterAddress, clusterPlace } from "./eks-cluster.ts";
import { awsFailure } from "./explain-aws-error.ts";

export interface Calls {
  readonly client: EKSClient;
  readonly clusterName: string;
  readonly clusterArn: string;
  readonly partition: string;
  readonly call: Call;
}

/** Sends a call, and translates its failure. @param principalArn null: it is about all entries, or the cluster itself */
export type Call = <T extends object>(
  action: string,
  principalArn: string | null,
  send: () => Promise<T>,
) => Promise<T>;

/** The answer of a call for something that does not exist. */
interface Absent {
  readonly isAbsent: true;
  readonly $metadata: ResourceNotFoundException["$metadata"];
}

export async function orAbsent<T extends object>(call: Promise<T>): Promise<T | Absent> {
  try {
    return await call;
  } catch (error) {
    if (isNotFound(error) && !isAboutCluster(error)) {
      return { isAbsent: true, $metadata: error.$metadata };
    }
    throw error;
  }
}

/** TagResource and UntagResource have another name for it (EKS API reference). */
function isNotFound(error: unknown): error is ResourceNotFoundException | NotFoundException {
  return error instanceof ResourceNotFoundException || error instanceof NotFoundException;
}

function isAboutCluster({ message }: Error): boolean {
  return message.startsWith("No cluster found");
}

/** The errors that have another meaning for access entries than elsewhere in AWS, by name. */
const meanings: ReadonlyMap<string, FailureCode> = new Map([
  ["ResourceInUseException", "access-entry-conflict"],
  ["ResourceNotFoundException", "access-entry-conflict"],
  ["NotFoundException", "access-entry-conflict"],
  ["ResourceLimitExceededException", "access-entry-limit"],
  ["InvalidParameterException", "access-entry-refused"],
  ["InvalidRequestException", "access-entry-mode"],
  ["AccessDeniedException", "access-entry-denied"],
  ["AccessDenied", "access-entry-denied"],
]);

/** Translates a failure of a call about access entries. @param principalArn null: it was about all of them */
export function entryFailure(
  error: unknown,
  action: string,
  principalArn: string | null,
  address: ClusterAddress,
): AccessError {
  const place = clusterPlace(address);
  const failure = awsFailure(error, `eks:${action} on ${principalArn ? `${principalArn} in ` : ""}${place}`);
  if (!(error instanceof Error)) return failure;
  if (error.name === "ResourceNotFoundException" && error.message.startsWith("No cluster found")) {
    return new AccessError("cluster-not-found", `EKS knows no ${place}`, { cause: failure.cause });
  }
  const code = meanings.get(error.name);
  if (!code) return failure;
  const remedy = code === "access-entry-denied" ? address.entriesRemedy : undefined;
  return new AccessError(code, failure.what, { cause: failure.cause, ...(remedy !== undefined && { remedy }) });
}
