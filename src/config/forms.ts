import { z } from "zod";
import { isPermanent, parseDuration } from "../access/request/duration.ts";

/** A text of one form; the message says how to write it, and stands for a wrong type and for a missing one too. */
export function textLike(form: RegExp, message: string) {
  return z.string(message).regex(form, message);
}

export const account = textLike(/^\d{12}$/, 'write the 12 digits in quotes, for example "111122223333"');

/** A person alone, where a group would be nobody in particular. */
export const slackUser = textLike(/^[UW][A-Z0-9]{2,}$/, "use a Slack user id, for example U012ABCDEF (not a name)");

/** Somebody who may decide or take away: a person, or a user group. */
export const userOrGroup = textLike(
  /^[UWS][A-Z0-9]{2,}$/,
  "use the id of a Slack user or user group, for example U012ABCDEF or S012ABCDEF (not a name)",
);

/** A short time as `200ms`, `3s` or `2m`, read as milliseconds. */
const shortTimeForm = "write a time with its unit, for example 200ms, 3s or 2m";
export const shortDuration = textLike(/^[1-9]\d{0,5}(ms|s|m)$/, shortTimeForm).transform((value) => {
  const unit = { ms: 1, s: 1_000, m: 60_000 }[value.replace(/^\d+/, "")] ?? 1;
  return Number.parseInt(value, 10) * unit;
});

/** A duration as `4h`, `1h30m` or `45s`, read as whole seconds. */
const durationForm = "write a duration with its unit, for example 30m, 4h or 1h30m";
export const duration = z.string(durationForm).transform((value, context) => {
  const seconds = parseDuration(value);
  // What is permanent is a matter of the rules.
  if (seconds !== null && !isPermanent(seconds)) return seconds;
  context.addIssue({ code: "custom", message: durationForm });
  return z.NEVER;
});
