import { expect, test } from "vitest";
import { calledFor, hasWrites, principalOfCalls, requestIds } from "../../src/operations/announcements.ts";

const role = "arn:aws:iam::111122223333:role/Developer";
const lease = calledFor({ id: "r-lease", principal: "arn:aws:sts::111122223333:assumed-role/Developer/alice" });
const third = calledFor({ id: "r-third", principal: `${role}Three` });

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
  log.add("POST rolebindings", "own", "r-lease");
  log.add("POST rolebindings", "another's", "r-other");
  log.add("DELETE rolebindings", "forged");

  expect(log.byCall(lease)).toEqual({
    "PUT configmaps": ["id"],
    "POST rolebindings": ["own"],
    "DELETE rolebindings": ["forged"],
  });
  expect(log.byCall()["POST rolebindings"]).toEqual(["own", "another's"]);
  expect(hasWrites(third, log)).toBe(true);
  expect(hasWrites(third, logOf("GET pods"))).toBe(false);
});

test("an event of one lease names the calls about its person's access entry, and those about no other", () => {
  const log = requestIds();
  log.add("eks:TagResource", "the cluster's");
  log.add("eks:CreateAccessEntry", "own", principalOfCalls(role.replace("role/", "role/people/")));
  log.add("eks:CreateAccessEntry", "another's", principalOfCalls(`${role}Two`));

  expect(log.byCall(lease)).toEqual({ "eks:TagResource": ["the cluster's"], "eks:CreateAccessEntry": ["own"] });
});
