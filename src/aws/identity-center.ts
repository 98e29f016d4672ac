import { type DescribeUserCommandOutput, Identitystore } from "@aws-sdk/client-identitystore";
import { SSOAdmin } from "@aws-sdk/client-sso-admin";
import { AccessError } from "../access/access-error.ts";
import { maxPermissionSets, type PersonReading } from "../access/found-identities.ts";
import type { IdentityCenterSettings } from "../access/identities.ts";
import { allOfPages, answerTooLarge, type PageBounds } from "../operations/bounds.ts";
import { answeredList, type CredentialSource, clientSettings } from "./client-settings.ts";
import { awsFailure } from "./explain-aws-error.ts";

/** A user has some groups, and a group some permission sets in one account. */
function bounds(): PageBounds {
  return { pages: 20, items: 1_000, deadline: AbortSignal.timeout(20_000) };
}

/** What AWS allows (API references, "GetUserId", "CreateUser" and "CreatePermissionSet"): roles and sessions have these names. */
const forms = {
  id: /^[\dA-Fa-f-]{1,47}$/,
  userName: /^[\p{L}\p{M}\p{S}\p{N}\p{P}]{1,128}$/u,
  set: /^[\w+=,.@-]{1,32}$/,
};

/** No user has these. */
const [unusedEmail, unusedId] = ["doctor@eks-access.invalid", "00000000-0000-0000-0000-000000000000"];

/**
 * Asks both services of Identity Center for a person who does not exist, which shows a missing right or a wrong setting. False: AWS
 * knows no such instance, or refuses to list an unknown person's sets; the API reference does not say which. @throws AccessError
 */
export async function tryIdentityCenter(
  credentials: CredentialSource,
  center: IdentityCenterSettings,
  account: string,
): Promise<boolean> {
  await findPerson(credentials, center, unusedEmail, account);
  const admin = new SSOAdmin(clientSettings(credentials, center.region));
  const asked = { PrincipalType: "USER", PrincipalId: unusedId } as const;
  const input = { InstanceArn: center.instanceArn, ...asked, Filter: { AccountId: account } };
  return call("sso:ListAccountAssignmentsForPrincipal", center, () =>
    admin.listAccountAssignmentsForPrincipal(input).then(
      () => true,
      (error: unknown) => {
        if (isAbsent(error)) return false;
        throw error;
      },
    ),
  );
}

/** The user with this email address, and their permission sets in an account, also through groups. @throws AccessError */
export function findPerson(
  credentials: CredentialSource,
  center: IdentityCenterSettings,
  email: string,
  account: string,
): Promise<PersonReading> {
  return readPerson(credentials, center, account, {
    find: (asked) => userIdOf(asked, email),
    isOf: ({ Emails = [] }) => Emails.some(({ Value }) => isSame(Value, email)),
  });
}

/** The same for the user with this name, which is the session name of their roles. @throws AccessError */
export function findUser(
  credentials: CredentialSource,
  center: IdentityCenterSettings,
  userName: string,
  account: string,
): Promise<PersonReading> {
  return readPerson(credentials, center, account, {
    find: async (asked) => (await idBy(asked, "userName", userName)) ?? { type: "none", why: "user-not-found" },
    isOf: ({ UserName }) => isSame(UserName, userName),
  });
}

interface Sought {
  readonly find: (asked: Asked) => Promise<string | NoPerson>;
  /** Whether this is the user who was looked for. */
  readonly isOf: (user: DescribeUserCommandOutput) => boolean;
}

async function readPerson(
  credentials: CredentialSource,
  center: IdentityCenterSettings,
  account: string,
  { find, isOf }: Sought,
): Promise<PersonReading> {
  const settings = clientSettings(credentials, center.region);
  const [store, admin] = [new Identitystore(settings), new SSOAdmin(settings)];
  const asked = { store, admin, center };
  const id = await find(asked);
  if (typeof id !== "string") return id;
  const userName = await userNameOf(asked, id, isOf);
  if (typeof userName !== "string") return userName;
  return { type: "person", userName, permissionSets: await permissionSetsOf(asked, id, account) };
}

function isSame(one: string | undefined, other: string): boolean {
  return one?.toLowerCase() === other.toLowerCase();
}

interface Asked {
  readonly store: Identitystore;
  readonly admin: SSOAdmin;
  readonly center: IdentityCenterSettings;
}

type NoPerson = Extract<PersonReading, { readonly type: "none" }>;

/** By address and by user name: if the address is another user's name, one session would stand for two people. */
async function userIdOf(asked: Asked, email: string): Promise<string | NoPerson> {
  const [byEmail, byName] = await Promise.all([idBy(asked, "emails.value", email), idBy(asked, "userName", email)]);
  if (byEmail === null) return { type: "none", why: "user-not-found" };
  return byName === null || byName === byEmail ? byEmail : { type: "none", why: "email-of-two-users" };
}

async function idBy({ store, center }: Asked, path: "emails.value" | "userName", value: string) {
  const AlternateIdentifier = { UniqueAttribute: { AttributePath: path, AttributeValue: value } };
  const input = { IdentityStoreId: center.identityStoreId, AlternateIdentifier };
  const found = await call("identitystore:GetUserId", center, () => orAbsent(store.getUserId(input)));
  return found && expected(found.UserId, forms.id, "identitystore:GetUserId without a user's id");
}

