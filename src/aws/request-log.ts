import type { RequestIds } from "../access/audit/event.ts";

/** What the SDK puts into an answer, and into the error that it makes of one. */
interface Answered {
  readonly $metadata?: { readonly requestId?: string | undefined };
}

/**
 * What `call` resolves to, or rejects with, once its request id is in the log: CloudTrail and AWS's support find the
 * call by it.
 *
 * @param action as IAM writes it: `sts:AssumeRole`
 */
export async function logged<T extends object>(
  log: RequestIds | undefined,
  action: string,
  call: Promise<T>,
): Promise<T> {
  try {
    const answer = await call;
    addId(log, action, answer);
    return answer;
  } catch (error) {
    if (error instanceof Error) addId(log, action, error);
    throw error;
  }
}

function addId(log: RequestIds | undefined, action: string, answered: object): void {
  const { $metadata }: Answered = answered;
  if ($metadata?.requestId) log?.add(action, $metadata.requestId);
}
