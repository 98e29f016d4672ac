import { type Principal, readPrincipal } from "./arn.ts";

export interface Caller {
  /** The form that the authenticator compares with entries; case does not count. */
  readonly principal: Principal;
  /** The form that STS reports: the session if one was typed, otherwise the ARN itself. */
  readonly callerArn: string;
  /** How the typed ARN differs; null: it does not. */
  readonly noticed: string | null;
}

export type CallerReading =
  | { readonly type: "caller"; readonly caller: Caller }
  | { readonly type: "none"; readonly message: string };

/** Reads an ARN in any form: with a role's path, of a session, of IAM Identity Center, with white space. */
export function readCaller(given: string, partition?: string): CallerReading {
  const text = given.trim();
  const reading = readPrincipal(text, partition);
  if (reading.type === "principal") {
    return { type: "caller", caller: { principal: reading.principal, callerArn: text, noticed: null } };
  }
  const meant = reading.suggestion === undefined ? null : readPrincipal(reading.suggestion, partition);
  if (meant?.type !== "principal") return { type: "none", message: reading.message };
  const callerArn = reading.code === "arn-assumed-role" ? text : meant.principal.arn;
  return {
    type: "caller",
    caller: { principal: meant.principal, callerArn, noticed: "This is about the role itself." },
  };
}

/** RoleSessionName has 2 to 64 of these (API reference of STS AssumeRole). A service's own session may have a path. */
const sessionForm =
  /^arn:([a-z][a-z0-9-]*):sts::([0-9]{12}):assumed-role\/([A-Za-z0-9_+=,.@-]{1,64})\/([A-Za-z0-9_+=,.@-]{2,64})$/;

/** The session's name in an STS ARN; null: the ARN is of no session. RBAC compares its letters exactly. */
export function sessionNameIn(arn: string): string | null {
  return sessionForm.exec(arn)?.[4] ?? null;
}

/** The ARN that an entry has for this principal: for a session the ARN of its role. */
export function entryArnOf(arn: string): string {
  // A run asks some ten times for each lease.
  const [, partition, account, role] = sessionForm.exec(arn) ?? [];
  return role === undefined ? arn : `arn:${partition}:iam::${account}:role/${role}`;
}

/** The principal of a lease: an IAM role or user, or one session of a role, which no entry can name. */
export interface Holder extends Omit<Principal, "kind"> {
  /** The form that a document needs; a session's is that of STS. */
  arn: string;
  kind: Principal["kind"] | "session";
  /** The last part; for a session the role's name. */
  name: string;
}

type HolderReading =
  | { readonly type: "principal"; readonly principal: Holder }
  | Extract<ReturnType<typeof readPrincipal>, { type: "invalid" }>;

/** Reads the principal of a lease: a role, a user, or one session of a role as `aws sts get-caller-identity` prints it. */
export function readHolder(text: string, partition?: string): HolderReading {
  const reading = readPrincipal(entryArnOf(text), partition);
  if (reading.type === "invalid" || sessionNameIn(text) === null) return reading;
  return { type: "principal", principal: { ...reading.principal, arn: text, kind: "session" } };
}

/** Also one session of the role, the role with its path, or the same person in Identity Center. Two sessions are two people. @param linked null: no link */
export function isSamePrincipal(linked: string | null, principal: string): boolean {
  if (linked === null) return false;
  const [one, other] = [sessionNameIn(linked), sessionNameIn(principal)];
  const areTwo = one !== null && other !== null && one.toLowerCase() !== other.toLowerCase();
  return !areTwo && (canonical(linked) === canonical(principal) || isSameInCenter(linked, principal));
}

/** In an account a user has one session name with all permission sets, and a set whose role is made again keeps its people. */
function isSameInCenter(linked: string, principal: string): boolean {
  const [one, other] = [admittedBy(entryArnOf(linked)), admittedBy(entryArnOf(principal))];
  if (one.type !== "permission-set" || other.type !== "permission-set" || one.account !== other.account) return false;
  return one.name === other.name || [linked, principal].every((arn) => sessionNameIn(arn) !== null);
}

/** Whether the link proves that it is the person's own: a link to a role covers no session. @param linked null: no link */
export function isOwnPrincipal(linked: string | null, principal: string): boolean {
  const session = sessionNameIn(principal);
  const isOfIt = linked !== null && canonical(linked) === canonical(principal);
  return isOfIt && (session === null || sessionNameIn(linked) === session);
}

