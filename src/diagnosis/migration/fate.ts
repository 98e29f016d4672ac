import type { Entry } from "../../aws-auth/index.ts";
import { isAccountId, isCreator, isNode, isWildcard, readPrincipal, rivalsOf } from "../../aws-auth/index.ts";
import { readNames } from "./entry-names.ts";
import {
  isAsWanted,
  lostByNodes,
  type ManagedNodes,
  type MigrationFacts,
  type NodeType,
  nodeTypeOf,
  principalKey,
  type StandingEntry,
  type WantedEntry,
} from "./facts.ts";

/** What becomes of one item of aws-auth. The sentences are for people. */
export type Fate =
  /** It gets an access entry, and then goes out of aws-auth. `isDone`: the entry stands already, made by us. */
  | {
      readonly type: "moves";
      readonly wanted: WantedEntry;
      readonly isDone: boolean;
      readonly instead: readonly string[];
      readonly notes: readonly string[];
    }
  /** Somebody made an access entry for it, which counts in its place already: it only goes out of aws-auth. */
  | { readonly type: "stands"; readonly note: string }
  /** EKS makes the access entry itself, or an operator does: how nodes sign in is no matter of ours. */
  | { readonly type: "nodes"; readonly nodeType: NodeType; readonly isThere: boolean; readonly note: string }
  | { readonly type: "creator"; readonly note: string }
  /** A lease of ours ends where it was given, and the item can move after that. */
  | { readonly type: "waits"; readonly until: string; readonly note: string }
  | { readonly type: "stays"; readonly code: string; readonly why: string; readonly mend: string }
  /** Nobody signs in by it today, and so nobody will by an access entry. */
  | { readonly type: "dead"; readonly why: string };

/** An item of aws-auth with what becomes of it. */
export interface FateOfItem {
  readonly item: Entry;
  readonly fate: Fate;
}

/** What becomes of each item of the document, in its order. */
export function fatesOf(facts: MigrationFacts): FateOfItem[] {
  const standing = new Map(facts.standing.map((entry) => [principalKey(entry.principalArn), entry]));
  return facts.document.entries.map((item) => ({ item, fate: fateOf(item, facts, standing) }));
}

function fateOf(item: Entry, facts: MigrationFacts, standing: ReadonlyMap<string, StandingEntry>): Fate {
  if (item.section === "mapAccounts") return fateOfAccount(item);
  if (isWildcard(item)) return stays("arn-wildcard", wildcardNote, "Name its roles one by one, or remove it.");
  if (!item.reachable) return { type: "dead", why: whyDead(item, facts) };
  if (rivalsOf(item, facts.document.lookup).length > 1) {
    return stays(
      "entry-ambiguous",
      `Several items match ${item.arn}, and chance says which counts.`,
      "Remove all but one of them first.",
    );
  }
  if (isCreator(item.arn, facts)) return { type: "creator", note: creatorNote };
  const there = standing.get(principalKey(item.arn));
  if (isNode(item)) return fateOfNodes(item, there, facts);
  const shares = facts.holdings.get(item.arn.toLowerCase())?.shares ?? [];
  const until = shares
    .map(({ endsAt }) => endsAt)
    .sort()
    .at(-1);
  if (until !== undefined) return { type: "waits", until, note: waitNote(shares.map(({ id }) => id)) };
  if (there?.isLeased) return { type: "waits", until: "the access in its access entry ends", note: leasedNote };
  return migration(item, facts, there);
}

function migration(item: Entry, facts: MigrationFacts, there: StandingEntry | undefined): Fate {
  if (there && !there.migrated) return { type: "stands", note: standingNote(there) };
  const whole = readWholeArn(item.arn, facts);
  if (whole.type === "refused") return stays(whole.code, whole.why, whole.mend);
  const { arn: principalArn, kind, account } = whole;
  const names = readNames(item, kind, account);
  if (names.type === "refused") return stays(names.code, names.why, names.mend);
  const { username, groups, isAdmin, instead } = names;
  const wanted = { principalArn: there?.principalArn ?? principalArn, username, groups, isAdmin };
  const isDone = there?.migrated === "whole" && isAsWanted(there, wanted);
  // It was whole once: whoever changed it since has the last word, as with any entry of somebody else's.
  if (there?.migrated === "whole" && !isDone) return { type: "stands", note: standingNote(there) };
  return { type: "moves", wanted, isDone, instead, notes: there ? [] : whole.notes };
}

function fateOfAccount({ arn }: Entry): Fate {
  if (!isAccountId(arn)) return { type: "dead", why: `${JSON.stringify(arn)} is not an AWS account.` };
  return stays(
    "whole-account",
    `It lets in every role and user of account ${arn}; an access entry is for one of them.`,
    "Map those that need it one by one, and remove the account.",
  );
}

