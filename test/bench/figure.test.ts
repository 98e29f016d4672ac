import { expect, test } from "vitest";
import { atMost, atMostTimes, median, percentile, tableOf } from "./figure.ts";

test("a figure is beside its reference, and a missed target says so", () => {
  const reference = { name: "the calls alone", value: 16.04 };
  const figure = { name: "click", value: 39.2, unit: "ms", reference, target: atMostTimes(1.5, 39.2, 16.04) };

  const [, , row = ""] = tableOf([figure]).split("\n");

  const cells = row.split("|").map((cell) => cell.trim());
  expect(cells.slice(1, 5)).toEqual([
    "click",
    "39.2 ms",
    "16.0 ms (the calls alone)",
    "at most 1.5 × the reference: missed",
  ]);
});

test("a figure on its target meets it", () => {
  expect(atMost(10, 10)).toEqual({ text: "at most 10", met: true });
});

test("every row is as wide as the widest cell of each column", () => {
  const table = tableOf([
    { name: "short", value: 1, unit: "" },
    { name: "a much longer name", value: 123_456.7, unit: "MB" },
  ]);

  expect(new Set(table.split("\n").map((line) => line.length)).size).toBe(1);
});

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
