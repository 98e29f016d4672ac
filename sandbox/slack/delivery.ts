import { createHmac } from "node:crypto";
import { type JsonObject, parseJson } from "../json.ts";

export type Outgoing =
  | { kind: "command"; payload: Readonly<Record<string, string>> }
  | { kind: "interaction"; payload: JsonObject }
  | { kind: "event"; payload: JsonObject };

export interface Acknowledgement {
  /** HTTP status; 200 over a socket; 0: none came. */
  status: number;
  milliseconds: number;
  error?: "operation_timeout" | "dispatch_failed";
  /** The app's answer: a JSON value, or a text. Undefined: empty. */
  body?: unknown;
}

/** Why Slack sends something again. */
export interface Retry {
  num: number;
  reason: string;
}

export type Deliver = (outgoing: Outgoing, retry?: Retry) => Promise<Acknowledgement>;

export const ackDeadline = 3_000;

export interface Signing {
  secret: string;
  now: () => Date;
  ackWithinMs: number;
}

/**
 * Signed as Slack signs. It sends an unacknowledged event again at once, but leaves out Slack's later retries after one
 * and five minutes. Slack never repeats commands and interactions.
 */
export async function deliverOverHttp(
  url: string,
  outgoing: Outgoing,
  signing: Signing,
  retry?: Retry,
): Promise<Acknowledgement> {
  if (retry) return send(url, outgoing, signing, retryHeaders(retry));
  const first = await send(url, outgoing, signing, {});
  if (outgoing.kind !== "event" || first.error === undefined) return first;
  const reason = first.error === "operation_timeout" ? "http_timeout" : "http_error";
  return send(url, outgoing, signing, retryHeaders({ num: 1, reason }));
}

function retryHeaders({ num, reason }: Retry): Readonly<Record<string, string>> {
  return { "x-slack-retry-num": String(num), "x-slack-retry-reason": reason };
}

async function send(
  url: string,
  outgoing: Outgoing,
  signing: Signing,
  more: Readonly<Record<string, string>>,
): Promise<Acknowledgement> {
  const started = performance.now();
  const elapsed = () => performance.now() - started;
  const { body, contentType } = encode(outgoing);
  const timestamp = Math.floor(signing.now().getTime() / 1000);
  const headers = {
    "content-type": contentType,
    "user-agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
    ...signRequest(body, { timestamp, secret: signing.secret }),
    ...more,
  };
  try {
    const response = await fetch(url, {
      method: "POST",
      headers,
      body,
      signal: AbortSignal.timeout(signing.ackWithinMs),
    });
    const text = await response.text();
    const answered = { status: response.status, milliseconds: elapsed() };
    if (!response.ok) return { ...answered, error: "dispatch_failed" };
    return text === "" ? answered : { ...answered, body: parseJson(text) ?? text };
  } catch (error) {
    const late = error instanceof DOMException && error.name === "TimeoutError";
    return { status: 0, milliseconds: elapsed(), error: late ? "operation_timeout" : "dispatch_failed" };
  }
}

/** Bolt accepts only this spelling of the content type. */
const form = "application/x-www-form-urlencoded";

function encode({ kind, payload }: Outgoing): { body: string; contentType: string } {
  if (kind === "command") return { body: new URLSearchParams(payload).toString(), contentType: form };
  const json = JSON.stringify(payload);
  if (kind === "event") return { body: json, contentType: "application/json" };
  return { body: new URLSearchParams({ payload: json }).toString(), contentType: form };
}

/**
 * HMAC-SHA256 over `v0:<timestamp>:<body>`. @param options.timestamp seconds since 1970 @see
 * https://docs.slack.dev/authentication/verifying-requests-from-slack
 */
export function signRequest(body: string, options: { timestamp: number; secret: string }): Record<string, string> {
  const digest = createHmac("sha256", options.secret).update(`v0:${options.timestamp}:${body}`).digest("hex");
  return {
    "x-slack-request-timestamp": String(options.timestamp),
    "x-slack-signature": `v0=${digest}`,
  };
}
