import {
  DescribeUserCommand,
  GetUserIdCommand,
  ListGroupMembershipsForMemberCommand,
} from "@aws-sdk/client-identitystore";
import { DescribePermissionSetCommand, ListAccountAssignmentsForPrincipalCommand } from "@aws-sdk/client-sso-admin";
import { afterAll, beforeAll, expect, test } from "vitest";
import { anAccount, clientsOf, refusalOf } from "./clients.ts";

// Copies: Identity Store API Reference, GetUserId, DescribeUser, ListGroupMembershipsForMember; IAM Identity Center API
// Reference, ListAccountAssignmentsForPrincipal, DescribePermissionSet; the models in the SDK's types.

const other = "444455556666";
const allow = ["identitystore:*", "sso:*"];
let aws: Awaited<ReturnType<typeof anAccount>>;
let clients: ReturnType<typeof clientsOf>;
let ids: { alice: string; group: string; developer: string; role: string; elsewhere: string };

beforeAll(async () => {
  aws = await anAccount();
  const center = aws.identityCenter;
  const reader = aws.account.addRole({ name: "reader", allow }).arn;
  clients = clientsOf(aws.url, aws.account.sessionFor(reader, "worker"));
  const alice = center.addUser({ userName: "alice@example.com", email: "alice@example.com" });
  const group = center.addGroup("developers", [alice]);
  const developer = center.addPermissionSet("Developer");
  const role = center.assign(developer, aws.account.id, group);
  ids = { alice, group, developer, role, elsewhere: center.assign(developer, other, alice) };
});
afterAll(() => aws.stop());

const IdentityStoreId = "d-1234567890";
const InstanceArn = "arn:aws:sso:::instance/ssoins-1234567890abcdef";
const userId = (AttributePath: string, AttributeValue: string, store = IdentityStoreId, from = clients) =>
  from.identityStore.send(
    new GetUserIdCommand({
      IdentityStoreId: store,
      AlternateIdentifier: { UniqueAttribute: { AttributePath, AttributeValue } },
    }),
  );
const assignments = (input: object, from = clients) =>
  from.ssoAdmin.send(
    new ListAccountAssignmentsForPrincipalCommand({
      InstanceArn,
      PrincipalId: ids.alice,
      PrincipalType: "USER",
      ...input,
    }),
  );

test("a user is found by their address or their name, and described", async () => {
  const described = await clients.identityStore.send(new DescribeUserCommand({ IdentityStoreId, UserId: ids.alice }));

  expect(await userId("emails.value", "alice@example.com")).toMatchObject({ UserId: ids.alice, IdentityStoreId });
  expect(await userId("userName", "alice@example.com")).toMatchObject({ UserId: ids.alice });
  expect(described).toMatchObject({
    UserName: "alice@example.com",
    UserStatus: "ENABLED",
    Emails: [{ Value: "alice@example.com", Primary: true }],
  });
});

test("an absent user, an absent store and another path are refused as documented", async () => {
  await expect(userId("userName", "bob@example.com")).rejects.toMatchObject({
    name: "ResourceNotFoundException",
    ResourceType: "USER",
  });
  await expect(userId("userName", "alice@example.com", "d-0000000000")).rejects.toMatchObject({
    name: "ResourceNotFoundException",
    ResourceType: "IDENTITY_STORE",
  });
  expect(await refusalOf(userId("displayName", "Alice"))).toMatchObject({ name: "ValidationException", status: 400 });
  expect(await refusalOf(userId("userName", "alice@example.com", "my-store"))).toMatchObject({
    name: "ValidationException",
  });
});

test("assignments are those of the user or of the group, in one account, page by page", async () => {
  const member = { IdentityStoreId, MemberId: { UserId: ids.alice } };
  const groups = await clients.identityStore.send(new ListGroupMembershipsForMemberCommand(member));
  const ofUser = await assignments({});
  const ofGroup = await assignments({ PrincipalId: ids.group, PrincipalType: "GROUP", Filter: { AccountId: other } });
  aws.identityCenter.assign(ids.developer, "777788889999", ids.alice);
  const first = await assignments({ MaxResults: 1 });
  const second = await assignments({ MaxResults: 1, NextToken: first.NextToken });

  expect(groups.GroupMemberships?.map(({ GroupId }) => GroupId)).toEqual([ids.group]);
  expect(ofUser.AccountAssignments?.map(({ AccountId }) => AccountId)).toEqual([other]);
  expect(ofGroup.AccountAssignments).toEqual([]);
  expect(first.AccountAssignments).toHaveLength(1);
  expect(second.AccountAssignments?.map(({ AccountId }) => AccountId)).toEqual(["777788889999"]);
  expect(second.NextToken).toBeUndefined();
});

test("an assignment makes the role of the permission set in the account, with another suffix in each", async () => {
  const input = { InstanceArn, PermissionSetArn: ids.developer };
  const { PermissionSet } = await clients.ssoAdmin.send(new DescribePermissionSetCommand(input));

  expect(PermissionSet).toMatchObject({ Name: "Developer", PermissionSetArn: ids.developer });
  const form = /:role\/aws-reserved\/sso\.amazonaws\.com\/eu-central-1\/AWSReservedSSO_Developer_([0-9a-f]{16})$/;
  expect(form.exec(ids.role)?.[1]).not.toBe(form.exec(ids.elsewhere)?.[1]);
  expect(ids.elsewhere).toMatch(form);
});

test("only the management account may ask for assignments, with the right, in the region of the instance", async () => {
  const foreign = aws.account.addRole({ name: "reader", account: other, allow }).arn;
  const powerless = aws.account.addRole({ name: "powerless" }).arn;
  const from = (arn: string, region?: string) => clientsOf(aws.url, aws.account.sessionFor(arn, "worker"), region);
  const reader = `arn:aws:iam::${aws.account.id}:role/reader`;

  expect(await refusalOf(assignments({}, from(foreign)))).toMatchObject({ name: "AccessDeniedException" });
  expect(await refusalOf(assignments({}, from(powerless)))).toMatchObject({ name: "AccessDeniedException" });
  expect(await refusalOf(assignments({}, from(reader, "us-east-1")))).toMatchObject({
    name: "ResourceNotFoundException",
  });
  const inTheWrongInstance = assignments({ InstanceArn: "arn:aws:sso:::instance/ssoins-0000000000000000" });
  expect(await refusalOf(inTheWrongInstance)).toMatchObject({ name: "ResourceNotFoundException" });
});
