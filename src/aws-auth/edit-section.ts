import type { Change } from "../access/principal.ts";
import {
  type Data,
  type Entry,
  fieldKey,
  type Intent,
  type ListReading,
  type Mapping,
  type ReadDocument,
  type Section,
  type SectionReading,
  sameGroups,
  sameList,
} from "./document.ts";
import { addField, editGroups, entryPlace, mayHaveOurs, replaceNode, undoEdits, useOf } from "./edit-entry.ts";
import type { Steps } from "./go-yaml/budget.ts";
import type { readingSteps } from "./read-document.ts";
import {
  type AddedEntry,
  blockEntry,
  DEFAULT_STYLE,
  editLines,
  editList,
  flowEntry,
  insertLines,
  lineBreakOf,
  quote,
  readQuoted,
  startOfLine,
  styleOf,
  type TextEdit,
} from "./text-edit.ts";

const EDITED: readonly Section[] = ["mapRoles", "mapUsers"];

/** Read again after the edit; null: no edit has exactly the intended effect, for example if other entries use an anchor. */
export function* editSections(
  document: ReadDocument,
  intents: readonly Intent[],
  read: typeof readingSteps,
): Steps<ReadDocument | null> {
  let after = document;
  for (const section of EDITED) {
    const change = changeOf(section, intents);
    if (change.added.length + change.edited.length + change.removed.length === 0) continue;
    const next = yield* editOne(after, change, { section, before: document, intents, read });
    if (next === null) return null;
    after = next;
  }
  return after;
}

interface SectionEdit {
  readonly section: Section;
  readonly before: ReadDocument;
  readonly intents: readonly Intent[];
  readonly read: typeof readingSteps;
}

function* editOne(current: ReadDocument, change: SectionChange, edit: SectionEdit): Steps<ReadDocument | null> {
  const { section, before, intents, read } = edit;
  for (const text of editSection(before.sections[section], change)) {
    const data = withText(current.data, section, text);
    yield;
    const next = yield* read(data);
    yield;
    if (isAsIntended(before, next, section, intents)) return yield* restoreBeside(next, change, edit);
  }
  return null;
}

/** While a lease is in a list that others alias or merge, what an end there replaced can't come back: it does with the end of that lease. */
function* restoreBeside(
  edited: ReadDocument,
  { edited: changed, removed, added }: SectionChange,
  { section, before, intents, read }: SectionEdit,
): Steps<ReadDocument> {
  let after = edited;
  const ended = changed.flatMap(({ entry, wanted }) => (wanted.isPartly ? [] : [entry]));
  if (ended.length === 0 || !mayHaveOurs(edited.data[section])) return after;
  const entriesIn = ({ entries }: ReadDocument) => entries.filter((entry) => entry.section === section);
  const kept = entriesIn(before).filter((entry) => !removed.includes(entry));
  let now = entriesIn(edited);
  const first = now.at(-1)?.arn === added.at(-1)?.arn ? 0 : added.length;
  for (const [at, entry] of kept.entries()) {
    yield;
    const undo = undoOf(after, now[first + at]);
    if (undo === null || (!ended.includes(entry) && undoOf(before, entry) !== null)) continue;
    const next = yield* read(withText(after.data, section, undo));
    if (!isAsIntended(before, next, section, intents)) continue;
    after = next;
    now = entriesIn(after);
  }
  return after;
}

/** The text in which an entry has its former list again; null: it has it, or would get other groups. */
function undoOf({ sections }: ReadDocument, entry: Entry | undefined): string | null {
  const reading = entry && sections[entry.section];
  if (!reading || reading.text === null || reading.list === null) return null;
  const { text, list } = reading;
  return editLines(text, (whole) => {
    const place = entryPlace({ ...reading, text: whole, list }, entry, 0);
    return place && undoEdits(place);
  });
}

/** Keys keep their order. A removed key is absent, not empty. */
function withText(data: Data, section: Section, text: string | null): Data {
  const { [section]: _, ...others } = data;
  if (text === null) return others;
  return Object.hasOwn(data, section) ? { ...data, [section]: text } : { ...others, [section]: text };
}

function changeOf(section: Section, intents: readonly Intent[]): SectionChange {
  const arnKey = fieldKey("arn", section);
  return {
    removed: intents.flatMap((intent) =>
      intent.type === "remove" ? intent.entries.filter((entry) => entry.section === section) : [],
    ),
    edited: intents.flatMap((intent) =>
      intent.type === "edit" && intent.entry.section === section ? [{ entry: intent.entry, wanted: intent }] : [],
    ),
    added: intents.flatMap((intent) =>
      intent.type === "add" && intent.section === section ? [{ ...intent, arnKey }] : [],
    ),
  };
}

const NOTE = "# Empty before: ";

const NOTE_ALONE = /^# Empty before: (".*")[\r\n\u0085\u2028\u2029]*$/;

interface SectionChange {
  readonly removed: readonly Entry[];
  readonly edited: readonly { readonly entry: Entry; readonly wanted: Wanted }[];
  readonly added: readonly AddedEntry[];
}

