import { createHmac } from "node:crypto";

/**
 * The headers with which Slack signs a request: HMAC-SHA256 over `v0:<timestamp>:<body>`.
 * @param options.timestamp seconds since 1970
 * @see https://docs.slack.dev/authentication/verifying-requests-from-slack
 */
export function signRequest(body: string, options: { timestamp: number; secret: string }): Record<string, string> {
  const digest = createHmac("sha256", options.secret).update(`v0:${options.timestamp}:${body}`).digest("hex");
  return {
    "x-slack-request-timestamp": String(options.timestamp),
    "x-slack-signature": `v0=${digest}`,
  };
}
