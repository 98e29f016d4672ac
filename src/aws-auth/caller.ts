import { fromAssumedRole, type Principal, readPrincipal } from "./arn.ts";

/** A caller, from the ARN that a person gave. */
export interface Caller {
  /** As the authenticator compares it with the entries, but for the case of its letters. */
  readonly principal: Principal;
  /** What STS would say: the session where one was given, otherwise the ARN itself. */
  readonly callerArn: string;
  /** What was different about the ARN that was given; null: nothing. */
  readonly noticed: string | null;
}

export type CallerReading =
  | { readonly type: "caller"; readonly caller: Caller }
  | { readonly type: "nobody"; readonly message: string };

/** Reads an ARN as people have it at hand: with a role's path, of a session, of IAM Identity Center, with white space. */
export function readCaller(given: string, partition?: string): CallerReading {
  const text = given.trim();
  const reading = readPrincipal(text, partition);
  if (reading.type === "principal") {
    return { type: "caller", caller: { principal: reading.principal, callerArn: text, noticed: null } };
  }
  const meant = reading.suggestion === undefined ? null : readPrincipal(reading.suggestion, partition);
  if (meant?.type !== "principal") return { type: "nobody", message: reading.message };
  const callerArn = reading.code === "arn-assumed-role" ? text : meant.principal.arn;
  return { type: "caller", caller: { principal: meant.principal, callerArn, noticed: noticedAt(reading) } };
}

/** RoleSessionName has 2 to 64 of these characters (API reference of STS AssumeRole). A service's own session may have a path. */
const sessionForm =
  /^arn:[a-z][a-z0-9-]*:sts::[0-9]{12}:assumed-role\/[A-Za-z0-9_+=,.@-]{1,64}\/([A-Za-z0-9_+=,.@-]{2,64})$/;

/** The name of the session that an ARN of STS names, whose letters RBAC compares exactly; null: it names none. */
export function sessionNameIn(arn: string): string | null {
  return sessionForm.exec(arn)?.[1] ?? null;
}

/** The ARN that an entry has for this principal: a session's is that of its role. */
export function entryArnOf(arn: string): string {
  return sessionNameIn(arn) === null ? arn : (fromAssumedRole(arn) ?? arn);
}

/** For whom a lease is: an IAM role or user, or one session of a role, which no entry can name. */
export interface Holder extends Omit<Principal, "kind"> {
  /** As a document must have it; a session's as STS has it. */
  arn: string;
  kind: Principal["kind"] | "session";
  /** The last part; a session's is the name of its role. */
  name: string;
}

type HolderReading =
  | { readonly type: "principal"; readonly principal: Holder }
  | Extract<ReturnType<typeof readPrincipal>, { type: "invalid" }>;

/** Reads for whom a lease can be: a role, a user, or one session of a role as `aws sts get-caller-identity` prints it. */
export function readHolder(text: string, partition?: string): HolderReading {
  const reading = readPrincipal(entryArnOf(text), partition);
  if (reading.type === "invalid" || sessionNameIn(text) === null) return reading;
  return { type: "principal", principal: { ...reading.principal, arn: text, kind: "session" } };
}

/** A rejection speaks of an entry; a question about a caller needs other words. */
function noticedAt({ code, message }: { readonly code: string; readonly message: string }): string {
  if (code === "arn-assumed-role") return "That ARN is a session, so this is about its role.";
  if (code === "arn-path" || code === "arn-sso-path") {
    return "The authenticator does not see a role's path, so this is about the role without it.";
  }
  return message;
}

/**
 * Whether a linked ARN is this principal, one session of the role, or the role with its path. Letters count
 * whatever their case, as in a cluster. Two sessions of a role are two people.
 *
 * @param linked null: the person has no link
 */
export function isSamePrincipal(linked: string | null, principal: string): boolean {
  if (linked === null) return false;
  const [one, other] = [sessionNameIn(linked), sessionNameIn(principal)];
  const areTwo = one !== null && other !== null && one.toLowerCase() !== other.toLowerCase();
  return !areTwo && canonical(linked) === canonical(principal);
}

