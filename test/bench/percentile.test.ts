import { expect, test } from "vitest";
import { median, percentile } from "./percentile.ts";

test("a percentile is one of the values, and does not depend on their order", () => {
  const values = [40, 10, 30, 20];

  expect(median(values)).toBe(20);
  expect(percentile(values, 0.75)).toBe(30);
  expect(percentile(values, 0.76)).toBe(40);
});

test("with few values the p99 is the largest of them", () => {
  const values = Array.from({ length: 30 }, (_, index) => index + 1);

  expect(percentile(values, 0.99)).toBe(30);
});

test("of no values there is no percentile", () => {
  expect(median([])).toBeNaN();
});
