import fc from "fast-check";
import { expect, test } from "vitest";
import { formatDuration, parseDuration } from "../../../src/access/ask/duration.ts";
import { isPermanent, permanentSeconds } from "../../../src/access/lease/lease-record.ts";

test.each([
  ["45s", 45],
  ["30m", 1800],
  ["4h", 14_400],
  ["2d", 172_800],
  ["1h30m", 5400],
  ["90m", 5400],
  ["90 min", 5400],
  ["2 hours", 7200],
  ["1 hr", 3600],
  ["1 day", 86_400],
  ["1h 30 minutes", 5400],
  ["1 hour30m", 5400],
  [" 4H ", 14_400],
])("%s is read", (text, seconds) => {
  expect(parseDuration(text)).toBe(seconds);
});

test.each(["19000d", "999999d".repeat(300)])("%# is permanent: no lease ends after the last date", (text) => {
  expect(parseDuration(text)).toBe(permanentSeconds);
});

test.each([
  "",
  "4",
  "h",
  "-4h",
  "1.5h",
  "4w",
  "0h",
  "0h0m",
  "4h foo",
  "1234567h",
  "4h,",
  "0m",
  "2 hoursx",
  "2 weeks",
  "m",
])("%j is no duration", (text) => {
  expect(parseDuration(text)).toBeNull();
});

test.each([
  [0, "0s"],
  [45, "45s"],
  [3600, "1h"],
  [5400, "1h 30m"],
  [90_061, "1d 1h 1m 1s"],
])("%d seconds are written as %s", (seconds, text) => {
  expect(formatDuration(seconds)).toBe(text);
});

test("what is written is read back as the same", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: permanentSeconds / 2 - 1 }), (seconds) => {
      expect(parseDuration(formatDuration(seconds).replaceAll(" ", ""))).toBe(seconds);
    }),
  );
});

test("permanent is written as it is read, and no other duration is called so", () => {
  expect(parseDuration(" Permanent ")).toBe(permanentSeconds);
  expect(formatDuration(permanentSeconds)).toBe("permanent");
  expect(isPermanent(10 * 365 * 86_400)).toBe(false);
});