/**
 * Whether a principal is known to be a person's own: a link to a role speaks for the role, and for none of its sessions.
 *
 * @param linked null: the person has no link
 */
export function isOwnPrincipal(linked: string | null, principal: string): boolean {
  const session = sessionNameIn(principal);
  return isSamePrincipal(linked, principal) && (session === null || sessionNameIn(linked ?? "") === session);
}

function canonical(arn: string): string {
  const reading = readCaller(arn, arn.split(":")[1]);
  return (reading.type === "caller" ? reading.caller.principal.arn : arn).toLowerCase();
}

/** A role's ARN as the authenticator compares it: without its path. A user keeps its own. */
export function withoutRolePath(arn: string): string {
  return arn.replace(/:role\/.*\//, ":role/");
}

/**
 * The ARN of a cluster's entry for a principal; null: there is none. A role's name is unique in its account,
 * whatever its path, so there is no doubt which one is meant (IAM User Guide, "IAM identifiers").
 *
 * @param arns as the entries have them
 * @param principalArn a role without its path
 */
export function entryArnIn(arns: readonly string[], principalArn: string): string | null {
  const wanted = principalArn.toLowerCase();
  return arns.find((arn) => withoutRolePath(arn).toLowerCase() === wanted) ?? null;
}

/** The ARNs of a cluster's entries, by the ARN of the principal in lower case: to look up many of them. */
export function entryArnsByPrincipal(arns: readonly string[]): ReadonlyMap<string, string> {
  return new Map(arns.toReversed().map((arn) => [withoutRolePath(arn).toLowerCase(), arn]));
}

/** Who gets in where a principal is given access: the authenticator and EKS compare the role, not the session. */
type Admitted =
  /** One person: a session of a role, whose name they can't choose. */
  | { readonly type: "session"; readonly name: string; readonly role: string }
  /** One IAM user. */
  | { readonly type: "user"; readonly name: string }
  /** Everyone who can assume it. */
  | { readonly type: "role"; readonly name: string }
  /** Everyone who has it in this account: the role is one of IAM Identity Center. */
  | { readonly type: "permission-set"; readonly name: string; readonly account: string };

/** IAM Identity Center gives its roles names of this form. */
const identityCenterRole = /^AWSReservedSSO_(.+)_[0-9a-f]{16}$/;

/** Who gets in where this principal is given access. @param arn as `readHolder` takes it */
export function admittedBy(arn: string): Admitted {
  const [, , , , account = ""] = arn.split(":");
  const entry = entryArnOf(arn);
  const name = entry.slice(entry.lastIndexOf("/") + 1);
  if (entry.includes(":user/")) return { type: "user", name };
  const set = identityCenterRole.exec(name)?.[1];
  const session = sessionNameIn(arn);
  if (session !== null) return { type: "session", name: session, role: set ?? name };
  return set === undefined ? { type: "role", name } : { type: "permission-set", name: set, account };
}

/** The same as a clause: `everyone who can assume Developer`. @param quoted how a name is written */
export function admittedInWords(admitted: Admitted, quoted: (name: string) => string = (name) => name): string {
  const name = quoted(admitted.name);
  if (admitted.type === "session") return `only ${name} (as ${quoted(admitted.role)})`;
  if (admitted.type === "user") return `the IAM user ${name}`;
  if (admitted.type === "role") return `everyone who can assume ${name}`;
  return `everyone with the Identity Center permission set ${name} in account ${quoted(admitted.account)}`;
}

/** Whether a role is one of IAM Identity Center, in whose sessions a person's name is the directory's. */
export function isIdentityCenterRole(arn: string): boolean {
  const entry = entryArnOf(arn);
  return entry.includes(":role/") && identityCenterRole.test(entry.slice(entry.lastIndexOf("/") + 1));
}
