import { type Principal, readPrincipal } from "./arn.ts";

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
 * whatever their case, as in a cluster.
 *
 * @param linked null: the person has no link
 */
export function isSamePrincipal(linked: string | null, principal: string): boolean {
  if (linked === null) return false;
  return canonical(linked) === canonical(principal);
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
  /** One IAM user. */
  | { readonly type: "user"; readonly name: string }
  /** Everyone who can assume it. */
  | { readonly type: "role"; readonly name: string }
  /** Everyone who has it in this account: the role is one of IAM Identity Center. */
  | { readonly type: "permission-set"; readonly name: string; readonly account: string };

/** IAM Identity Center gives its roles names of this form. */
const identityCenterRole = /^AWSReservedSSO_(.+)_[0-9a-f]{16}$/;

/** Who gets in where this principal is given access. @param arn of a role or a user, as `readPrincipal` takes it */
export function admittedBy(arn: string): Admitted {
  const [, , , , account = ""] = arn.split(":");
  const name = arn.slice(arn.lastIndexOf("/") + 1);
  if (arn.includes(":user/")) return { type: "user", name };
  const set = identityCenterRole.exec(name)?.[1];
  return set === undefined ? { type: "role", name } : { type: "permission-set", name: set, account };
}

/** The same as a clause: `everyone who can assume Developer`. @param quoted how a name is written */
export function admittedInWords(admitted: Admitted, quoted: (name: string) => string = (name) => name): string {
  const name = quoted(admitted.name);
  if (admitted.type === "user") return `the IAM user ${name}`;
  if (admitted.type === "role") return `everyone who can assume ${name}`;
  return `everyone with the Identity Center permission set ${name} in account ${quoted(admitted.account)}`;
}