/** The session name of a person in every account. */
async function userNameOf({ store, center }: Asked, id: string, isOf: Sought["isOf"]): Promise<string | NoPerson> {
  const input = { IdentityStoreId: center.identityStoreId, UserId: id };
  const user = await call("identitystore:DescribeUser", center, () => store.describeUser(input));
  if (user.UserStatus === "DISABLED") return { type: "none", why: "user-disabled" };
  const Emails = [...answeredList(user.Emails ?? [], `identitystore:DescribeUser of ${id}`)];
  const userName = user.UserId === id && isOf({ ...user, Emails }) ? user.UserName : undefined;
  return expected(userName, forms.userName, `identitystore:DescribeUser of ${id} with another user`);
}

/** Asks for each group too: the API reference does not say whether a user's list includes them. @returns their names, sorted */
async function permissionSetsOf(asked: Asked, userId: string, account: string): Promise<readonly string[]> {
  const principals = [
    { PrincipalType: "USER" as const, PrincipalId: userId },
    ...(await groupsOf(asked, userId)).map((id) => ({ PrincipalType: "GROUP" as const, PrincipalId: id })),
  ];
  // One after another: the organization shares some twenty calls a second.
  const sets = new Set<string>();
  for (const principal of principals) for (const arn of await assignedTo(asked, principal, account)) sets.add(arn);
  if (sets.size > maxPermissionSets) {
    throw answerTooLarge(`The user ${userId} of Identity Center has over ${maxPermissionSets} permission sets`);
  }
  const names: string[] = [];
  for (const arn of sets) names.push(await nameOfSet(asked, arn));
  return names.toSorted();
}

function groupsOf({ store, center }: Asked, userId: string): Promise<readonly string[]> {
  const action = "identitystore:ListGroupMembershipsForMember";
  return allOfPages(`${action} of ${userId}`, bounds(), async (NextToken) => {
    const input = {
      ...{ IdentityStoreId: center.identityStoreId, MemberId: { UserId: userId } },
      ...(NextToken && { NextToken }),
    };
    const answer = await call(action, center, () => store.listGroupMembershipsForMember(input));
    const groups = answeredList(answer.GroupMemberships, `${action} of ${userId}`);
    return { items: groups.flatMap(({ GroupId }) => GroupId ?? []), next: answer.NextToken };
  });
}

function assignedTo(
  { admin, center }: Asked,
  principal: { readonly PrincipalType: "USER" | "GROUP"; readonly PrincipalId: string },
  account: string,
): Promise<readonly string[]> {
  const action = "sso:ListAccountAssignmentsForPrincipal";
  return allOfPages(`${action} of ${principal.PrincipalId}`, bounds(), async (NextToken) => {
    const input = {
      ...{ InstanceArn: center.instanceArn, ...principal, Filter: { AccountId: account } },
      ...(NextToken && { NextToken }),
    };
    const { AccountAssignments, NextToken: next } = await call(action, center, () =>
      admin.listAccountAssignmentsForPrincipal(input),
    );
    const assigned = answeredList(AccountAssignments, `${action} of ${principal.PrincipalId}`);
    const here = assigned.filter(({ AccountId }) => AccountId === account);
    return { items: here.flatMap(({ PermissionSetArn }) => PermissionSetArn ?? []), next };
  });
}

async function nameOfSet({ admin, center }: Asked, PermissionSetArn: string): Promise<string> {
  const input = { InstanceArn: center.instanceArn, PermissionSetArn };
  const { PermissionSet } = await call("sso:DescribePermissionSet", center, () => admin.describePermissionSet(input));
  return expected(PermissionSet?.Name, forms.set, `sso:DescribePermissionSet of ${PermissionSetArn} without a name`);
}

/** @throws AccessError if AWS answered with something else */
function expected(value: string | undefined, form: RegExp, answered: string): string {
  if (typeof value === "string" && form.test(value)) return value;
  throw new AccessError("aws-unexpected", `AWS answered ${answered}`);
}

/** @throws AccessError with the setting or the right to correct */
async function call<T>(action: string, { roleArn }: IdentityCenterSettings, send: () => Promise<T>): Promise<T> {
  try {
    return await send();
  } catch (error) {
    const failure = awsFailure(error, action);
    if (isAbsent(error)) {
      const remedy = "Correct identityCenter's instanceArn, identityStoreId or region.";
      throw new AccessError("aws-request-refused", failure.what, { cause: failure.cause, remedy });
    }
    if (failure.code !== "aws-access-denied") throw failure;
    const remedy = `Give ${roleArn} the statements of deploy/iam/identity-center-policy.json. It must be the management account's.`;
    throw new AccessError(failure.code, failure.what, { cause: failure.cause, remedy });
  }
}

/** The answer about a user; null: there is none. The identity store can be absent too. @throws any other answer */
function orAbsent<T>(asking: Promise<T>): Promise<T | null> {
  return asking.catch((error: unknown) => {
    if (isAbsent(error) && "ResourceType" in error && error.ResourceType === "USER") return null;
    throw error;
  });
}

function isAbsent(error: unknown): error is Error {
  return error instanceof Error && error.name === "ResourceNotFoundException";
}