function fateOfNodes(item: Entry, there: StandingEntry | undefined, { managedNodes }: MigrationFacts): Fate {
  const owners = managedNodes?.filter(({ roleArn }) => principalKey(roleArn) === principalKey(item.arn)) ?? [];
  const nodeType = owners[0]?.type ?? nodeTypeOf(item);
  const lost = lostByNodes(item);
  const warning =
    lost.length === 0
      ? ""
      : ` Its groups ${lost.join(", ")} are not part of such an entry and are lost as soon as it stands: bind what they may do to something else before the mode is switched.`;
  if (there && there.type !== "STANDARD") {
    const note = `Its access entry of type ${there.type} stands.${ownersText(owners)}${warning}`;
    return { type: "nodes", nodeType, isThere: true, note };
  }
  const command = `aws eks create-access-entry --type ${nodeType} --principal-arn ${owners[0]?.roleArn ?? `${item.arn} (with the role's path)`}`;
  const note = `${whoseNodes(owners, managedNodes, nodeType, command)}${warning}`;
  return { type: "nodes", nodeType, isThere: false, note };
}

function ownersText(owners: readonly ManagedNodes[]): string {
  return owners.length > 0 ? ` It is the role of ${owners.map(({ name }) => name).join(" and ")}.` : "";
}

/** EKS is asked whose nodes these are; where it may not be asked, the item alone does not tell. */
function whoseNodes(
  owners: readonly ManagedNodes[],
  managedNodes: MigrationFacts["managedNodes"],
  nodeType: NodeType,
  command: string,
): string {
  if (owners.length > 0) {
    return `It is the role of ${owners.map(({ name }) => name).join(" and ")}: EKS makes an entry of type ${nodeType} for it itself. Where none stands when the mode is switched: ${command}.`;
  }
  if (managedNodes) {
    return `No managed node group and no Fargate profile has this role: its nodes are your own, or gone. For them: ${command}.`;
  }
  return `EKS makes an entry of type ${nodeType} itself for managed node groups and Fargate profiles; whether this is one could not be asked (deploy/iam/migration-policy.json). For nodes that you manage yourself: ${command}.`;
}

const creatorNote =
  "It created the cluster: EKS makes its access entry itself, with AmazonEKSClusterAdminPolicy, when the mode is switched.";

const leasedNote =
  "eks-access has given access by its access entry, which may go with it: until then aws-auth is what it falls back to. Plan again after that.";

function waitNote(ids: readonly string[]): string {
  return `Access that was given by eks-access is part of it (${ids.join(", ")}). It ends where it was given; plan again after that.`;
}

function standingNote({ username, groups, policies, type }: StandingEntry): string {
  const given = [...groups, ...policies.map(({ name }) => name)];
  const who = type === "STANDARD" ? username : `a node of type ${type}`;
  return `An access entry of somebody else's counts in its place: ${who}${given.length > 0 ? `, ${given.join(", ")}` : ", no groups"}.`;
}

/** What `check` tells of the item first; it may stand some lines below its beginning. */
const wildcardNote =
  "The newest releases of the authenticator let in whoever fits its wildcard, and an access entry names one principal.";

function whyDead(item: Entry, { document }: MigrationFacts): string {
  const ofSection = document.problems.filter(
    ({ section, severity }) => section === item.section && severity !== "notice",
  );
  const next = document.entries.find(({ section, index }) => section === item.section && index > item.index);
  const about = ofSection.find((place) => !isBefore(place, item) && (!next || isBefore(place, next)));
  return about ? `${about.message} ${about.remedy}` : "No caller can match it.";
}

type Place = { readonly line: number | null; readonly column: number | null };

function isBefore(some: Place, other: Place): boolean {
  const lines = (some.line ?? 0) - (other.line ?? 0);
  return lines < 0 || (lines === 0 && (some.column ?? 0) < (other.column ?? 0));
}

function stays(code: string, why: string, mend: string): Fate {
  return { type: "stays", code, why, mend };
}

/** The ARN that an access entry is for: a role's with its path. */
type WholeArnReading =
  | {
      readonly type: "arn";
      readonly arn: string;
      readonly kind: "role" | "user";
      readonly account: string;
      /** What is not certain about it: sentences. */
      readonly notes: readonly string[];
    }
  | { readonly type: "refused"; readonly code: string; readonly why: string; readonly mend: string };

/**
 * aws-auth has roles without their paths, and an access entry needs them. Nobody is asked for a path: IAM has each role's
 * name once in an account, and EKS takes the ARN of no role that there is not. So an ARN without a path that is missing
 * is refused by EKS, and never stands for somebody else.
 */
function readWholeArn(arn: string, { told, partition }: Pick<MigrationFacts, "told" | "partition">): WholeArnReading {
  const given = told.find((each) => principalKey(each) === principalKey(arn));
  const reading = readPrincipal(given?.replace(/:role\/.*\//, ":role/") ?? arn, partition);
  if (reading.type === "invalid") return refuseKind(arn, reading.code);
  const { kind, account, name, partition: of } = reading.principal;
  if (of !== partition) {
    const why = `It is of the partition ${of}, and the cluster of ${partition}: nobody can sign in across partitions.`;
    return { type: "refused", code: "foreign-partition", why, mend: "Remove it." };
  }
  if (kind === "role" && name.startsWith("AWSServiceRoleFor")) {
    const why = "It is a service-linked role, and EKS takes none in an access entry.";
    return { type: "refused", code: "service-linked-role", why, mend: "Let the service use a role of your own." };
  }
  if (given === undefined && kind === "role" && name.startsWith("AWSReservedSSO_")) {
    const whole = `arn:${of}:iam::${account}:role/aws-reserved/sso.amazonaws.com/…/${name}`;
    const why = "A role of IAM Identity Center always has a path, which aws-auth does not know.";
    const mend = `Tell its whole ARN, as IAM shows it, with --arn ${whole}.`;
    return { type: "refused", code: "path-unknown", why, mend };
  }
  const notes =
    kind === "role" && given === undefined
      ? ["If the role has a path, EKS refuses this ARN and nothing changes: tell the whole one with --arn."]
      : [];
  return { type: "arn", arn: given ?? reading.principal.arn, kind, account, notes };
}

function refuseKind(arn: string, code: string): WholeArnReading {
  if (code === "arn-root" || code === "arn-service") {
    const why = "An access entry is for an IAM role or an IAM user, and this is neither.";
    return { type: "refused", code, why, mend: "Map a role instead." };
  }
  const why = `${arn} is not written as IAM writes it, and EKS takes no other spelling.`;
  return { type: "refused", code, why, mend: "Tell the right ARN with --arn, or correct it in aws-auth first." };
}
