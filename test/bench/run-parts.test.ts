import { expect, test } from "vitest";
import { summaryOf } from "./figure.ts";
import { runParts } from "./run-parts.ts";

test("a part that fails is reported, and the others run", async () => {
  const told: string[] = [];
  const broken = () => Promise.reject(new Error("no such cluster"));
  const whole = async () => [{ name: "acks", value: 3, unit: "/s" }];

  const results = await runParts({ broken, whole }, "small", (line) => told.push(line));

  expect(results).toMatchObject([
    { part: "broken", figures: [], failure: "no such cluster" },
    { part: "whole", figures: [{ name: "acks" }], failure: null },
  ]);
  expect(told.join("\n")).toMatch(/broken FAILED after \d+ s: no such cluster/);
});

test("the summary has what is published, by the name that users read", () => {
  const figures = [
    { name: "acks", value: 3, unit: "/s" },
    { name: "lag: p99", value: 0.812, unit: "s", published: "revocation lag, p99" },
  ];

  expect(summaryOf(figures).split("\n").slice(2)).toEqual(["| revocation lag, p99 | 0.81 s |"]);
});