function canonical(arn: string): string {
  const reading = readCaller(arn, arn.split(":")[1]);
  return (reading.type === "caller" ? reading.caller.principal.arn : arn).toLowerCase();
}

/** A role's ARN as the authenticator compares it: without its path. A user keeps its own. */
export function withoutRolePath(arn: string): string {
  return arn.replace(/:role\/.*\//, ":role/");
}

/** The ARNs of a cluster's entries by their principal's ARN in lower case. A role's name is unique in its account whatever its path (IAM User Guide). */
export function entryArnsByPrincipal(arns: readonly string[]): ReadonlyMap<string, string> {
  return new Map(arns.toReversed().map((arn) => [withoutRolePath(arn).toLowerCase(), arn]));
}

/** Who gets in by a lease for a principal: the authenticator and EKS compare the role, not the session. */
type Admitted =
  /** One person: a session of a role with a fixed name. */
  | { readonly type: "session"; readonly name: string; readonly role: string }
  | { readonly type: "user"; readonly name: string }
  /** Everyone who can assume it. */
  | { readonly type: "role"; readonly name: string }
  /** Everyone with this permission set in this account: the role is one of IAM Identity Center. */
  | { readonly type: "permission-set"; readonly name: string; readonly account: string };

const identityCenterRole = /^AWSReservedSSO_(.+)_[0-9a-f]{16}$/;

/** Who gets in by a lease for this principal. @param arn as `readHolder` accepts it */
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

/** A person's identity as menus and questions name it: `Developer (alice@example.com)`. @param quoted formats a name */
export function identityInWords(arn: string, quoted: (name: string) => string = (name) => name): string {
  const admitted = admittedBy(arn);
  return admitted.type === "session" ? `${quoted(admitted.role)} (${admitted.name})` : quoted(admitted.name);
}

/** The role, the permission set or the user. */
export function roleOrUserIn(arn: string): string {
  const admitted = admittedBy(arn);
  return admitted.type === "session" ? admitted.role : admitted.name;
}

/** The same as a clause: `everyone who can assume Developer`. @param quoted formats a name */
export function admittedInWords(admitted: Admitted, quoted: (name: string) => string = (name) => name): string {
  const name = quoted(admitted.name);
  if (admitted.type === "session") return `only ${name} (as ${quoted(admitted.role)})`;
  if (admitted.type === "user") return `the IAM user ${name}`;
  if (admitted.type === "role") return `everyone who can assume ${name}`;
  return `everyone with the permission set ${name} in account ${quoted(admitted.account)}`;
}

/** Whether a role is one of IAM Identity Center: the directory sets its sessions' names. */
export function isIdentityCenterRole(arn: string): boolean {
  const entry = entryArnOf(arn);
  return entry.includes(":role/") && identityCenterRole.test(entry.slice(entry.lastIndexOf("/") + 1));
}

/** `map`: the entry then has exactly this, and is added if it is absent. `unmap`: there is no entry then, or none of ours. */
export type Change = (
  | { type: "map"; arn: string; username: string; groups: readonly string[] }
  | { type: "unmap"; arn: string }
) & {
  readonly ours?: OursOfAll;
  /** The entry that counts has a part of ours afterwards: what its list replaced comes back with the end of the last one. */
  readonly isPartly?: boolean;
};

/**
 * Our part of all entries of an ARN: people can make another one beside ours, and only one of them counts. Entries with a username that begins so
 * (empty: all) lose these groups, or with null go. A change with it leaves all else of the entries that do not count.
 */
export interface OursOfAll {
  readonly usernames: string;
  readonly groups: readonly string[] | null;
  /** Our groups in others' entry after our last write. A copy of it loses all of them: after the next write it would look like others'. */
  readonly added?: readonly string[];
  /** The groups beside them there: while the entry that counts has both, an entry with other groups has nothing of ours. */
  readonly beside?: readonly string[] | undefined;
  /** How many entries with exactly those are others': the first ones. */
  readonly hidden?: number;
}

/** Why a change is not made. */
export interface Refusal {
  code: string;
  message: string;
  arn?: string;
}
