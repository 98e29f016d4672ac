import type { Cluster } from "../policy/cluster.ts";
import { choosesNamespaces } from "../policy/policy-text.ts";
import { durationWords, timeOf, timeWords } from "./duration.ts";
import { arnPlaceholder, type NamedPerson, namespacesPlaceholder } from "./read-part.ts";
import type { RequestParts } from "./read-request.ts";
import { refuseTicket } from "./ticket.ts";

type Clusters = ReadonlyMap<string, Cluster>;
type People = ReadonlyMap<string, string>;
type WordPart = Exclude<keyof RequestParts, "reason" | "for">;
type Draft = { -readonly [Part in WordPart]?: string } & { for?: NamedPerson; kept?: readonly string[] };

export const requestUsage = "[<cluster> [<arn>] <level> [in <namespaces>] [for @bob] [for 4h] [ticket <id>] <reason>]";

/**
 * Splits a line into its parts. Those before the reason can have any order, because clusters, levels, ARNs and durations are recognizable.
 * Duration and ticket can also end the line. The only word with the form of the cluster's tickets is the ticket, wherever it is.
 * @param people Slack user ids by the names in the line
 */
export function splitRequestLine(line: string, clusters: Clusters, people: People = new Map()): RequestParts {
  // A Japanese keyboard types wide digits and letters.
  const narrow = line.replace(/[\uff10-\uff19\uff21-\uff3a\uff41-\uff5a]/g, (wide) => wide.normalize("NFKC"));
  const typed = narrow.trim().split(/\s+/);
  const draft: Draft = {};
  const lone = loneTicket(typed, clusters);
  const words = typed.map((word) => (lone !== null && bare(word) === lone ? lone : word));
  const known = { clusters, people, lone };
  let at = 0;
  while (at < words.length) {
    const taken = takeFront(words, at, draft, known);
    if (taken === 0) break;
    at += taken;
  }
  const reason = takeEnd(words.slice(at), draft, known);
  const { cluster = "", principal = "", level = "", namespaces = "", duration = null, ticket = null } = draft;
  // A copied placeholder asks for the person's own identity again.
  const named = principal.toLowerCase() === arnPlaceholder ? "" : principal;
  return {
    cluster,
    principal: named,
    level,
    namespaces,
    for: draft.for ?? null,
    duration,
    ticket,
    reason: [...(draft.kept ?? []), ...reason].join(" "),
  };
}

interface Known {
  readonly clusters: Clusters;
  readonly people: People;
  /** The line's only word with a ticket's form; null: none, or several. */
  readonly lone: string | null;
}

/** The only word with the form of a ticket of the line's cluster. Null: none, or several. */
function loneTicket(words: readonly string[], clusters: Clusters): string | null {
  const [cluster] = words.flatMap((word) => clusters.get(bare(word).toLowerCase()) ?? []);
  if (!cluster || cluster.ticket.need === "none" || cluster.ticket.pattern === null) return null;
  const names = new Set([cluster.name, ...cluster.levels.map(({ name }) => name)]);
  const fitting = words
    .map(bare)
    .filter((word) => !names.has(word.toLowerCase()) && refuseTicket(cluster.ticket, word) === null);
  return fitting.length === 1 ? fitting.join() : null;
}

