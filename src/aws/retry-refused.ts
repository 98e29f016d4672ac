import type { EKSClient } from "@aws-sdk/client-eks";

/**
 * Makes a client try a call again only where AWS has refused it for being one of too many. One that was not answered may
 * still arrive, for minutes, after its second try and all that came of that: whoever sends it has to know.
 */
export function retryRefusedOnly(client: EKSClient): EKSClient {
  const standard = client.config.retryStrategy;
  client.config.retryStrategy = async () => {
    const strategy = await standard();
    if (!("refreshRetryTokenForRetry" in strategy)) throw new Error("The AWS SDK retries in another way");
    return {
      acquireInitialRetryToken: (scope) => strategy.acquireInitialRetryToken(scope),
      recordSuccess: (token) => strategy.recordSuccess(token),
      refreshRetryTokenForRetry: async (token, failed) => {
        // Where it rejects, the call fails with what it failed with first.
        if (failed.errorType !== "THROTTLING") throw new Error("not to be tried again");
        return strategy.refreshRetryTokenForRetry(token, failed);
      },
    };
  };
  return client;
}
