import { isShellSafe, readPrincipal } from "../../access/arn.ts";
import { withoutRolePath } from "../../access/principal.ts";
import {
  competingEntries,
  type Entry,
  isAccountId,
  isCreator,
  isNode,
  isWildcard,
  problemSteps,
  type Steps,
} from "../../aws-auth/index.ts";
import { isAsked, isRemade, remadeRoleWords, remadeUnknown } from "../remade-roles.ts";
import { outdatedEntryRemedy } from "../replaced-roles.ts";
import {
  entryForNodes,
  isAsWanted,
  lostByNodes,
  type MigrationFacts,
  type NodeType,
  nodeTypeOf,
  type PresentEntry,
  principalKey,
  readNames,
  type Stays,
  stays,
  type WantedEntry,
} from "./facts.ts";

/** What happens to one item of aws-auth. The sentences are for people. */
export type Outcome =
  /** It gets an access entry and then leaves aws-auth. `isDone`: our entry already exists. */
  | {
      readonly type: "moves";
      readonly wanted: WantedEntry;
      readonly isDone: boolean;
      readonly instead: readonly string[];
      readonly notes: readonly string[];
    }
  /** Another person's access entry already counts: it only leaves aws-auth. */
  | { readonly type: "has-entry"; readonly note: string }
  /** EKS or an operator makes the access entry: nodes are not ours. */
  | { readonly type: "nodes"; readonly nodeType: NodeType; readonly isThere: boolean; readonly note: string }
  | { readonly type: "creator"; readonly note: string }
  /** A lease of ours ends where it is; then the item can move. */
  | { readonly type: "waits"; readonly until: string; readonly note: string }
  | Stays
  /** It matches no caller, and an access entry would match none either. */
  | { readonly type: "unmatched"; readonly why: string };

export type ItemOutcome = { readonly item: Entry; readonly outcome: Outcome };

export function* outcomesOf(facts: MigrationFacts): Steps<ItemOutcome[]> {
  yield* problemSteps(facts.document);
  const presentEntries = new Map(facts.presentEntries.map((entry) => [principalKey(entry.principalArn), entry]));
  const outcomes: ItemOutcome[] = [];
  for (const item of facts.document.entries) {
    outcomes.push({ item, outcome: outcomeOf(item, facts, presentEntries) });
    yield;
  }
  return outcomes;
}

function outcomeOf(item: Entry, facts: MigrationFacts, presentEntries: ReadonlyMap<string, PresentEntry>): Outcome {
  if (item.section === "mapAccounts") {
    if (isAccountId(item.arn)) return stays("whole-account", ...onePrincipal);
    return { type: "unmatched", why: `${JSON.stringify(item.arn)} is not an AWS account.` };
  }
  if (isWildcard(item)) return stays("arn-wildcard", ...onePrincipal);
  if (!item.reachable) return { type: "unmatched", why: whyUnmatched(item, facts) };
  if (competingEntries(item, facts.document.lookup).length > 1) {
    return stays("entry-ambiguous", "Several entries match it.", "Keep only one.");
  }
  if (isCreator(item.arn, facts)) return { type: "creator", note: creatorNote };
  const there = presentEntries.get(principalKey(item.arn));
  if (isNode(item)) return outcomeOfNodes(item, there, facts);
  const shares = facts.holdings.get(item.arn.toLowerCase())?.shares ?? [];
  const until = shares
    .map(({ endsAt }) => endsAt)
    .sort()
    .at(-1);
  if (until !== undefined) {
    const note = `A lease uses it (${shares.map(({ id }) => id).join(", ")}). Ask again after that ends.`;
    return { type: "waits", until, note };
  }
  if (there?.isLeased) return { type: "waits", until: "the access in its access entry ends", note: leasedNote };
  return moved(item, facts, there);
}

function moved(item: Entry, facts: MigrationFacts, there: PresentEntry | undefined): Outcome {
  const madeAt = there && facts.roles?.madeAt.get(there.principalArn);
  // An entry that lets no one in does not override the item: its people can sign in by the item alone.
  if (there && madeAt !== undefined && isRemade(there, madeAt)) {
    const { message, remedy } = remadeRoleWords({ name: facts.cluster }, there, madeAt);
    return stays("entry-dead", message, remedy);
  }
  if (there && !there.migrated) {
    const isKnown = madeAt !== undefined || facts.roles?.absent.has(there.principalArn);
    if (isAsked(there.principalArn, facts.account)) return { type: "has-entry", note: presentNote(there, isKnown) };
    const byHand = `${outdatedEntryRemedy({ name: facts.cluster }, there)} Otherwise remove this item.`;
    return stays("entry-unproved", remadeUnknown, byHand);
  }
  const whole = readWholeArn(item.arn, facts);
  if (whole.type === "stays") return whole;
  const { arn: principalArn, kind, account } = whole;
  const names = readNames(item, kind, account);
  if (names.type === "stays") return names;
  const { username, groups, isAdmin, instead } = names;
  const wanted = { principalArn: there?.principalArn ?? principalArn, username, groups, isAdmin };
  const isDone = there?.migrated === "whole" && isAsWanted(there, wanted);
  // It was complete once: a later change by others stays.
  if (there?.migrated === "whole" && !isDone) return { type: "has-entry", note: presentNote(there) };
  return { type: "moves", wanted, isDone, instead, notes: there ? [] : whole.notes };
}

