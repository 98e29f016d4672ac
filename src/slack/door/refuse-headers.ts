import type { IncomingHttpHeaders } from "node:http";

/** Why a request is turned away before its body is looked at. */
export interface DoorRefusal {
  readonly status: 200 | 400 | 401 | 409 | 413 | 415;
  /** One clause for the log; never holds anything that was sent. */
  readonly why: string;
}

/** Slack's interactive payloads are below 100 KiB; a view has at most 250,000 characters. */
export const bodyLimitBytes = 1024 * 1024;

/**
 * As far as a clock may differ from Slack's, in either direction: https://docs.slack.dev/authentication/verifying-requests-from-slack
 * asks for five minutes. A request from the future is refused as well: its signature could be used later.
 */
export const toleranceSeconds = 300;

const contentTypes = ["application/x-www-form-urlencoded", "application/json"];

/** Says whether the headers are those of a request that Slack would send now. Null: they are. */
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
