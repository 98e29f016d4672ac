import { MASTERS } from "../../aws-auth/index.ts";

export type NamesReading =
  | {
      readonly type: "names";
      readonly username: string;
      readonly groups: readonly string[];
      readonly isAdmin: boolean;
      /** Groups that the entry lacks, each with its replacement: sentences. */
      readonly instead: readonly string[];
    }
  | NamesRefusal;

export interface NamesRefusal {
  readonly type: "refused";
  readonly code: string;
  /** Sentences: the reason, and what to do first. */
  readonly why: string;
  readonly remedy: string;
}

/** EKS reserves these beginnings of names: CreateAccessEntry refuses them (EKS User Guide, "Create access entries"). */
const reserved = /^(?:system|eks|aws|amazon|iam):/;

/** Every identity that signs in is in it. */
const everybody = "system:authenticated";

interface Names {
  readonly username: string;
  readonly groups: readonly string[];
}

/**
 * The username and groups of an item of aws-auth, in the form of an access entry with the same result. EKS fills in only the
 * session's name; parts that are equal for each session of this principal are written out.
 * @param account of the principal
 */
export function readNames({ username, groups }: Names, kind: "role" | "user", account: string): NamesReading {
  const fill = (text: string) => writtenOut(text, kind, account);
  const name = fill(username);
  const refusal = refuseUsername(name);
  if (refusal) return refusal;
  const all = [...new Set(groups.map(fill))];
  const isAdmin = all.includes(MASTERS);
  const kept = all.filter((group) => group !== "" && !reserved.test(group));
  const others = all.filter((group) => reserved.test(group) && group !== MASTERS && group !== everybody);
  const templated = kept.find((group) => group.includes("{{"));
  if (templated) return refuseTemplatedGroup(templated);
  const [first] = others;
  if (first !== undefined && !isAdmin) return refuseReservedGroup(first);
  return { type: "names", username: name, groups: kept, isAdmin, instead: isAdmin ? insteadOfMasters(others) : [] };
}

/** An IAM user has no session: the authenticator writes nothing for its name. */
function writtenOut(text: string, kind: "role" | "user", account: string): string {
  const filled = text.replaceAll("{{AccountID}}", account);
  return kind === "role" ? filled : filled.replace(/\{\{SessionName(?:Raw)?\}\}/g, "");
}

function refuseUsername(username: string): NamesRefusal | null {
  if (username === "") {
    return refused(
      "username-empty",
      "It has no username, and EKS would choose another one.",
      "Add the username to aws-auth first.",
    );
  }
  if (reserved.test(username)) {
    return refused(
      "username-reserved",
      `EKS reserves usernames that begin with ${username.split(":", 1)[0]}:.`,
      "Use another username in aws-auth first, and in each RBAC binding of this User.",
    );
  }
  const rest = username.replace(/\{\{SessionName(?:Raw)?\}\}/g, "");
  const template = /\{\{[^}]*\}?\}?/.exec(rest)?.[0];
  if (template !== undefined) {
    return refused(
      "template",
      `Access entries support {{SessionName}} and {{SessionNameRaw}}, not ${template}.`,
      "Use a username without it in aws-auth first.",
    );
  }
  const at = username.search(/\{\{SessionName/);
  if (at < 0 || username.slice(0, at).includes(":")) return null;
  return refused(
    "template-session",
    "EKS accepts a session name in a username only after a colon, so that no session can copy another user's name.",
    "Add a prefix with a colon in aws-auth first, such as admin:{{SessionName}}.",
  );
}

function refuseTemplatedGroup(group: string): NamesRefusal {
  return refused(
    "template-in-group",
    `The group ${group} has a template, which access entries do not support.`,
    "Write the groups out in aws-auth first, one entry for each role.",
  );
}

function refuseReservedGroup(group: string): NamesRefusal {
  return refused(
    "group-reserved",
    `EKS refuses the group ${group} in an access entry: it reserves groups that begin with ${group.split(":", 1)[0]}:.`,
    `Give the bindings of ${group} to a group of your own, and use that group in aws-auth first.`,
  );
}

function insteadOfMasters(others: readonly string[]): string[] {
  const masters = `AmazonEKSClusterAdminPolicy for the whole cluster replaces ${MASTERS} and gives the same rights.`;
  return [masters, ...others.map((group) => `${group} goes: the policy already allows everything.`)];
}

function refused(code: string, why: string, remedy: string): NamesRefusal {
  return { type: "refused", code, why, remedy };
}