function outcomeOfNodes(
  item: Entry,
  there: PresentEntry | undefined,
  { managedNodes, clusterArn }: MigrationFacts,
): Outcome {
  const owners = managedNodes?.filter(({ roleArn }) => principalKey(roleArn) === principalKey(item.arn)) ?? [];
  const nodeType = owners[0]?.type ?? nodeTypeOf(item);
  const owned = owners.length > 0 ? `It is the role of ${owners.map(({ name }) => name).join(" and ")}.` : "";
  const lost = lostByNodes(item);
  const warning =
    lost.length === 0 ? "" : ` It lacks the groups ${lost.join(", ")}. Bind their rights elsewhere first.`;
  if (there && there.type !== "STANDARD") {
    const note = `Its access entry of type ${there.type} exists.${owned && ` ${owned}`}${warning}`;
    return { type: "nodes", nodeType, isThere: true, note };
  }
  const arn = owners[0]?.roleArn ?? item.arn;
  const made = entryForNodes(clusterArn, nodeType, isShellSafe(arn) ? arn : "<role>");
  const command = owners[0] ? made : `${made} (with the role's path)`;
  const unasked = managedNodes ? "" : "The worker can't ask EKS about its nodes (deploy/iam/migration-policy.json). ";
  // EKS knows the owners of nodes. Without the right to ask EKS, the item alone does not show them.
  const how = owned
    ? `${owned} EKS makes its access entry. If it is missing: ${command}.`
    : `${unasked}For self-managed nodes: ${command}.`;
  return { type: "nodes", nodeType, isThere: false, note: `${how}${warning}` };
}

const creatorNote = "It created the cluster. EKS makes its access entry.";

export const leasedNote = "A lease uses it. Ask again after that ends.";

/** @param isKnown whether IAM said when it made the role */
function presentNote({ username, groups, policies, type }: PresentEntry, isKnown = true): string {
  const given = [...groups, ...policies.map(({ name }) => name)];
  const who = type === "STANDARD" ? username : `a node of type ${type}`;
  const doubt = isKnown ? "" : ` ${remadeUnknown}`;
  return `Another access entry replaces it: ${who}${given.length > 0 ? `, ${given.join(", ")}` : ", no groups"}.${doubt}`;
}

/** The problem that `check` shows first for the item, perhaps some lines below its start. */
const onePrincipal = ["An access entry has one principal.", "Write them out, or remove it."] as const;

function whyUnmatched(item: Entry, { document }: MigrationFacts): string {
  const ofSection = document.problems.filter(
    ({ section, severity }) => section === item.section && severity !== "notice",
  );
  const next = document.entries.find(({ section, index }) => section === item.section && index > item.index);
  const about = ofSection.find((place) => !isBefore(place, item) && (!next || isBefore(place, next)));
  return about ? `${about.message} ${about.remedy}` : "";
}

type Place = { readonly line: number | null; readonly column: number | null };

function isBefore(some: Place, other: Place): boolean {
  const lines = (some.line ?? 0) - (other.line ?? 0);
  return lines < 0 || (lines === 0 && (some.column ?? 0) < (other.column ?? 0));
}

type WholeArnReading =
  | {
      readonly type: "arn";
      readonly arn: string;
      readonly kind: "role" | "user";
      readonly account: string;
      /** What is uncertain about it: sentences. */
      readonly notes: readonly string[];
    }
  | Stays;

/**
 * aws-auth has roles without their paths, and an access entry needs them. A role's name is unique in an account and EKS refuses
 * an absent role: so an ARN without its path never means another role.
 */
function readWholeArn(
  arn: string,
  { givenArns, partition }: Pick<MigrationFacts, "givenArns" | "partition">,
): WholeArnReading {
  const given = givenArns.find((each) => principalKey(each) === principalKey(arn));
  const reading = readPrincipal(given ? withoutRolePath(given) : arn, partition);
  if (reading.type === "invalid") return refuseKind(arn, reading.code);
  const { kind, account, name, partition: of } = reading.principal;
  if (of !== partition) {
    return stays("foreign-partition", `It is in ${of}, the cluster in ${partition}.`, "Remove it.");
  }
  if (kind === "role" && name.startsWith("AWSServiceRoleFor")) return stays("service-linked-role", ...ownPrincipal);
  if (given === undefined && kind === "role" && name.startsWith("AWSReservedSSO_")) {
    const whole = `arn:${of}:iam::${account}:role/aws-reserved/sso.amazonaws.com/…/${name}`;
    return stays("path-unknown", `aws-auth lacks the path of ${whole}.`, addArn);
  }
  const notes = kind === "role" && given === undefined ? [`Does it have a path? ${addArn}`] : [];
  return { type: "arn", arn: given ?? reading.principal.arn, kind, account, notes };
}

const addArn = "Add its whole ARN to the command (terminal: --arn).";
const ownPrincipal = ["An access entry needs an IAM user or your own role.", "Map one instead."] as const;

function refuseKind(arn: string, code: string): WholeArnReading {
  const isNobody = code === "arn-root" || code === "arn-service";
  return isNobody ? stays(code, ...ownPrincipal) : stays(code, `${arn} is not spelled as in IAM.`, addArn);
}
