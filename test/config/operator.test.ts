import { expect, test } from "vitest";
import { runsAs } from "../../src/access/policy/creator.ts";
import { readConfig } from "../../src/config/config.ts";
import { configText } from "../builders/a-cluster.ts";

const arn = "arn:aws:iam::111122223333:role/eks-access-operator";
const creator = / {4}creator:\n.*\n/;

/** The configuration with this in the place of the creator's lines, or with these problems. */
function read(written: string, text = configText) {
  const reading = readConfig(text.replace(creator, written && `    ${written}`));
  return reading.type === "invalid" ? reading.problems : reading.config.clusters.get("staging");
}

test("with an operator the creator may stay unnamed, and a run becomes the operator", () => {
  const cluster = read(`operator: { roleArn: "${arn}", externalId: id-1, through: ["${arn}-hub"] }\n`);

  expect(cluster).toMatchObject({ creator: { type: "discover" }, operator: { type: "role", roleArn: arn } });
  if (!cluster || !("operator" in cluster)) throw new Error("it was read");
  expect(runsAs(cluster)).toEqual({
    ...{ type: "role", roleArn: arn, externalId: "id-1" },
    through: [{ roleArn: `${arn}-hub` }],
  });
});

test("defaults give every cluster its own operator", () => {
  const text = `${configText}defaults:\n  operator: { roleArn: "arn:aws:iam::{account}:role/eks-access-operator" }\n`;

  expect(read("", text)).toMatchObject({ operator: { roleArn: arn }, creator: { type: "discover" } });
});

test("without an operator the creator is needed as before", () => {
  expect(read("")).toEqual([expect.stringContaining("clusters.staging.creator: it is missing")]);
});

test.each([
  [
    `operator: { roleArn: "${arn.replace("1111", "9999")}" }\n`,
    "clusters.staging.operator.roleArn: it is in account 999922223333, the cluster in 111122223333. Correct one.",
  ],
  [
    `operator: { roleArn: "${arn.replace("aws", "aws-cn")}" }\n`,
    "clusters.staging.operator.roleArn: it is in partition aws-cn, the cluster in aws. Correct one.",
  ],
  [
    `operator: { roleArn: "${arn}" }\n    creator: { roleArn: "${arn.replace("role/", "role/ci/")}" }\n`,
    "clusters.staging.operator.roleArn: use a role that does nothing else: this is the creator.",
  ],
])("an operator that can't be one is a problem: %s", (written, problem) => {
  expect(read(written)).toEqual([problem]);
});
