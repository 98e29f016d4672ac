import { expect, test } from "vitest";
import { hasWrites, requestIds } from "../../../src/access/audit/event.ts";

const lease = "r-lease";

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
  expect(hasWrites(lease, logOf("sts:AssumeRole", call))).toBe(true);
  expect(hasWrites(lease, logOf("sts:AssumeRole"), logOf(call))).toBe(true);
});

test("assuming a role, reading and dry runs are none", () => {
  const aws = ["sts:AssumeRole", "sts:GetCallerIdentity", "eks:DescribeCluster", "eks:ListAccessEntries"];
  const cluster = ["PUT configmaps (dry run)", "POST configmaps (dry run)", "GET pods", "POST selfsubjectreviews"];

  expect(hasWrites(lease, logOf(...aws, "cloudtrail:LookupEvents"), logOf(...cluster))).toBe(false);
  expect(hasWrites(lease, undefined, logOf())).toBe(false);
});

test("an event of one lease names the run's calls and its own, and no other lease's", () => {
  const log = logOf("PUT configmaps");
  log.add("POST rolebindings", "own", lease);
  log.add("POST rolebindings", "another's", "r-other");
  log.add("DELETE rolebindings", "forged");

  expect(log.byCall(lease)).toEqual({
    "PUT configmaps": ["id"],
    "POST rolebindings": ["own"],
    "DELETE rolebindings": ["forged"],
  });
  expect(log.byCall()["POST rolebindings"]).toEqual(["own", "another's"]);
  expect(hasWrites("r-third", log)).toBe(true);
  expect(hasWrites("r-third", logOf("GET pods"))).toBe(false);
});
