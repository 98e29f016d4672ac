import { STSClient } from "@aws-sdk/client-sts";
import type { AwsCredentials, CredentialSource } from "./credentials.ts";
import { observedSockets, type Sockets } from "./observed-sockets.ts";

interface ClientSettings {
  region: string;
  credentials?: AwsCredentials;
  maxAttempts: number;
  retryMode: "standard";
  requestHandler: Sockets;
}

/** The SDK waits for an answer without end unless it is told otherwise, and only warns unless it is told to throw. */
const limits = { connectionTimeout: 3_000, requestTimeout: 10_000, throwOnRequestTimeout: true };

let shared: Sockets | undefined;

/**
 * What each of our AWS clients is made with. A client with somebody's credentials lives for one call, so that they don't
 * stay behind in it. The sockets outlive it: they hold no credentials, and each new one would cost a TLS handshake.
 */
export function clientSettings(source: CredentialSource, region: string): ClientSettings {
  shared ??= socketsOfAll(region);
  return {
    region,
    ...(source === "default" ? {} : { credentials: source }),
    maxAttempts: 3,
    retryMode: "standard",
    requestHandler: shared,
  };
}

/** A client that is destroyed must not cut off the calls of the others. */
function socketsOfAll(region: string): Sockets {
  const { requestHandler } = new STSClient({ region, requestHandler: limits }).config;
  return observedSockets(Object.assign(requestHandler, { destroy: () => {} }));
}
