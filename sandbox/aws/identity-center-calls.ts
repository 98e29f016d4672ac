import { z } from "zod";
import type { SandboxAnswer, SandboxRequest } from "../http-server.ts";
import type { AwsContext } from "./context.ts";
import { type Caller, mayCall } from "./identities.ts";
import type { DirectoryUser, IdentityCenter } from "./identity-center.ts";
import { cloudTrailError, type Refusal, refuse } from "./refusal.ts";
import { readClaim, verifySignature } from "./signature.ts";

/** The services by the prefix of their targets: the name in a call's scope, and in the actions of IAM. */
const services: Readonly<Record<string, string>> = { AWSIdentityStore: "identitystore", SWBExternalService: "sso" };

/** The name of a call for faults and logs, for example `identitystore.GetUserId`; undefined: it is of another service. */
export function identityCenterCall(target: string): string | undefined {
  const [prefix = "", action = ""] = target.split(".");
  return Object.hasOwn(services, prefix) ? `${services[prefix]}.${action}` : undefined;
}

type Answer = { type: "done"; body: object } | (Refusal & { resourceType?: string });
type Handler = (center: IdentityCenter, body: unknown, caller: Caller) => Answer;

/** Answers both APIs as documented: Identity Store API Reference, and IAM Identity Center API Reference. */
export function answerIdentityCenter(
  context: AwsContext,
  center: IdentityCenter,
  call: string,
  request: SandboxRequest,
): SandboxAnswer {
  const [service = "", action = ""] = call.split(".");
  const claim = readClaim(request);
  if ("type" in claim) return cloudTrailError(claim.code, claim.message);
  const caller = verifySignature(request, claim, service, (key) => context.account.caller(key), context.now());
  if ("type" in caller) return cloudTrailError(caller.code, caller.message);
  const handler = Object.hasOwn(handlers, call) ? handlers[call] : undefined;
  if (!handler) return { ...cloudTrailError("UnknownOperationException", ""), by: caller.arn };
  const body: unknown = JSON.parse(request.body.toString("utf8"));
  const answer: Answer =
    refusedBy(center, caller, `${service}:${action}`, claim.region) ?? validated(() => handler(center, body, caller));
  if (answer.type === "refused") {
    return { ...identityCenterError(answer.code, answer.message, answer.resourceType), by: caller.arn };
  }
  const headers = { "content-type": "application/x-amz-json-1.1" };
  return { status: 200, headers, body: JSON.stringify(answer.body), by: caller.arn };
}

/** Errors of both APIs: the code is in the body. `ResourceType` is the identity store's alone: `USER`, `IDENTITY_STORE`. */
export function identityCenterError(code: string, Message: string, ResourceType?: string): SandboxAnswer {
  const answer = cloudTrailError(code, Message);
  const { __type } = JSON.parse(String(answer.body)) as { __type: string };
  return { ...answer, body: JSON.stringify({ __type, Message, ...(ResourceType && { ResourceType }) }) };
}

function refusedBy(center: IdentityCenter, caller: Caller, action: string, region: string): Refusal | undefined {
  if (!mayCall(caller, action, "*")) {
    return refuse("AccessDenied", `User: ${caller.arn} is not authorized to perform: ${action}`);
  }
  // An instance is in one region.
  return region === center.region ? undefined : refuse("ResourceNotFoundException", "Resource not found.");
}

function validated(answer: () => Answer): Answer {
  try {
    return answer();
  } catch (error) {
    if (!(error instanceof z.ZodError)) throw error;
    const [issue] = error.issues;
    return refuse("ValidationException", `Value at '${issue?.path.join(".")}' failed to satisfy constraint`);
  }
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

const handlers: Readonly<Record<string, Handler>> = {
  "identitystore.GetUserId": (center, body) => {
    const { IdentityStoreId, AlternateIdentifier } = getUserId.parse(body);
    const { AttributePath, AttributeValue } = AlternateIdentifier.UniqueAttribute;
    const attributeOf = ({ userName, email }: DirectoryUser) => (AttributePath === "userName" ? userName : email);
    const found = [...center.users.values()].find((user) => attributeOf(user) === AttributeValue);
    if (IdentityStoreId !== center.identityStoreId) return notFound("IDENTITY_STORE");
    if (!found) return notFound("USER");
    return done({ IdentityStoreId, UserId: found.id });
  },
  "identitystore.DescribeUser": (center, body) => {
    const { IdentityStoreId, UserId } = describeUser.parse(body);
    const user = IdentityStoreId === center.identityStoreId ? center.users.get(UserId) : undefined;
    if (!user) return notFound("USER");
    const Emails = [{ Value: user.email, Type: "work", Primary: true }];
    return done({ IdentityStoreId, UserId, UserName: user.userName, Emails, UserStatus: user.status });
  },
  "identitystore.ListGroupMembershipsForMember": (center, body) => {
    const { IdentityStoreId, MemberId, ...where } = listMemberships.parse(body);
    if (IdentityStoreId !== center.identityStoreId || !center.users.has(MemberId.UserId)) return notFound("USER");
    const groups = [...center.groups].filter(([, members]) => members.includes(MemberId.UserId));
    const all = groups.map(([GroupId]) => ({ IdentityStoreId, MembershipId: GroupId, GroupId, MemberId }));
    return pageOf("GroupMemberships", all, where);
  },
  // The reference does not say that a user's list has what their groups are assigned: this one has not.
  "sso.ListAccountAssignmentsForPrincipal": (center, body, { identity }) => {
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
    return pageOf("AccountAssignments", all, where);
  },
  "sso.DescribePermissionSet": (center, body) => {
    const { InstanceArn, PermissionSetArn } = describeSet.parse(body);
    const name = center.permissionSets.get(PermissionSetArn);
    if (name === undefined || InstanceArn !== center.instanceArn) return notFound("PERMISSION_SET");
    return done({ PermissionSet: { Name: name, PermissionSetArn } });
  },
};

function done(body: object): Answer {
  return { type: "done", body };
}

function notFound(resourceType: string): Answer {
  return { ...refuse("ResourceNotFoundException", `${resourceType} not found.`), resourceType };
}

function pageOf(
  member: string,
  all: readonly object[],
  { MaxResults, NextToken }: { MaxResults: number; NextToken: string },
): Answer {
  const start = Number(NextToken);
  const end = start + MaxResults;
  return done({ [member]: all.slice(start, end), ...(end < all.length && { NextToken: String(end) }) });
}
