import type { Change, Refusal } from "../access/principal.ts";
import {
  type Data,
  entryOf,
  isAccountId,
  type PlanGuard,
  type ReadDocument,
  SECTIONS,
  type Section,
  sameData,
  sameGroups,
} from "./document.ts";
import type { Steps } from "./go-yaml/budget.ts";
import { planSteps } from "./plan.ts";
import { readingSteps } from "./read-document.ts";
import { type Repair, repairsFor } from "./repair.ts";

export type DocumentRepair =
  | { readonly type: "whole" }
  | { readonly type: "write"; readonly data: Data; readonly how: string }
  /** Only a person knows the right content. `message`: the mistake, and the document to give. */
  | { readonly type: "ask"; readonly message: string };

const giveDocument = "Use the last good document: --document kept, or a file.";

/** From the last good document, or as far as no guess is needed. @param found null: there is no ConfigMap */
export function* planDocumentRepair(found: Data | null, good: Data | null, guard: PlanGuard): Steps<DocumentRepair> {
  const document = yield* readingSteps(found ?? {});
  // Such sections are unread here, but can be in force: the good document can lack people in them.
  const large = document.blocking.find(({ code }) => code === "section-too-large");
  if (large)
    return { type: "ask", message: `aws-auth: ${large.section}, line ${large.line}: ${large.message} ${large.remedy}` };
  const marks = document.blocking.filter(({ code }) => good !== null && code === "byte-order-mark");
  const [unmarked] = yield* repairsFor(document, marks);
  if (unmarked) return afterEdit(unmarked, yield* planDocumentRepair(unmarked.plan.after, good, guard));
  if (good !== null) return yield* repairFromGood(document, yield* readingSteps(good), guard);
  const [broken] = brokenIn(document);
  if (broken)
    return (yield* repairByEdits(document)) ?? { type: "ask", message: `aws-auth: ${broken} ${giveDocument}` };
  if (document.entries.length > 0) return { type: "whole" };
  const what = found === null ? "aws-auth is missing" : "aws-auth maps no one";
  return { type: "ask", message: `${what}, so only the creator signs in, and no node joins. ${giveDocument}` };
}

function afterEdit({ message, plan }: Repair, repair: DocumentRepair): DocumentRepair {
  if (repair.type === "whole") return { type: "write", data: plan.after, how: message };
  return repair.type === "write" ? { ...repair, how: `${message} ${repair.how}` } : repair;
}

function* repairFromGood(found: ReadDocument, good: ReadDocument, guard: PlanGuard): Steps<DocumentRepair> {
  const [flaw] = brokenIn(good);
  if (flaw || good.entries.length === 0) {
    return { type: "ask", message: `The document is not good: ${flaw ?? "it maps no one."}` };
  }
  const restored = yield* readingSteps(restore(found, good));
  const [still] = brokenIn(restored);
  if (still) return { type: "ask", message: `aws-auth: ${still} --document lacks it.` };
  const changes = yield* missingIn(restored, good, found);
  const plan = yield* planSteps(restored, changes, { ...guard, allowMasters: true });
  if (plan.type === "refused") return { type: "ask", message: plan.refusal.message };
  const refused = [...plan.refused, ...accountsLeftOut(restored, good, found)];
  const [left] = refused;
  if (sameData(found.data, plan.after)) return left ? { type: "ask", message: left.message } : { type: "whole" };
  return { type: "write", data: plan.after, how: repairInWords(found, restored, changes, refused) };
}

/** Takes the good text of each unreadable or empty section: a readable one stays, so that newer people keep their access. */
function restore(found: ReadDocument, good: ReadDocument): Data {
  const isReadable = (section: Section) =>
    found.entries.some((entry) => entry.section === section) &&
    !found.blocking.some((each) => each.section === section);
  const stays = (section: Section) =>
    isReadable(section) && !(section === "mapAccounts" && hasMoreAccounts(good, found));
  const sections = SECTIONS.flatMap((section): [string, string][] => {
    const text = good.data[section];
    return text === undefined || stays(section) ? [] : [[section, text]];
  });
  return { ...good.data, ...found.data, ...Object.fromEntries(sections) };
}

