import { expect, test } from "vitest";
import { examineZones } from "../../src/bin/examine-ledger.ts";
import { readZones } from "../../src/bin/process-io.ts";
import { readConfig } from "../../src/config/config.ts";
import { aCluster, configText } from "../builders/a-cluster.ts";
import { at } from "../builders/times.ts";

test.each([
  [[], [null]],
  [["--zone", "eu-private"], ["eu-private"]],
  [
    ["--zone", "a", "--zone=b", "--zone", "a"],
    ["a", "b"],
  ],
])("a worker serves the zones of its command line: %j", (argv, zones) => {
  expect(readZones(argv)).toEqual(zones);
});

test.each([
  [["eu-private"], "Unexpected argument eu-private."],
  [["--zones", "eu-private"], "Unknown option --zones."],
  [["--zone"], "Give a value for --zone."],
])("%j is a mistake", (argv, problem) => {
  expect(() => readZones(argv)).toThrow(problem);
});

test("the configuration gives a cluster its zone, and refuses a name that no queue can have", () => {
  const withZone = (zone: string) =>
    readConfig(configText.replace(/^( +)channel:/m, (line, space: string) => `${space}zone: ${zone}\n${line}`));
  const reading = withZone("eu-private");

  expect(reading.type === "config" && [...reading.config.clusters.values()][0]?.zone).toBe("eu-private");
  expect(withZone("EU:private")).toMatchObject({ type: "invalid" });
});

test("doctor says which zone has no worker, and what to start", () => {
  const clusters = new Map([
    ["public", aCluster()],
    ["private", { ...aCluster(), zone: "eu-private" }],
  ]);
  const seen = new Map([[null, at(100)]]);

  expect(examineZones(seen, { clusters }, at(110))).toEqual([
    expect.objectContaining({ result: "yes" }),
    expect.objectContaining({
      result: "no",
      detail: "no worker serves the zone eu-private, so far",
      remedy: "Start eks-access worker --zone eu-private where it reaches them.",
    }),
  ]);
  expect(examineZones(seen, { clusters: new Map([["public", aCluster()]]) }, at(999))).toEqual([]);
  expect(examineZones(seen, { clusters }, at(110), [null, "eu-privat"]).at(-1)).toMatchObject({
    result: "no",
    detail: "no cluster has the zone eu-privat",
  });
});
