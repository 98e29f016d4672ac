import { z } from "zod";
import type { DirectoryUser, IdentityCenter } from "./identity-center.ts";
import type { JsonCall, JsonHandlers } from "./json-service.ts";
import { type Answer, done, pageOf, type Refusal, refuse } from "./refusal.ts";

const storeId = z.string().regex(/^d-[0-9a-f]{10}$/);
const directoryId = z.string().regex(/^([0-9a-f]{10}-|)[A-Fa-f0-9]{8}(-[A-Fa-f0-9]{4}){3}-[A-Fa-f0-9]{12}$/);
const instanceArn = z.string().regex(/^arn:aws[a-z-]*:sso:::instance\/(sso)?ins-[a-zA-Z0-9-.]{16}$/);
const permissionSetArn = z
  .string()
  .regex(/^arn:aws[a-z-]*:sso:::permissionSet\/(sso)?ins-[a-zA-Z0-9-.]{16}\/ps-[a-zA-Z0-9-./]{16}$/);
const paged = { MaxResults: z.int().min(1).max(100).default(100), NextToken: z.string().regex(/^\d+$/).default("0") };

const getUserId = z.strictObject({
  IdentityStoreId: storeId,
  AlternateIdentifier: z.strictObject({
    UniqueAttribute: z.strictObject({
      // "The only valid paths are userName and emails.value" (GetUserId).
      AttributePath: z.enum(["userName", "emails.value"]),
      AttributeValue: z.string(),
    }),
  }),
});
const describeUser = z.strictObject({ IdentityStoreId: storeId, UserId: directoryId });
const listMemberships = z.strictObject({
  IdentityStoreId: storeId,
  MemberId: z.strictObject({ UserId: directoryId }),
  ...paged,
});
const listAssignments = z.strictObject({
  InstanceArn: instanceArn,
  PrincipalId: directoryId,
  PrincipalType: z.enum(["USER", "GROUP"]),
  Filter: z.strictObject({ AccountId: z.string().regex(/^\d{12}$/) }).optional(),
  ...paged,
});
const describeSet = z.strictObject({ InstanceArn: instanceArn, PermissionSetArn: permissionSetArn });

/** Answers both APIs as documented: Identity Store API Reference, and IAM Identity Center API Reference. */
export function identityCenterCalls(center: IdentityCenter): JsonHandlers {
  const calls = Object.entries(handlers).map(([name, handler]) => [
    name,
    (call: JsonCall) =>
      // An instance is in one region.
      call.region === center.region
        ? handler(center, call)
        : refuse("ResourceNotFoundException", "Resource not found."),
  ]);
  return Object.fromEntries(calls);
}

const handlers: Readonly<Record<string, (center: IdentityCenter, call: JsonCall) => Answer>> = {
  "identitystore.GetUserId": (center, { body }) => {
    const { IdentityStoreId, AlternateIdentifier } = getUserId.parse(body);
    const { AttributePath, AttributeValue } = AlternateIdentifier.UniqueAttribute;
    const attributeOf = ({ userName, email }: DirectoryUser) => (AttributePath === "userName" ? userName : email);
    const found = [...center.users.values()].find((user) => attributeOf(user) === AttributeValue);
    if (IdentityStoreId !== center.identityStoreId) return notFound("IDENTITY_STORE");
    if (!found) return notFound("USER");
    return done({ IdentityStoreId, UserId: found.id });
  },
  "identitystore.DescribeUser": (center, { body }) => {
    const { IdentityStoreId, UserId } = describeUser.parse(body);
    const user = IdentityStoreId === center.identityStoreId ? center.users.get(UserId) : undefined;
    if (!user) return notFound("USER");
    const Emails = [{ Value: user.email, Type: "work", Primary: true }];
    return done({ IdentityStoreId, UserId, UserName: user.userName, Emails, UserStatus: user.status });
  },
  "identitystore.ListGroupMembershipsForMember": (center, { body }) => {
    const { IdentityStoreId, MemberId, ...where } = listMemberships.parse(body);
    if (IdentityStoreId !== center.identityStoreId || !center.users.has(MemberId.UserId)) return notFound("USER");
    const groups = [...center.groups].filter(([, members]) => members.includes(MemberId.UserId));
    const all = groups.map(([GroupId]) => ({ IdentityStoreId, MembershipId: GroupId, GroupId, MemberId }));
    return listed("GroupMemberships", all, where);
  },
  // The reference does not say whether a user's list has their groups' assignments: here it has not.
  "sso.ListAccountAssignmentsForPrincipal": (center, { body, caller: { identity } }) => {
    const { InstanceArn, PrincipalId, PrincipalType, Filter, ...where } = listAssignments.parse(body);
    if (identity.accountId !== center.managementAccount) return refuse("AccessDenied", "Not the management account");
    if (InstanceArn !== center.instanceArn) return notFound("INSTANCE");
    const all = center.assignments
      .filter((each) => each.principalId === PrincipalId && each.principalType === PrincipalType)
      .filter(({ account }) => Filter === undefined || account === Filter.AccountId)
      .map((each) => ({
        AccountId: each.account,
        PermissionSetArn: each.permissionSetArn,
        PrincipalId,
        PrincipalType,
      }));
    return listed("AccountAssignments", all, where);
  },
  "sso.DescribePermissionSet": (center, { body }) => {
    const { InstanceArn, PermissionSetArn } = describeSet.parse(body);
    const name = center.permissionSets.get(PermissionSetArn);
    if (name === undefined || InstanceArn !== center.instanceArn) return notFound("PERMISSION_SET");
    return done({ PermissionSet: { Name: name, PermissionSetArn } });
  },
};

/** Only the identity store sends `ResourceType`. */
function notFound(ResourceType: string): Refusal {
  return { ...refuse("ResourceNotFoundException", `${ResourceType} not found.`), more: { ResourceType } };
}

function listed(
  member: string,
  all: readonly object[],
  { MaxResults, NextToken }: { MaxResults: number; NextToken: string },
): Answer {
  const { items, nextToken } = pageOf(all, Number(NextToken), MaxResults);
  return done({ [member]: items, NextToken: nextToken });
}
