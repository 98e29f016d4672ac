import { expect, test } from "vitest";
import { formatDate } from "../../../sandbox/page/blocks/mrkdwn.ts";

const now = new Date("2030-05-06T12:00:00Z");
const at = (iso: string, format: string) => formatDate(Date.parse(iso) / 1000, format, "UTC", now);

test.each([
  ["{date_short}", "6 May 2030"],
  ["{date_short_pretty} at {time}", "today at 09:05"],
  ["{time_secs}", "09:05:07"],
  ["{no_such_word}", "{no_such_word}"],
])("%s is %s", (format, words) => {
  expect(at("2030-05-06T09:05:07Z", format)).toBe(words);
});

test("a long date has its weekday", () => {
  expect(at("2030-05-06T09:05:07Z", "{date_long}")).toMatch(/^Monday,? 6 May 2030$/);
});

test.each([
  ["2030-05-05T23:00:00Z", "yesterday"],
  ["2030-05-07T01:00:00Z", "tomorrow"],
  ["2030-05-08T01:00:00Z", "8 May 2030"],
])("the day of %s is %s", (iso, day) => {
  expect(at(iso, "{date_short_pretty}")).toBe(day);
});

test.each([
  ["2030-05-06T11:57:00Z", "3 minutes ago"],
  ["2030-05-06T17:00:00Z", "in 5 hours"],
])("%s is %s", (iso, words) => {
  expect(at(iso, "{ago}")).toBe(words);
});
