import { STSClient } from "@aws-sdk/client-sts";
import { usualDeadlines } from "../operations/deadlines.ts";
import type { AwsCredentials, CredentialSource } from "./credentials.ts";
import { observedSockets, type Sockets } from "./observed-sockets.ts";

/** What the SDK finds in the environment and in the AWS files, alike for each service and whoever calls. */
type Found = Pick<
  STSClient["config"],
  "authSchemePreference" | "useDualstackEndpoint" | "useFipsEndpoint" | "userAgentAppId"
>;

interface Shared extends Found {
  readonly requestHandler: Sockets;
}

interface ClientSettings extends Shared {
  region: string;
  credentials?: AwsCredentials;
  maxAttempts: number;
  retryMode: "standard";
}

/** The SDK waits for an answer without end unless it is told otherwise, and only warns unless it is told to throw. */
const limits = {
  connectionTimeout: usualDeadlines.awsCall,
  requestTimeout: usualDeadlines.awsCall,
  throwOnRequestTimeout: true,
};

let shared: Shared | undefined;

/**
 * What each of our AWS clients is made with. A client with somebody's credentials lives for one call, so that they don't
 * stay behind in it. What holds no credentials outlives it: the sockets, each of which would cost a TLS handshake, and what was
 * found in the environment, which each client would look for anew.
 */
export function clientSettings(source: CredentialSource, region: string): ClientSettings {
  shared ??= sharedByAll(region);
  return {
    region,
    ...(source === "default" ? {} : { credentials: source }),
    maxAttempts: 3,
    retryMode: "standard",
    ...shared,
  };
}

function sharedByAll(region: string): Shared {
  const { requestHandler, authSchemePreference, useDualstackEndpoint, useFipsEndpoint, userAgentAppId } = new STSClient(
    {
      region,
      requestHandler: limits,
    },
  ).config;
  return {
    // A client that is destroyed must not cut off the calls of the others.
    requestHandler: observedSockets(Object.assign(requestHandler, { destroy: () => {} })),
    authSchemePreference,
    useDualstackEndpoint,
    useFipsEndpoint,
    userAgentAppId,
  };
}
