import { expect, test } from "vitest";
import { hasWrites, requestIds } from "../../../src/access/audit/event.ts";

function logOf(...calls: readonly string[]) {
  const log = requestIds();
  for (const call of calls) log.add(call, "id");
  return log;
}

test.each([
  "PUT configmaps",
  "POST configmaps",
  "eks:CreateAccessEntry",
  "eks:UpdateAccessEntry",
  "eks:DeleteAccessEntry",
  "eks:AssociateAccessPolicy",
  "eks:DisassociateAccessPolicy",
  "eks:TagResource",
  "eks:UntagResource",
  "eks:UpdateClusterConfig",
])("%s is a write", (call) => {
  expect(hasWrites(logOf("sts:AssumeRole", call))).toBe(true);
  expect(hasWrites(logOf("sts:AssumeRole"), logOf(call))).toBe(true);
});

test("assuming a role, reading and dry runs are none", () => {
  const aws = ["sts:AssumeRole", "sts:GetCallerIdentity", "eks:DescribeCluster", "eks:ListAccessEntries"];
  const cluster = ["PUT configmaps (dry run)", "POST configmaps (dry run)", "GET pods", "POST selfsubjectreviews"];

  expect(hasWrites(logOf(...aws, "cloudtrail:LookupEvents"), logOf(...cluster))).toBe(false);
  expect(hasWrites(undefined, logOf())).toBe(false);
});