/** The possible texts, the best first; null: no section. The caller takes the first with exactly the intended effect. */
export function* editSection(reading: SectionReading, change: SectionChange): Generator<string | null> {
  const { text, list } = reading;
  if (text === null || list === null) return yield* fillSection(text, change.added);
  // Text after a block scalar at the very end changes its value.
  for (const attempt of [0, 1, 2]) {
    const edited = editLines(text, (whole) => edits({ ...reading, text: whole, list }, change, attempt));
    if (edited !== null) yield restoreEmpty(edited);
  }
  // A `...` or a tag of the list can't be alone.
  const removed = new Set(change.removed.map(({ index }) => index));
  const isEmptied = removed.size === list.items.length && change.added.length === 0;
  const emptied = isEmptied ? editLines(text, (whole) => editList(whole, list, removed, ["[]"])) : null;
  if (emptied !== null) yield emptied;
}

function edits(reading: ListReading, { removed, edited, added }: SectionChange, attempt: number): TextEdit[] | null {
  const { text, list } = reading;
  const style = styleOf(list, lineBreakOf(text));
  const items = added.map((entry) => (list.flow ? flowEntry(entry) : blockEntry(entry, style)));
  const indexes = new Set(removed.map((entry) => entry.index));
  const listEdits = editList(text, list, indexes, attempt > 0 ? [] : items, attempt === 2);
  if (listEdits === null) return null;
  const entryEdits = edited.flatMap(({ entry, wanted }) => editEntry(reading, entry, wanted, attempt) ?? []);
  const first = list.marks[0];
  if (attempt === 0 || items.length === 0 || first === undefined) return [...entryEdits, ...listEdits];
  const front = insertLines(startOfLine(text, first.at), items.join(style.lineBreak), style.lineBreak);
  return [front, ...entryEdits, ...listEdits];
}

interface Wanted extends Pick<Change, "isPartly"> {
  readonly username: string;
  readonly groups: readonly string[];
}

/** The edits that give an entry its wanted form; null: it is not a mapping of its own. `attempt`: as in `EntryPlace`. */
function editEntry(reading: ListReading, entry: Entry, wanted: Wanted, attempt: number): TextEdit[] | null {
  const place = entryPlace(reading, entry, attempt);
  if (place === null) return null;
  const edits = sameGroups(entry.groups, wanted.groups) ? [] : editGroups(place, wanted.groups, wanted.isPartly);
  if (entry.username === wanted.username) return edits;
  const use = useOf(place, "username");
  const username = quote(wanted.username);
  return [
    ...edits,
    use === null ? addField(place, "username", username) : replaceNode(place.text, use.written, username),
  ];
}

/** The possible texts of a section that gets its first entries. Its former text stays or is noted, so that their removal restores it. */
function fillSection(text: string | null, added: readonly AddedEntry[]): (string | null)[] {
  if (text === null) return [blockEntries(added, DEFAULT_STYLE.lineBreak).join("")];
  const lineBreak = lineBreakOf(text);
  const entries = blockEntries(added, lineBreak);
  const noted = `${NOTE}${quote(text)}${lineBreak}${entries.join("")}`;
  if (text === "") return [noted];
  const lines = entries.join("").slice(0, -lineBreak.length);
  const below = editLines(text, (whole) => [insertLines(whole.length, lines, lineBreak)]);
  return [below, noted];
}

function blockEntries(added: readonly AddedEntry[], lineBreak: string): string[] {
  return added.map((entry) => blockEntry(entry, { ...DEFAULT_STYLE, lineBreak }) + lineBreak);
}

/** The text after the removal of all entries: our note keeps the former text; without a note there is no section. */
function restoreEmpty(text: string): string | null {
  if (text === "") return null;
  const [, quoted = ""] = NOTE_ALONE.exec(text) ?? [];
  return readQuoted(quoted) ?? text;
}

interface Expected extends Mapping {
  /** The groups may have another order. */
  readonly isChanged?: true;
}

/** Whether a section has exactly the wanted entries, and the authenticator drops nothing that it read before. */
export function isAsIntended(
  before: ReadDocument,
  after: ReadDocument,
  section: Section,
  intents: readonly Intent[],
): boolean {
  const reading = after.sections[section];
  if (reading.state === "unreadable" || reading.droppedAt !== null) return false;
  const expected = expectedEntries(before, section, intents);
  const actual: Entry[] = [];
  for (const entry of after.entries) if (entry.section === section) actual.push(entry);
  const added = intents.filter((intent) => intent.type === "add" && intent.section === section).length;
  return (
    actual.length === expected.length &&
    (matchAll(expected, actual) || matchAll([...expected.slice(-added), ...expected.slice(0, -added)], actual))
  );
}

function matchAll(expected: readonly Expected[], actual: readonly Entry[]): boolean {
  for (const [index, { arn, username, groups, isChanged }] of expected.entries()) {
    const entry = actual[index];
    const isSame = isChanged ? sameGroups : sameList;
    if (arn !== entry?.arn || username !== entry.username || !isSame(groups, entry.groups)) return false;
  }
  return true;
}

function expectedEntries(before: ReadDocument, section: Section, intents: readonly Intent[]): Expected[] {
  const removed = new Set<Entry>();
  const edited = new Map<Entry, Intent & { type: "edit" }>();
  const expected: Expected[] = [];
  for (const intent of intents) {
    if (intent.type === "remove") for (const entry of intent.entries) removed.add(entry);
    if (intent.type === "edit") edited.set(intent.entry, intent);
  }
  for (const entry of before.entries) {
    if (entry.section !== section || removed.has(entry)) continue;
    const edit = edited.get(entry);
    expected.push(edit === undefined ? entry : { ...edit, arn: entry.arn, isChanged: true });
  }
  for (const intent of intents)
    if (intent.type === "add" && intent.section === section) expected.push({ ...intent, isChanged: true });
  return expected;
}
