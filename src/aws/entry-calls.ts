import { type EKSClient, ResourceNotFoundException } from "@aws-sdk/client-eks";

/** What each call about the access entries of one cluster takes. */
export interface Calls {
  readonly client: EKSClient;
  readonly clusterName: string;
  readonly clusterArn: string;
  readonly partition: string;
  readonly call: Call;
}

/**
 * Sends a call, and makes its failure ours.
 *
 * @param principalArn null: it is about all entries, or the cluster itself
 */
export type Call = <T extends object>(
  action: string,
  principalArn: string | null,
  send: () => Promise<T>,
) => Promise<T>;

/** The call as an answer without anything in it, where what it is about is not there. */
export async function orGone<T extends object>(call: Promise<T>): Promise<T | object> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof ResourceNotFoundException && !isAboutCluster(error)) return { $metadata: error.$metadata };
    throw error;
  }
}

function isAboutCluster({ message }: ResourceNotFoundException): boolean {
  return message.startsWith("No cluster found");
}
