/**
 * The request ids that AWS gave to the calls of one run, under which CloudTrail and AWS's support find each. A call that
 * AWS refused has one too; one without an answer has none.
 */
export interface AwsRequestLog {
  /** @param action as IAM writes it: `sts:AssumeRole` */
  add(action: string, requestId: string): void;
  /** The ids of each action, in the order of the answers. */
  byAction(): Readonly<Record<string, readonly string[]>>;
}

export function awsRequestLog(): AwsRequestLog {
  const ids = new Map<string, readonly string[]>();
  return {
    add: (action, requestId) => void ids.set(action, [...(ids.get(action) ?? []), requestId]),
    byAction: () => Object.fromEntries(ids),
  };
}

/** What the SDK puts into an answer, and into the error that it makes of one. */
interface Answered {
  readonly $metadata?: { readonly requestId?: string | undefined };
}

/** What `call` resolves to, or rejects with, once its request id stands in the log. */
export async function logged<T extends object>(
  log: AwsRequestLog | undefined,
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

function addId(log: AwsRequestLog | undefined, action: string, answered: object): void {
  const { $metadata }: Answered = answered;
  if ($metadata?.requestId) log?.add(action, $metadata.requestId);
}
