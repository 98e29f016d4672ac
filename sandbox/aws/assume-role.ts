import { randomBytes } from "node:crypto";
import { z } from "zod";
import {
  type Caller,
  type Identity,
  identityAllows,
  mayCall,
  type PolicyStatements,
  readPolicyDocument,
  type SessionCredentials,
  sessionAllows,
} from "./identities.ts";
import { refuse } from "./refusal.ts";
import type { SandboxAccount } from "./sandbox-account.ts";

export interface AssumedRole {
  arn: string;
  roleId: string;
  credentials: SessionCredentials;
}

export function assumeRole(account: SandboxAccount, caller: Caller, input: AssumeRoleInput): AssumedRole {
  const role = account.identity(input.roleArn);
  const denied = deniedAction(caller, role, input);
  if (!role || denied) {
    refuse(
      "AccessDenied",
      `User: ${caller.arn} is not authorized to perform: ${denied ?? "sts:AssumeRole"} on resource: ${input.roleArn}`,
      403,
    );
  }
  if (input.seconds > role.maxSessionSeconds) {
    refuse("ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.");
  }
  if (caller.session && input.seconds > 3600) {
    refuse(
      "ValidationError",
      "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.",
    );
  }
  const inherited = inheritedTags(caller);
  // AWS compares keys of tags without case.
  const taken = new Set([...inherited.keys()].map((key) => key.toLowerCase()));
  if ([...input.tags.keys()].some((key) => taken.has(key.toLowerCase()))) {
    refuse(
      "InvalidParameterValue",
      "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from the calling session.",
    );
  }
  const sourceIdentity = input.sourceIdentity ?? caller.session?.sourceIdentity;
  const credentials = account.sessionFor(role.arn, input.sessionName, {
    seconds: input.seconds,
    tags: new Map([...inherited, ...input.tags]),
    ...(input.policy && { policy: input.policy }),
    transitive: new Set([...inherited.keys(), ...input.transitive]),
    ...(sourceIdentity === undefined ? {} : { sourceIdentity }),
  });
  const arn = sessionArn(account, role, input.sessionName);
  return { arn, roleId: `${role.id}:${input.sessionName}`, credentials };
}

/** As GetCallerIdentity names it. */
function sessionArn({ partition }: SandboxAccount, role: Identity, sessionName: string): string {
  return `arn:${partition}:sts::${role.accountId}:assumed-role/${role.name}/${sessionName}`;
}

/** The first action that is not allowed. STS does not say which condition failed, so neither does this. */
function deniedAction(caller: Caller, role: Identity | undefined, input: AssumeRoleInput): string | undefined {
  if (role?.kind !== "role") return "sts:AssumeRole";
  const { trust } = role;
  const carried = caller.session?.sourceIdentity;
  const source = input.sourceIdentity ?? carried;
  if (!trusts(role, caller) || !sessionAllows(caller, "sts:AssumeRole", role.arn)) return "sts:AssumeRole";
  if (trust.externalId !== undefined && trust.externalId !== input.externalId) return "sts:AssumeRole";
  if (trust.requireSourceIdentity && source === undefined) return "sts:AssumeRole";
  // A chained session can't change a source identity (IAM User Guide, "Monitor and control actions taken with assumed roles").
  if (source !== undefined && (trust.allowSourceIdentity === false || source !== (carried ?? source))) {
    return "sts:SetSourceIdentity";
  }
  // In a chain both sides must allow it (the same page).
  if (source !== undefined && caller.session && !mayCall(caller, "sts:SetSourceIdentity", role.arn)) {
    return "sts:SetSourceIdentity";
  }
  const tagged = input.tags.size > 0 || inheritedTags(caller).size > 0;
  if (tagged && (trust.allowTags === false || !sessionAllows(caller, "sts:TagSession", role.arn))) {
    return "sts:TagSession";
  }
  return undefined;
}

/** Transitive tags persist in a chain (IAM User Guide, "Chaining roles with session tags"). */
function inheritedTags({ session }: Caller): ReadonlyMap<string, string> {
  return new Map([...(session?.tags ?? [])].filter(([key]) => session?.transitive.has(key)));
}

