import type { IncomingHttpHeaders } from "node:http";

/** Why a request is refused before its body is read. */
export interface DoorRefusal {
  readonly status: 200 | 400 | 401 | 409 | 413 | 415;
  /** One clause for the log, without anything from the request. */
  readonly why: string;
}

/** Slack's interactive payloads are below 100 KiB; a view has at most 250,000 characters. */
export const bodyLimitBytes = 1024 * 1024;

/**
 * How far a clock may differ from Slack's, in both directions. Slack asks for five minutes:
 * https://docs.slack.dev/authentication/verifying-requests-from-slack. A signature from the future could be used later.
 */
export const toleranceSeconds = 300;

const contentTypes = ["application/x-www-form-urlencoded", "application/json"];

/** Why these headers are not those of a current request of Slack. Null: they are. */
export function refuseHeaders(headers: IncomingHttpHeaders, now: Date): DoorRefusal | null {
  const type = headers["content-type"]?.split(";")[0]?.trim().toLowerCase() ?? "";
  if (!contentTypes.includes(type)) return { status: 415, why: "its content type is not one that Slack sends" };
  if (Number(headers["content-length"] ?? 0) > bodyLimitBytes) return { status: 413, why: "its body is too large" };
  const signature = headers["x-slack-signature"];
  if (typeof signature !== "string" || !/^v0=[0-9a-f]{64}$/.test(signature)) {
    return { status: 401, why: "it carries no signature of Slack's form" };
  }
  const timestamp = headers["x-slack-request-timestamp"];
  if (typeof timestamp !== "string" || !/^\d{1,12}$/.test(timestamp)) {
    return { status: 401, why: "it carries no time" };
  }
  const aheadSeconds = Number(timestamp) - now.getTime() / 1000;
  if (aheadSeconds < -toleranceSeconds) return { status: 401, why: "it is more than five minutes old" };
  if (aheadSeconds > toleranceSeconds) return { status: 401, why: "it is from more than five minutes ahead" };
  return null;
}
