import { describe, expect, test } from "vitest";
import { readRequest } from "../../../src/access/ask/read-request.ts";
import { splitRequestLine } from "../../../src/access/ask/request-line.ts";
import { aCluster, clustersOf } from "../../builders/a-cluster.ts";
import { engineerArn } from "../../builders/a-request.ts";

const clusters = clustersOf(aCluster());
const people = new Map([["@bob", "U0BOB"]]);
const read = (line: string) =>
  readRequest(splitRequestLine(line.replace("ARN", engineerArn), clusters, people), clusters);

describe("a line for another person", () => {
  test.each([
    ["staging ARN viewer for @bob for 2h fix it", 7200, "fix it"],
    ["staging ARN viewer for 2h for @bob fix it", 7200, "fix it"],
    ["for @bob staging viewer 2h ARN fix it", 7200, "fix it"],
    ["staging ARN viewer for @bob fix it for 2h", 7200, "fix it"],
    ["staging ARN viewer for @bob fix it for the migration", 3600, "fix it for the migration"],
    ["staging ARN viewer for @bob fix it, says @carol", 3600, "fix it, says @carol"],
  ])("%s", (line, durationSeconds, reason) => {
    expect(read(line)).toMatchObject({ type: "requested", requested: { askedFor: "U0BOB", durationSeconds, reason } });
  });

  test.each(["staging ARN viewer for 2h fix it", "staging ARN viewer fix it for 2h"])("is none: %s", (line) => {
    expect(read(line)).toMatchObject({ type: "requested", requested: { askedFor: null, durationSeconds: 7200 } });
  });

  test.each(["fix it for @bob", "fix it for @bob for 2h", "fix it for 2h for @bob"])("asks about %s", (reason) => {
    const reading = read(`staging ARN viewer ${reason}`);

    const duration = reason.includes("2h") ? "for 2h " : "";
    expect(reading).toMatchObject({
      type: "mistakes",
      corrected: `/eks-access request staging ${engineerArn} viewer for @bob ${duration}fix it`,
    });
    expect(reading.type === "mistakes" && reading.mistakes).toEqual([
      { part: "for", message: expect.stringContaining("Does @bob get the access?") },
    ]);
  });

  test("takes no name without a person: several people can have it", () => {
    const reading = read("staging ARN viewer for @carol for 2h fix it");

    expect(reading).toMatchObject({ type: "mistakes", mistakes: [{ part: "for" }] });
    expect(reading.type === "mistakes" && reading.mistakes[0]?.message).toMatch(
      /Slack sent @carol as a name.*\/eks-access request.*should_escape: true/,
    );
  });
});