/** A policy that names the caller is enough in one account (IAM User Guide, "Cross-account policy evaluation logic"). */
function trusts(role: Identity, caller: Caller): boolean {
  const { arn, accountId } = caller.identity;
  const named = role.trust.principals.some(
    (principal) => principal === arn || principal === caller.arn || principal === "*",
  );
  const account = role.trust.principals.some(
    (principal) => principal === accountId || principal.endsWith(`:iam::${accountId}:root`),
  );
  const ownPolicy = identityAllows(caller.identity, "sts:AssumeRole", role.arn);
  return accountId === role.accountId ? named || (account && ownPolicy) : (named || account) && ownPolicy;
}

/** A service account with the role in its annotation (IRSA). IAM trusts the cluster's identity provider. */
export interface ServiceAccount {
  readonly roleArn: string;
  /** `system:serviceaccount:NAMESPACE:NAME`. */
  readonly subject: string;
}

/** The tokens that the kubelet projects into pods. */
export class WebIdentities {
  readonly #tokens = new Map<string, ServiceAccount & { readonly expiresAt: Date }>();

  /** A projected token, in the form of a JWT. The account knows the tokens that it made. */
  project(who: ServiceAccount, expiresAt: Date): string {
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
    const claims = { aud: ["sts.amazonaws.com"], sub: who.subject, exp: Math.floor(expiresAt.getTime() / 1000) };
    const token = `${part({ alg: "RS256" })}.${part(claims)}.${randomBytes(32).toString("base64url")}`;
    this.#tokens.set(token, { ...who, expiresAt });
    return token;
  }

  find(token: string): (ServiceAccount & { readonly expiresAt: Date }) | undefined {
    return this.#tokens.get(token);
  }
}

/** Answers AssumeRoleWithWebIdentity, which has no signature: the token identifies the caller (STS API reference). */
export function assumeWithWebIdentity(
  account: SandboxAccount,
  identities: WebIdentities,
  params: URLSearchParams,
  now: Date,
): AssumedRole & { subject: string } {
  const roleArn = params.get("RoleArn") ?? "";
  const found = identities.find(params.get("WebIdentityToken") ?? "");
  if (!found) refuse("InvalidIdentityToken", "No OpenIDConnect provider found in your account for this token");
  if (found.expiresAt <= now) refuse("ExpiredTokenException", "Token expired");
  const role = account.identity(roleArn);
  if (!role || found.roleArn !== roleArn) {
    refuse("AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity", 403);
  }
  const name = params.get("RoleSessionName") ?? "";
  const credentials = account.sessionFor(role.arn, name, { seconds: Number(params.get("DurationSeconds") ?? 3600) });
  return { arn: sessionArn(account, role, name), roleId: `${role.id}:${name}`, credentials, subject: found.subject };
}

export interface AssumeRoleInput {
  roleArn: string;
  sessionName: string;
  externalId: string | undefined;
  sourceIdentity: string | undefined;
  seconds: number;
  tags: ReadonlyMap<string, string>;
  transitive: ReadonlySet<string>;
  /** Undefined: the session has all rights of its role. */
  policy: PolicyStatements | undefined;
  /** How full the packed session policy is, in percent. */
  packedSize: number;
}

/** Each message follows "Member must". */
const text = (min: number, max: number, pattern: RegExp) =>
  z
    .string("not be null")
    .min(min, `have length greater than or equal to ${min}`)
    .max(max, `have length less than or equal to ${max}`)
    .regex(
      new RegExp(`^(?:${pattern.source})$`, pattern.flags),
      `satisfy regular expression pattern: ${pattern.source}`,
    );

const name = /[\w+=,.@-]*/;
const tag = /[\p{L}\p{Z}\p{N}_.:/=+\-@]*/u;

const seconds = z
  .string()
  .refine((value) => Number(value) >= 900, "have value greater than or equal to 900")
  .refine((value) => !(Number(value) > 43_200), "have value less than or equal to 43200");

