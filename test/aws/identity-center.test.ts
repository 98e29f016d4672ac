import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { jsonError } from "../../sandbox/aws/refusal.ts";
import type { IdentityCenterSettings } from "../../src/access/identities.ts";
import { findPerson, findUser } from "../../src/aws/identity-center.ts";
import { identityCenterSessionPolicy } from "../../src/aws/session-policy.ts";
import { assumeRole } from "../../src/aws/sts.ts";
import { finishedCalls } from "../../src/operations/announcements.ts";
import { account, region, useAccount } from "./aws-account.ts";

const accountUnderTest = useAccount();
const actions = [
  "identitystore:DescribeUser",
  "identitystore:GetUserId",
  "identitystore:ListGroupMembershipsForMember",
  "sso:DescribePermissionSet",
  "sso:ListAccountAssignmentsForPrincipal",
];
let settings: IdentityCenterSettings;

beforeAll(() => {
  const { aws, workerArn } = accountUnderTest();
  const { instanceArn, identityStoreId } = aws.identityCenter;
  const { arn: roleArn } = aws.account.addRole({
    name: "identity-reader",
    allow: actions,
    trust: { principals: [workerArn] },
  });
  settings = { region, instanceArn, identityStoreId, roleArn };
});

function becomeReader() {
  const policy = identityCenterSessionPolicy();
  const { worker } = accountUnderTest();
  return assumeRole(worker, { roleArn: settings.roleArn, region, sessionName: "eks-access", policy });
}

async function find(email: string, change: Partial<IdentityCenterSettings> = {}, of = account) {
  return findPerson(await becomeReader(), { ...settings, ...change }, email, of);
}

test("a person has the permission sets of their own and of their groups, in one account", async () => {
  const { identityCenter: center } = accountUnderTest().aws;
  const alice = center.addUser({ userName: "alice", email: "alice@example.com" });
  const [developer, admin, billing] = ["Developer", "Admin", "Billing"].map((name) => center.addPermissionSet(name));
  center.assign(developer ?? "", account, alice);
  for (const set of [developer, admin]) {
    center.assign(set ?? "", account, center.addGroup(`group of ${set}`, [alice]));
  }
  center.assign(billing ?? "", "444455556666", alice);

  const here = await find("alice@example.com");
  const there = await find("alice@example.com", {}, "444455556666");

  expect(here).toEqual({ type: "person", userName: "alice", permissionSets: ["Admin", "Developer"] });
  expect(there).toEqual({ type: "person", userName: "alice", permissionSets: ["Billing"] });
});

test("each call is announced with its service and its action, for metrics", async () => {
  accountUnderTest().aws.identityCenter.addUser({ userName: "erin", email: "erin@example.com" });
  const calls: string[] = [];
  // The files of a worker share a process: a call that another one has left on its way ends here without an answer.
  const stop = finishedCalls.subscribe(
    ({ service, operation, result }) => result !== "unreachable" && calls.push(`${service} ${operation}`),
  );

  await find("erin@example.com");
  stop();

  expect(calls.filter((call) => !call.startsWith("sts ")).toSorted()).toEqual([
    "identitystore DescribeUser",
    "identitystore GetUserId",
    "identitystore GetUserId",
    "identitystore ListGroupMembershipsForMember",
    "sso ListAccountAssignmentsForPrincipal",
  ]);
});

test("no one is guessed: an unknown address, one of two users, and a disabled user", async () => {
  const { identityCenter: center } = accountUnderTest().aws;
  center.addUser({ userName: "bob.old", email: "bob@example.com" });
  center.addUser({ userName: "bob@example.com", email: "bob.new@example.com" });
  const carol = center.addUser({ userName: "carol", email: "carol@example.com" });
  const user = center.users.get(carol);
  if (user) user.status = "DISABLED";

  expect(await find("nobody@example.com")).toEqual({ type: "none", why: "user-not-found" });
  expect(await find("bob@example.com")).toEqual({ type: "none", why: "email-of-two-users" });
  expect(await find("carol@example.com")).toEqual({ type: "none", why: "user-disabled" });
});

test("a failure says whether it passes, and the setting or the right to correct", async () => {
  const { aws } = accountUnderTest();
  const { status, body = "" } = jsonError("ThrottlingException", "Rate exceeded");
  const fault = aws.faults.plan(
    "identitystore.GetUserId",
    { type: "answer", status, body: String(body) },
    { times: 6 },
  );

  await expect(find("alice@example.com")).rejects.toMatchObject({ code: "aws-throttled", retryable: true });
  fault.cancel();
  await expect(find("alice@example.com", { identityStoreId: "d-0000000000" })).rejects.toMatchObject({
    code: "aws-request-refused",
    remedy: expect.stringContaining("identityCenter"),
  });
  aws.account.setAllowed(settings.roleArn, actions.slice(1));
  await expect(find("alice@example.com")).rejects.toMatchObject({
    code: "aws-access-denied",
    remedy: expect.stringContaining("deploy/iam/identity-center-policy.json"),
  });
  aws.account.setAllowed(settings.roleArn, actions);
});

