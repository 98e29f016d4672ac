import type { AwsCredentials, CredentialSource } from "./credentials.ts";

interface ClientSettings {
  region: string;
  credentials?: AwsCredentials;
  maxAttempts: number;
  retryMode: "standard";
  requestHandler: { connectionTimeout: number; requestTimeout: number; throwOnRequestTimeout: true };
}

/**
 * What each of our AWS clients is made with. A client lives for one call, so that no credentials stay behind in it.
 * The SDK waits for an answer without end unless it is told otherwise, and only warns unless it is told to throw.
 */
export function clientSettings(source: CredentialSource, region: string): ClientSettings {
  return {
    region,
    ...(source === "default" ? {} : { credentials: source }),
    maxAttempts: 3,
    retryMode: "standard",
    requestHandler: { connectionTimeout: 3_000, requestTimeout: 10_000, throwOnRequestTimeout: true },
  };
}