const form = z.object({
  roleArn: text(20, 2048, /[\u0020-\uFFFD]+/),
  roleSessionName: text(2, 64, name),
  externalId: text(2, 1224, /[\w+=,.@:/-]*/).optional(),
  sourceIdentity: text(2, 64, name).optional(),
  durationSeconds: seconds.default("3600"),
  tags: z.array(z.object({ key: text(1, 128, tag), value: text(0, 256, tag) })),
});

/** STS packs session policies and tags into a binary form, with room for at least 2,048 characters of text. */
const packedCharacters = 2048;

/** Every problem in one answer, as STS does. */
export function readAssumeRole(params: URLSearchParams): AssumeRoleInput {
  const own = Object.keys(form.shape).map((field) => [
    field,
    params.get(`${field[0]?.toUpperCase()}${field.slice(1)}`),
  ]);
  const given = Object.fromEntries(own.filter(([, value]) => value !== null));
  const read = form.safeParse({ ...given, tags: tagsIn(params) }, { reportInput: true });
  if (!read.success) refuse("ValidationError", inWords(read.error.issues));
  return finish(params, read.data);
}

function inWords(issues: readonly z.core.$ZodIssue[]): string {
  const problems = issues.map(({ path, input, message }) => {
    const [field, index, part] = path.map(String);
    const place = part === undefined ? field : `${field}.${Number(index) + 1}.member.${part}`;
    const value = input === undefined ? "null" : `'${input}'`;
    return `Value ${value} at '${place}' failed to satisfy constraint: Member must ${message}`;
  });
  return `${problems.length} validation error${problems.length > 1 ? "s" : ""} detected: ${problems.join("; ")}`;
}

function finish(params: URLSearchParams, given: z.infer<typeof form>): AssumeRoleInput {
  const { roleArn, sourceIdentity, tags } = given;
  if (!/^arn:[\w-]+:iam::\d{12}:role\/.+$/.test(roleArn)) refuse("ValidationError", `${roleArn} is invalid`);
  if (sourceIdentity?.startsWith("aws:")) refuse("ValidationError", "SourceIdentity must not begin with aws:");
  if (tags.length > 50) {
    const constraint = "Member must have length less than or equal to 50";
    refuse(
      "ValidationError",
      `1 validation error detected: Value at 'tags' failed to satisfy constraint: ${constraint}`,
    );
  }
  if (new Set(tags.map(({ key }) => key.toLowerCase())).size < tags.length) {
    refuse("InvalidParameterValue", "Duplicate tag keys found. Please note that Tag keys are case insensitive.");
  }
  const transitive = new Set(membersOf((at) => params.get(`TransitiveTagKeys.member.${at}`)));
  if ([...transitive].some((each) => !tags.some(({ key }) => key === each))) {
    refuse("InvalidParameterValue", "The specified transitive tag key must be included in the requested tags.");
  }
  const document = params.get("Policy");
  const policy = document === null ? undefined : readPolicyDocument(document);
  if (policy === null) refuse("MalformedPolicyDocument", "Syntax errors in policy.");
  const packed = (document ?? "") + tags.map(({ key, value }) => key + value).join("");
  const packedSize = Math.ceil((packed.length / packedCharacters) * 100);
  if (packedSize > 100) {
    refuse("PackedPolicyTooLarge", `Packed size of session tags consumes ${packedSize}% of allotted space.`);
  }
  return {
    ...{ roleArn, sourceIdentity, externalId: given.externalId, sessionName: given.roleSessionName },
    ...{ seconds: Number(given.durationSeconds), transitive, policy, packedSize },
    tags: new Map(tags.map(({ key, value }) => [key, value])),
  };
}

function tagsIn(params: URLSearchParams): { key: string; value: string }[] {
  const keys = membersOf((at) => params.get(`Tags.member.${at}.Key`));
  return keys.map((key, index) => ({ key, value: params.get(`Tags.member.${index + 1}.Value`) ?? "" }));
}

/** The query protocol numbers the members of a list from 1. */
function membersOf(read: (at: number) => string | null): string[] {
  const members: string[] = [];
  for (let value = read(1); value !== null; value = read(members.length + 1)) members.push(value);
  return members;
}