test("a person is found by the name of their sessions too, which is no address", async () => {
  const { identityCenter: center } = accountUnderTest().aws;
  const frank = center.addUser({ userName: "frank", email: "frank@example.com" });
  center.assign(center.addPermissionSet("Auditor"), account, frank);
  const reader = await becomeReader();

  expect(await findUser(reader, settings, "frank", account)).toEqual({
    ...{ type: "person", userName: "frank" },
    permissionSets: ["Auditor"],
  });
  expect(await findUser(reader, settings, "frank@example.com", account)).toEqual({
    ...{ type: "none", why: "user-not-found" },
  });
});

test.each([
  "identitystore.GetUserId",
  "identitystore.ListGroupMembershipsForMember",
  "sso.ListAccountAssignmentsForPrincipal",
])("an answer of %s without what was asked says nothing about a person", async (point) => {
  const { aws } = accountUnderTest();
  aws.identityCenter.addUser({ userName: "grace", email: "grace@example.com" });
  const headers = { "content-type": "application/x-amz-json-1.1" };
  const fault = aws.faults.plan(point, { type: "answer", status: 200, headers, body: "{}" }, { times: 6 });

  await expect(find("grace@example.com")).rejects.toMatchObject({ code: "aws-unexpected" });
  fault.cancel();
});

describe("a directory that answers with what none has", () => {
  const answers = (call: string, body: object) =>
    accountUnderTest().aws.faults.plan(
      call,
      { type: "answer", status: 200, body: JSON.stringify(body) },
      { times: 100 },
    );

  beforeEach(() => {
    const { aws } = accountUnderTest();
    aws.account.setAllowed(settings.roleArn, actions);
    const { identityCenter: center } = aws;
    const dave = center.addUser({ userName: "dave", email: "dave@example.com" });
    center.assign(center.addPermissionSet("Developer"), account, dave);
  });

  const pages = { NextToken: "more", GroupMemberships: [], AccountAssignments: [] };

  test.each<[what: string, call: string, body: object, code: string]>([
    ["groups without an end", "identitystore.ListGroupMembershipsForMember", pages, "answer-too-large"],
    ["assignments without an end", "sso.ListAccountAssignmentsForPrincipal", pages, "answer-too-large"],
    ["an id of a megabyte", "identitystore.GetUserId", { UserId: "x".repeat(1e6) }, "aws-unexpected"],
    ["an id that is a number", "identitystore.GetUserId", { UserId: 7 }, "aws-unexpected"],
    [
      "groups that are no list",
      "identitystore.ListGroupMembershipsForMember",
      { GroupMemberships: "x" },
      "aws-unexpected",
    ],
    ["a group of null", "identitystore.ListGroupMembershipsForMember", { GroupMemberships: [null] }, "aws-unexpected"],
    [
      "assignments that are no list",
      "sso.ListAccountAssignmentsForPrincipal",
      { AccountAssignments: 7 },
      "aws-unexpected",
    ],
    ["addresses that are no list", "identitystore.DescribeUser", { UserName: "dave", Emails: {} }, "aws-unexpected"],
    ["an address of null", "identitystore.DescribeUser", { UserName: "dave", Emails: [null] }, "aws-unexpected"],
    [
      "another user with this address",
      "identitystore.DescribeUser",
      { UserId: "another", UserName: "mallory", Emails: [{ Value: "dave@example.com" }] },
      "aws-unexpected",
    ],
    [
      "an invisible name of a permission set",
      "sso.DescribePermissionSet",
      { PermissionSet: { Name: "Admin\u202e" } },
      "aws-unexpected",
    ],
    [
      "a name of a permission set of a megabyte",
      "sso.DescribePermissionSet",
      { PermissionSet: { Name: "A".repeat(1e6) } },
      "aws-unexpected",
    ],
    [
      "a user name of a megabyte",
      "identitystore.DescribeUser",
      { UserName: "d".repeat(1e6), Emails: [{ Value: "dave@example.com" }] },
      "aws-unexpected",
    ],
    [
      "a user name with a line break",
      "identitystore.DescribeUser",
      { UserName: "dave\nbob", Emails: [{ Value: "dave@example.com" }] },
      "aws-unexpected",
    ],
  ])("%s gives no one anything", async (_what, call, body, code) => {
    const fault = answers(call, body);

    const failure = await find("dave@example.com").then(
      () => expect.unreachable(),
      (error: unknown) => error,
    );

    fault.cancel();
    expect(failure).toMatchObject({ code });
    expect(String(failure).length).toBeLessThan(1_000);
  });
});

test("a person with more permission sets than an answer can hold is refused, before any is asked for its name", async () => {
  const { aws } = accountUnderTest();
  aws.account.setAllowed(settings.roleArn, actions);
  const { identityCenter: center, faults } = aws;
  const erik = center.addUser({ userName: "erik", email: "erik@example.com" });
  const groups = [0, 1].map((at) => center.addGroup(`group ${at}`, [erik]));
  for (const group of groups) {
    for (let at = 0; at < 501; at += 1)
      center.assign(center.addPermissionSet(`${group.slice(-6)}-${at}`), account, group);
  }
  const named = faults.calls("sso.DescribePermissionSet");

  await expect(find("erik@example.com")).rejects.toMatchObject({ code: "answer-too-large" });
  expect(faults.calls("sso.DescribePermissionSet")).toBe(named);
});