/** Whether mapAccounts has all accounts of the other document, and more. */
function hasMoreAccounts(document: ReadDocument, other: ReadDocument): boolean {
  const some = accountsIn(other);
  return some.every((id) => document.lookup.accounts.has(id)) && some.length < accountsIn(document).length;
}

function accountsIn({ lookup }: ReadDocument): string[] {
  return [...lookup.accounts].filter(isAccountId);
}

/** No edit adds an account: only a person can merge two lists. */
function accountsLeftOut({ lookup }: ReadDocument, ...documents: readonly ReadDocument[]): Refusal[] {
  const left = new Set(documents.flatMap(accountsIn).filter((id) => !lookup.accounts.has(id)));
  return [...left].map((arn) => {
    return { code: "account-left-out", arn, message: `Add the account ${arn} to mapAccounts by hand.` };
  });
}

function repairInWords(
  found: ReadDocument,
  restored: ReadDocument,
  changes: readonly Change[],
  refused: readonly Refusal[],
): string {
  const left = new Set(refused.map(({ arn }) => arn?.toLowerCase()));
  const added = changes.map(({ arn }) => arn).filter((arn) => !left.has(arn.toLowerCase()));
  const written = SECTIONS.filter((section) => found.data[section] !== restored.data[section]);
  return [
    ...(written.length > 0 ? [`Writes ${written.join(", ")} as in the last good document.`] : []),
    ...(added.length > 0 ? [`Adds ${added.join(", ")}. The rest stays.`] : []),
    ...refused.map(({ arn, message }) => `Not added: ${arn ?? "an entry"}. ${message}`),
  ].join(" ");
}

/** The entries of the good document that its restoration lacks, and those that it lost of the present one. */
function* missingIn(restored: ReadDocument, good: ReadDocument, found: ReadDocument): Steps<Change[]> {
  const missing: Change[] = [];
  for (const mapping of mappedIn(good)) {
    yield;
    if (!hasSameEntry(restored, good, mapping.arn)) missing.push(mapping);
  }
  for (const mapping of mappedIn(found)) {
    yield;
    if (entryOf(restored, mapping.arn) === null) missing.push(mapping);
  }
  return missing;
}

type Mapping = Extract<Change, { readonly type: "map" }>;

function mappedIn({ entries }: ReadDocument): Mapping[] {
  return entries.flatMap(({ section, arn, username, groups, reachable }): Mapping[] =>
    section === "mapAccounts" || !reachable ? [] : [{ type: "map", arn, username, groups }],
  );
}

/** Repairs an unreadable section if every principal that signs in now still does afterwards. */
function* repairByEdits(document: ReadDocument): Steps<DocumentRepair | null> {
  const [repair] = yield* repairsFor(document, document.blocking);
  if (!repair) return null;
  const after = yield* readingSteps(repair.plan.after);
  return brokenIn(after).length === 0 ? { type: "write", data: after.data, how: repair.message } : null;
}

function brokenIn({ blocking }: ReadDocument): string[] {
  return blocking.map(({ section, line, message }) => `${section}, line ${line}: ${message}`);
}

export interface Readmission {
  /** Or an account's id. */
  readonly arn: string;
  readonly isReadmitted: boolean;
}

/** Whether a document is readable as a whole and admits at least one principal. */
export function isWholeDocument(document: ReadDocument): boolean {
  return document.entries.length > 0 && brokenIn(document).length === 0;
}

/** Whether each principal of a good document gets in again, with the same username and groups, and each account. */
export function* readmissionsOf(good: Data, now: Data): Steps<readonly Readmission[]> {
  const before = yield* readingSteps(good);
  const after = yield* readingSteps(now);
  const arns = before.entries.flatMap(({ reachable, arn }) => (reachable ? [arn] : []));
  const returns: Readmission[] = [];
  for (const arn of new Set(arns)) {
    yield;
    const isReadmitted = isAccountId(arn) ? after.lookup.accounts.has(arn) : hasSameEntry(before, after, arn);
    returns.push({ arn, isReadmitted });
  }
  return returns;
}

/** As written: a session of no instance does not get in by a node's entry, and gets in by its account. */
function hasSameEntry(one: ReadDocument, other: ReadDocument, arn: string): boolean {
  const [some, others] = [entryOf(one, arn), entryOf(other, arn)];
  if (some === null || others === null) return some === others;
  return some.username === others.username && sameGroups(some.groups, others.groups);
}
