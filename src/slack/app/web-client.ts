import { WebClient, type WebClientOptions } from "@slack/web-api";
import type { SlackEnvironment } from "../../config/environment.ts";
import { usualDeadlines } from "../../operations/deadlines.ts";
import { observedFetch } from "./observed-fetch.ts";

/** The client's own defaults are no time-out and ten tries in half an hour: neither is of use to us. */
export function webClientOptions(
  { apiUrl }: SlackEnvironment,
  { timeoutMs, retries }: { readonly timeoutMs: number; readonly retries: number },
): WebClientOptions {
  return {
    ...(apiUrl ? { slackApiUrl: apiUrl } : {}),
    timeout: timeoutMs,
    retryConfig: { retries },
    fetch: observedFetch,
  };
}

/** The messenger's client: waits when Slack says so; what fails is tried again by the queue. */
export function messengerClient(environment: SlackEnvironment, { slackBackground } = usualDeadlines): WebClient {
  return clientFor(environment, slackBackground);
}

/** The directory's client: somebody waits for the answer of a command or a click, so nothing is tried again. */
export function directoryClient(environment: SlackEnvironment, { slackCall } = usualDeadlines): WebClient {
  return clientFor(environment, slackCall);
}

/**
 * For App Homes and threads, which are many and can wait: where Slack says to come later the call fails, and the queue tries
 * again.
 * The client would hold back every other call meanwhile.
 */
export function backgroundClient(environment: SlackEnvironment, { slackBackground } = usualDeadlines): WebClient {
  return clientFor(environment, slackBackground, { rejectRateLimitedCalls: true });
}

function clientFor(environment: SlackEnvironment, timeoutMs: number, more: WebClientOptions = {}): WebClient {
  return new WebClient(environment.botToken, { ...webClientOptions(environment, { timeoutMs, retries: 0 }), ...more });
}
