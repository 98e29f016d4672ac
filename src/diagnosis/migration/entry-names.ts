import { MASTERS } from "../../aws-auth/index.ts";

/** What EKS takes as the names of an access entry, or why it takes none that mean the same. */
export type NamesReading =
  | {
      readonly type: "names";
      readonly username: string;
      readonly groups: readonly string[];
      readonly isAdmin: boolean;
      /** Groups that the entry does without, each with what stands for it: sentences. */
      readonly instead: readonly string[];
    }
  | NamesRefusal;

export interface NamesRefusal {
  readonly type: "refused";
  readonly code: string;
  /** Both sentences: why, and what to do first. */
  readonly why: string;
  readonly mend: string;
}

/** Names that begin so are EKS's own: CreateAccessEntry refuses them (EKS User Guide, "Create access entries"). */
const reserved = /^(?:system|eks|aws|amazon|iam):/;

/** Whoever signs in is in it by the API server itself. */
const everybody = "system:authenticated";

interface Names {
  readonly username: string;
  readonly groups: readonly string[];
}

/**
 * The username and the groups of an item of aws-auth as an access entry has to say them, so that everybody is called as
 * before. EKS fills in the session's name alone; what is the same for each session of this one principal is written out.
 *
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

/** An IAM user has no session: the authenticator writes nothing in the place of its name. */
function writtenOut(text: string, kind: "role" | "user", account: string): string {
  const filled = text.replaceAll("{{AccountID}}", account);
  return kind === "role" ? filled : filled.replace(/\{\{SessionName(?:Raw)?\}\}/g, "");
}

function refuseUsername(username: string): NamesRefusal | null {
  if (username === "") {
    return refused(
      "username-empty",
      "It has no username, and EKS would make one up that is another.",
      "Write the username into aws-auth first.",
    );
  }
  if (reserved.test(username)) {
    return refused(
      "username-reserved",
      `EKS keeps usernames that begin with ${username.split(":", 1)[0]}: to itself.`,
      "Write another username into aws-auth first, and into each RBAC binding that names this one as a User.",
    );
  }
  const rest = username.replace(/\{\{SessionName(?:Raw)?\}\}/g, "");
  const template = /\{\{[^}]*\}?\}?/.exec(rest)?.[0];
  if (template !== undefined) {
    return refused(
      "template",
      `Access entries fill in {{SessionName}} and {{SessionNameRaw}}, and not ${template}.`,
      "Write a username without it into aws-auth first.",
    );
  }
  const at = username.search(/\{\{SessionName/);
  if (at < 0 || username.slice(0, at).includes(":")) return null;
  return refused(
    "template-session",
    "EKS takes a session name in a username only behind a colon, so that nobody can name himself into somebody else.",
    "Put a prefix that ends in a colon before it in aws-auth first, such as admin:{{SessionName}}.",
  );
}

function refuseTemplatedGroup(group: string): NamesRefusal {
  return refused(
    "template-in-group",
    `The group ${group} holds a template, which access entries do not fill in.`,
    "Write the groups out in aws-auth first, one entry for each role.",
  );
}

function refuseReservedGroup(group: string): NamesRefusal {
  return refused(
    "group-reserved",
    `EKS takes no group ${group} in an access entry: groups that begin with ${group.split(":", 1)[0]}: are kept.`,
    `Bind what ${group} is bound to to a group with a name of your own, and write that one into aws-auth first.`,
  );
}

function insteadOfMasters(others: readonly string[]): string[] {
  const masters = `${MASTERS} is not taken; AmazonEKSClusterAdminPolicy for the whole cluster gives the same rights, by EKS's authorizer.`;
  return [masters, ...others.map((group) => `${group} is not taken; the policy allows whatever it could add.`)];
}

function refused(code: string, why: string, mend: string): NamesRefusal {
  return { type: "refused", code, why, mend };
}