/** As people copy it from elsewhere: `"staging",`, `<arn:…>`, `"Arn":"arn:…"`, `(#OPS-1)`. A name in IAM can end with a stop. */
export function bare(typed: string): string {
  const word = typed.replace(/^[`"'“‘]?(?:\w*arn[`"'”’]?[:=][`"'“‘]?)?arn:(?=aws)/i, "arn:");
  if (/^arn:.*\.$/.test(word)) return word;
  if (/^<arn:.*>$/i.test(word)) return word.slice(1, -1);
  // Each sign is looked at once: a line of thousands must not keep the process busy.
  return word.replace(/^(?:[`"'“‘([#]+|<(?=arn:))/i, "").replace(/(?<![`"'”’)\],;:.])[`"'”’)\],;:.]+$/, "");
}

/** As `aws sts get-caller-identity` prints it, with all around it. */
export function arnIn(text: string): string {
  return bare(/\barn\W+(arn:aws[^\s"“”]+)/i.exec(text)?.[1] ?? text);
}

/** Of a cluster, or of a level of any. */
export function isName(word: string, clusters: Clusters): boolean {
  const name = word.toLowerCase();
  return clusters.has(name) || [...clusters.values()].some(({ levels }) => levels.some((level) => level.name === name));
}

/** Takes the part that begins with a word. Returns its number of words; 0: the reason begins. */
function takeFront(words: readonly string[], at: number, draft: Draft, known: Known): number {
  const { clusters, people, lone } = known;
  const word = bare(words[at] ?? "");
  const isMissing = draft.cluster === undefined || draft.level === undefined;
  const next = bare(words[at + 1] ?? "");
  if (isMissing && /^(?:on|in|at|as|with|@|for|to)$/i.test(word) && isName(next, clusters)) return 1;
  // The label of an ARN, and a sign between two parts.
  if ((/^\w*arn$/i.test(word) && next.startsWith("arn:")) || /^[-–—|/]+$/.test(word)) return 1;
  const taken =
    takePerson(words, at, draft, people) || takeNamed(words, at, draft) || takeNamespaces(words, at, draft, clusters);
  if (taken > 0) return taken;
  const length = timeLength(words, at, draft, clusters);
  if (draft.duration === undefined && length > 0) {
    draft.duration = timeOf(words.slice(at, at + length));
    return length;
  }
  const isTicket = word === lone && draft.ticket === undefined;
  const part = isTicket ? "ticket" : partOf(word, next, draft, clusters);
  if (part === null) return 0;
  draft[part] = word;
  return 1;
}

/** Before cluster, level or ARN no reason begins, so there a time is the duration even if it can't be read. */
function timeLength(words: readonly string[], at: number, draft: Draft, clusters: Clusters): number {
  const word = words[at] ?? "";
  if (isName(word, clusters)) return 0;
  const length = /^permanent$/i.test(word) ? 0 : durationWords(words, at);
  if (length > 0) return length;
  const time = timeWords(words, at);
  const isFront = draft.cluster === undefined || draft.level === undefined || /^arn:/i.test(words[at + time] ?? "");
  return isFront ? time : 0;
}

function takePerson(words: readonly string[], at: number, draft: Draft, people: People, isAtEnd = false): number {
  const [name, person = ""] = [words[at]?.toLowerCase(), words[at + 1]];
  if (name !== "for" || draft.for !== undefined || !/^@[\p{L}\p{N}._-]+$/u.test(person)) return 0;
  draft.for = { name: person, user: people.get(person) ?? null, isAtEnd };
  return 2;
}

/** `for 4h`, `for 2 hours` and `ticket OPS-1`. After a ticket `for` can begin the reason: for the migration. Two durations are none. */
function takeNamed(words: readonly string[], at: number, draft: Draft): number {
  const [name, value = ""] = [bare(words[at] ?? "").toLowerCase(), words[at + 1]];
  if (name === "ticket" && draft.ticket === undefined && draft.level !== undefined) {
    draft.ticket = value;
    return 2;
  }
  if (name !== "for") return 0;
  const again = draft.duration !== undefined;
  const length = durationWords(words, at + 1) || (again ? 0 : timeWords(words, at) - 1);
  if (again && length === 0) return 0;
  if (length <= 0 && (draft.ticket !== undefined || draft.level === undefined)) return 0;
  const time = length <= 0 ? value : timeOf(words.slice(at + 1, at + 1 + length));
  // It can be the beginning of the reason: for debugging.
  if (length <= 0 && /^\p{L}/u.test(value)) draft.kept = ["for", value];
  draft.duration = again ? `${draft.duration} for ${time}` : time;
  return 1 + Math.max(length, 1);
}

/** `in shop,payments`, or `in shop, payments`: only after a level that lets the requester choose. */
function takeNamespaces(words: readonly string[], at: number, draft: Draft, clusters: Clusters): number {
  const levels = clusters.get(draft.cluster?.toLowerCase() ?? "")?.levels ?? [];
  const level = levels.find(({ name }) => name === draft.level?.toLowerCase());
  if (words[at]?.toLowerCase() !== "in" || draft.namespaces !== undefined || !level) return 0;
  if (!choosesNamespaces(level.groups)) return 0;
  const from = at + (/^namespaces?:?$/i.test(words[at + 1] ?? "") ? 2 : 1);
  let end = from + 1;
  while (end < words.length && /(?:,|^and|^&) | (?:and$|&$|,)/i.test(`${words[end - 1]} ${words[end]}`)) end += 1;
  const named = bare(words.slice(from, end).join(" "));
  // The sentence goes on: in the shop namespace, in shop and fix it.
  draft.namespaces = /(?:^|[\s,])(?:the|and)(?![^\s,])/i.test(named) ? namespacesPlaceholder : named;
  return end - at;
}

/** The part of a word. An unknown word is a misspelt cluster, ARN or level, in the usual order, while one is missing. */
function partOf(word: string, next: string, draft: Draft, clusters: Clusters): WordPart | null {
  const cluster = clusters.get(draft.cluster?.toLowerCase() ?? "");
  const levels = cluster ? cluster.levels : [...clusters.values()].flatMap((each) => each.levels);
  const isLevel = (text: string) => levels.some(({ name }) => name === text.toLowerCase());
  const misses = (part: keyof Draft) => draft[part] === undefined;
  if (misses("principal") && /^(?:arn:|<arn>$)/i.test(word)) return "principal";
  if (misses("cluster") && clusters.has(word.toLowerCase())) return "cluster";
  if (misses("level") && isLevel(word)) return "level";
  if (misses("cluster")) return "cluster";
  if (misses("principal") && misses("level") && (/[:/]/.test(word) || isLevel(next))) return "principal";
  return misses("level") ? "level" : null;
}

/** Takes a duration, a person and a ticket from the end of the reason, in any order, and the only word that can be a ticket. */
function takeEnd(reason: readonly string[], draft: Draft, known: Known): readonly string[] {
  const without = (words: readonly string[]) => takeLastPerson(takeLastDuration(words, draft), draft, known);
  return takeLastDuration(without(takeTicket(without(reason), draft, known)), draft);
}

function takeLastPerson(reason: readonly string[], draft: Draft, { people }: Known): readonly string[] {
  const taken = reason.length > 2 ? takePerson(reason, reason.length - 2, draft, people, true) : 0;
  return reason.slice(0, reason.length - taken);
}

function takeLastDuration(reason: readonly string[], draft: Draft): readonly string[] {
  const at = reason.findLastIndex((word) => word.toLowerCase() === "for");
  const length = at > 0 ? durationWords(reason, at + 1) : 0;
  if (length === 0 || at + 1 + length !== reason.length) return reason;
  // The first `for` begins the reason.
  if (draft.kept) delete draft.duration;
  if (draft.kept || draft.duration !== undefined) return reason;
  draft.duration = timeOf(reason.slice(at + 1));
  return reason.slice(0, at);
}

function takeTicket(reason: readonly string[], draft: Draft, { clusters, lone }: Known): readonly string[] {
  const rule = clusters.get(draft.cluster?.toLowerCase() ?? "")?.ticket;
  if (draft.ticket !== undefined || !rule || rule.need === "none" || reason.length < 2) return reason;
  const isNamed = (at: number) => reason[at - 1]?.toLowerCase() === "ticket";
  const last = reason.length - 1;
  const at = lone === null && isNamed(last) ? last : reason.indexOf(lone ?? "");
  if (at === -1) return reason;
  draft.ticket = reason[at] ?? "";
  const from = isNamed(at) ? at - 1 : at;
  return reason.toSpliced(from, at - from + 1);
}
