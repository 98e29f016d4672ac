import { hash } from "node:crypto";
import { z } from "zod";
import type { JsonCall, JsonHandlers } from "./json-service.ts";
import { pageOf, refuse } from "./refusal.ts";
import type { SandboxAccount } from "./sandbox-account.ts";

/** A user of the directory. Ids have the form of the real ones: `<10 hex digits>-<UUID>`. */
export interface DirectoryUser {
  id: string;
  userName: string;
  email: string;
  status: "ENABLED" | "DISABLED";
}

export interface Assignment {
  account: string;
  permissionSetArn: string;
  principalId: string;
  principalType: "USER" | "GROUP";
}

export class IdentityCenter {
  readonly instanceArn = "arn:aws:sso:::instance/ssoins-1234567890abcdef";
  readonly identityStoreId = "d-1234567890";
  readonly users = new Map<string, DirectoryUser>();
  readonly groups = new Map<string, readonly string[]>();
  readonly permissionSets = new Map<string, string>();
  readonly assignments: Assignment[] = [];
  readonly account: SandboxAccount;
  /** Only the management account may list assignments. */
  readonly managementAccount: string;
  readonly region: string;

  constructor(account: SandboxAccount, region: string) {
    this.account = account;
    this.managementAccount = account.id;
    this.region = region;
  }

  addUser(user: { userName: string; email: string }): string {
    const id = this.#newId(`user ${user.userName}`);
    this.users.set(id, { id, status: "ENABLED", ...user });
    return id;
  }

  addGroup(name: string, members: readonly string[]): string {
    const id = this.#newId(`group ${name}`);
    this.groups.set(id, members);
    return id;
  }

  addPermissionSet(name: string): string {
    const arn = `arn:aws:sso:::permissionSet/${this.instanceArn.split("/")[1]}/ps-${hex(`set ${name}`, 16)}`;
    this.permissionSets.set(arn, name);
    return arn;
  }

  /** With an unpredictable suffix, as Identity Center does. @returns its ARN with its path */
  assign(
    permissionSetArn: string,
    account: string,
    principalId: string,
    suffix = hex(`${account} ${permissionSetArn}`, 16),
  ): string {
    const principalType = this.groups.has(principalId) ? "GROUP" : "USER";
    this.assignments.push({ account, permissionSetArn, principalId, principalType });
    const name = `AWSReservedSSO_${this.permissionSets.get(permissionSetArn)}_${suffix}`;
    const path = `/aws-reserved/sso.amazonaws.com/${this.region}/`;
    const arn = `arn:${this.account.partition}:iam::${account}:role${path}${name}`;
    return this.account.identity(arn)?.arn ?? this.account.addRole({ name, path, account }).arn;
  }

  #newId(what: string): string {
    const digits = hex(what, 32);
    const uuid = [digits.slice(0, 8), ...(digits.slice(8, 20).match(/.{4}/g) ?? []), digits.slice(20)].join("-");
    return `${this.identityStoreId.slice(2)}-${uuid}`;
  }
}

function hex(text: string, length: number): string {
  return hash("sha256", text).slice(0, length);
}

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

const handlers: Readonly<Record<string, (center: IdentityCenter, call: JsonCall) => object>> = {
  "identitystore.GetUserId": (center, { body }) => {
    const { IdentityStoreId, AlternateIdentifier } = getUserId.parse(body);
    const { AttributePath, AttributeValue } = AlternateIdentifier.UniqueAttribute;
    const attributeOf = ({ userName, email }: DirectoryUser) => (AttributePath === "userName" ? userName : email);
    const found = [...center.users.values()].find((user) => attributeOf(user) === AttributeValue);
    if (IdentityStoreId !== center.identityStoreId) notFound("IDENTITY_STORE");
    if (!found) notFound("USER");
    return { IdentityStoreId, UserId: found.id };
  },
  "identitystore.DescribeUser": (center, { body }) => {
    const { IdentityStoreId, UserId } = describeUser.parse(body);
    const user = IdentityStoreId === center.identityStoreId ? center.users.get(UserId) : undefined;
    if (!user) notFound("USER");
    const Emails = [{ Value: user.email, Type: "work", Primary: true }];
    return { IdentityStoreId, UserId, UserName: user.userName, Emails, UserStatus: user.status };
  },
  "identitystore.ListGroupMembershipsForMember": (center, { body }) => {
    const { IdentityStoreId, MemberId, ...where } = listMemberships.parse(body);
    if (IdentityStoreId !== center.identityStoreId || !center.users.has(MemberId.UserId)) notFound("USER");
    const groups = [...center.groups].filter(([, members]) => members.includes(MemberId.UserId));
    const all = groups.map(([GroupId]) => ({ IdentityStoreId, MembershipId: GroupId, GroupId, MemberId }));
    return listed("GroupMemberships", all, where);
  },
  // The reference does not say whether a user's list has their groups' assignments: here it has not.
  "sso.ListAccountAssignmentsForPrincipal": (center, { body, caller: { identity } }) => {
    const { InstanceArn, PrincipalId, PrincipalType, Filter, ...where } = listAssignments.parse(body);
    if (identity.accountId !== center.managementAccount) refuse("AccessDenied", "Not the management account");
    if (InstanceArn !== center.instanceArn) notFound("INSTANCE");
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
    if (name === undefined || InstanceArn !== center.instanceArn) notFound("PERMISSION_SET");
    return { PermissionSet: { Name: name, PermissionSetArn } };
  },
};

/** Only the identity store sends `ResourceType`. */
function notFound(ResourceType: string): never {
  return refuse("ResourceNotFoundException", `${ResourceType} not found.`, 400, { ResourceType });
}

function listed(
  member: string,
  all: readonly object[],
  { MaxResults, NextToken }: { MaxResults: number; NextToken: string },
): object {
  const { items, nextToken } = pageOf(all, Number(NextToken), MaxResults);
  return { [member]: items, NextToken: nextToken };
}
