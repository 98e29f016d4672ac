import {
  type AwsAuthDocument,
  type Data,
  type Entry,
  entriesOfKey,
  inOrder,
  isAccountId,
  type Lookup,
  type Problem,
  partitionIn,
  problemAt,
  type ReadDocument,
  type ReadItem,
  type Report,
  type SectionContent,
  type Severity,
  sameList,
} from "./document.ts";
import { findItemProblems } from "./entry-problems.ts";
import { finish, type Steps } from "./go-yaml/budget.ts";
import { decodeAgain } from "./go-yaml/decode.ts";
import type { ScalarNode } from "./go-yaml/node.ts";
import { isNode } from "./names.ts";
import { readDocument, readingSteps } from "./read-document.ts";
import { documentProblems, layoutProblems, oldBreaks } from "./section-problems.ts";

/** The most problems of one kind that a section lists: each costs memory. */
const LISTED = 1000;

const RANKS: readonly Severity[] = ["notice", "warning", "error"];

/** Collects problems. Of many of one kind it keeps the first ones, and one problem that counts the rest. */
class ProblemList {
  readonly #listed: Problem[] = [];
  readonly #counts = new Map<string, number>();
  readonly #rests = new Map<string, Rest>();

  readonly add: Report = (problem) => {
    if (problem === null) return;
    const kind = `${problem.section} ${problem.code}`;
    const count = (this.#counts.get(kind) ?? 0) + 1;
    this.#counts.set(kind, count);
    if (count <= LISTED) this.#listed.push(problem);
    else this.#count(kind, problem);
  };

  *addAll(found: Iterable<Problem>): Steps<void> {
    for (const problem of found) {
      yield;
      this.add(problem);
    }
  }

  all(): Problem[] {
    return [...this.#listed, ...[...this.#rests.values()].map(asProblem)];
  }

  #count(kind: string, problem: Problem): void {
    const rest = this.#rests.get(kind) ?? { first: problem, count: 0, severity: problem.severity };
    rest.count += 1;
    if (RANKS.indexOf(problem.severity) > RANKS.indexOf(rest.severity)) rest.severity = problem.severity;
    this.#rests.set(kind, rest);
  }
}

const ONE_EACH = "Keep one entry, with all groups.";

/** Reads as the authenticator does. Never throws: an unreadable section is a problem. Places count from 1 in a section. */
export function parseDocument(data: Data): AwsAuthDocument {
  return withProblems(readDocument(data));
}

/** The same, with pauses. Its problems are found, too. */
export function* parseSteps(data: Data): Steps<AwsAuthDocument> {
  const document = withProblems(yield* readingSteps(data));
  yield* problemSteps(document);
  return document;
}

function withProblems(document: ReadDocument): AwsAuthDocument {
  return {
    ...document,
    get problems() {
      return finish(problemSteps(document));
    },
  };
}

/** By the parts of a document. */
const found = new WeakMap<ReadDocument["parts"], readonly Problem[]>();

/** Finds the problems of a document with pauses. Afterwards it has them at once. */
export function* problemSteps(document: ReadDocument): Steps<readonly Problem[]> {
  const problems = found.get(document.parts) ?? inOrder(yield* problemsOf(document));
  found.set(document.parts, problems);
  return problems;
}

function* problemsOf(document: ReadDocument): Steps<Problem[]> {
  const { parts } = document;
  const problems = new ProblemList();
  yield* problems.addAll(documentProblems(document.data));
  const partition = partitionOfMost(document.entries);
  for (const part of parts) {
    yield* problems.addAll(part.problems);
    yield* problems.addAll(oldBreaks(part.reading));
    yield* problems.addAll(yield* layoutProblems(part.reading));
    yield* problems.addAll(accountProblems(part));
    yield* problems.addAll(shadowProblems(part.items, document.lookup));
    yield* problems.addAll(partitionProblems(part.items, partition));
    if (part.reading.section === "mapAccounts") continue;
    let entries = 0;
    for (const [index, item] of (part.reading.list?.items ?? []).entries()) {
      const next = part.items[entries]?.entry;
      const entry = next?.index === index ? next : null;
      if (entry !== null) entries += 1;
      const value = decodeAgain(item);
      yield;
      findItemProblems(part.reading, item, value, entry, document.lookup, problems.add);
      yield;
    }
  }
  return problems.all();
}

function* shadowProblems(items: readonly ReadItem[], lookup: Lookup): Iterable<Problem> {
  for (const { entry, key, isKept } of items) {
    const rivals = isKept ? entriesOfKey(lookup, key) : [];
    const winner = rivals.at(-1);
    if (winner === undefined || winner === entry) continue;
    yield rivals.includes(entry) ? ambiguous(entry, winner) : shadowed(entry, winner);
  }
}

function shadowed(entry: Entry, winner: Entry): Problem {
  const isSame = entry.username === winner.username && sameList(entry.groups, winner.groups);
  const message = `This entry for ${entry.arn} has no effect: line ${winner.line} of ${winner.section} replaces it.`;
  return problemAt(entry.section, place(entry), "entry-shadowed", isSame ? "warning" : "error", message, ONE_EACH);
}

function ambiguous(entry: Entry, other: Entry): Problem {
  const message = `This entry for ${entry.arn} differs only in case from line ${other.line} of ${other.section}: one counts, at random.`;
  return problemAt(entry.section, place(entry), "entry-ambiguous", "error", message, ONE_EACH);
}

function place({ line, column }: Entry) {
  return { line: line - 1, column: column - 1 };
}

/** A cluster knows callers of one partition: that of its nodes, or else of most entries. Undefined: unknown. */
function partitionOfMost(entries: readonly Entry[]): string | undefined {
  const counts = new Map<string, number>();
  for (const entry of entries) {
    const partition = entry.reachable ? partitionIn(entry.arn) : undefined;
    if (partition === undefined) continue;
    if (isNode(entry)) return partition;
    counts.set(partition, (counts.get(partition) ?? 0) + 1);
  }
  return [...counts].sort(([, some], [, others]) => others - some)[0]?.[0];
}

function* partitionProblems(items: readonly ReadItem[], partition: string | undefined): Iterable<Problem> {
  for (const { entry } of items) {
    const own = entry.reachable ? partitionIn(entry.arn) : partition;
    if (own === partition) continue;
    const message = `This ARN is in ${own}, others in ${partition}. It can't sign in there.`;
    const remedy = "Correct the partition, or remove the entry.";
    yield problemAt(entry.section, place(entry), "arn-partition", "error", message, remedy);
  }
}

interface Rest {
  first: Problem;
  count: number;
  severity: Severity;
}

/** The place of the first unlisted one. */
function asProblem({ first, count, severity }: Rest): Problem {
  const others = count === 1 ? "" : ` ${(count - 1).toLocaleString("en")} more of these follow.`;
  return { ...first, severity, message: `${first.message}${others}` };
}

function* accountProblems({ reading, accounts }: SectionContent): Iterable<Problem> {
  if (reading.section !== "mapAccounts") return;
  for (const { id, node } of accounts) yield* accountProblem(id, node);
  const decoded = new Set(accounts.map((account) => account.index));
  for (const [index, item] of (reading.list?.items ?? []).entries()) {
    if (decoded.has(index)) continue;
    const message = "This item is not an AWS account.";
    yield problemAt("mapAccounts", item.start, "account-invalid", "error", message, quoteTheAccount);
  }
}

const quoteTheAccount = "Write its 12 digits in quotes.";

function accountProblem(id: string, node: ScalarNode): Problem[] {
  const section = "mapAccounts";
  if (!isAccountId(id)) {
    const message = `${JSON.stringify(id)} is not an AWS account.`;
    return [problemAt(section, node.start, "account-invalid", "error", message, quoteTheAccount)];
  }
  const message = `Everyone in account ${id} can sign in, without groups.`;
  const remedy = "Map single roles instead.";
  const mapped = problemAt(section, node.start, "account-mapped", "notice", message, remedy);
  return node.style === "plain" && id.startsWith("0") ? [mapped, unquoted(id, node)] : [mapped];
}

function unquoted(id: string, node: ScalarNode): Problem {
  const message = `Account ${id} is not quoted.`;
  return problemAt("mapAccounts", node.start, "account-unquoted", "warning", message, `Write "${id}".`);
}
