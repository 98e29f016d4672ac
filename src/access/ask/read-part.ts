import { notOfPrincipal, readPrincipal } from "../arn.ts";
import type { OwnIdentities } from "../identities.ts";
import type { Cluster, Level } from "../policy/cluster.ts";
import { refuseDuration, refuseRequest } from "../policy/may-ask.ts";
import { bindsRoles, choosesNamespaces } from "../policy/policy-text.ts";
import { entryArnOf, type Holder, identityInWords, readHolder } from "../principal.ts";
import { startOf } from "../redact.ts";
import { formatDuration, readTime } from "./duration.ts";
import { refuseTicket, tooLongText } from "./ticket.ts";

export const maxReasonLength = 500;
const defaultDurationSeconds = 3600;
export const arnPlaceholder = "<arn>";
const durationPlaceholder = "<duration>";
const reasonPlaceholder = "<reason>";
const ticketPlaceholder = "<ticket>";

/** IAM allows a path of 512 characters and a name of 64. Messages can't show a longer text whole. */
const maxArn = 640;

export interface PartReading<T> {
  /** Null: there is a mistake, or nothing to compare the part with. */
  readonly value: T | null;
  /** The value, or the likely one, for reading the other parts: the corrected line must be valid. */
  readonly meant: T | null;
  readonly mistake: string | null;
  readonly corrected: string;
  readonly shown: string;
}

function understood<T>(value: T, shown: string, corrected = shown): PartReading<T> {
  return { value, meant: value, mistake: null, corrected, shown };
}

function mistaken<T>(mistake: string, corrected: string, meant: T | null = null): PartReading<T> {
  return { value: null, meant, mistake, corrected, shown: "" };
}

/** @param names those that the person can see: only these are named or guessed */
export function readCluster(
  typed: string,
  clusters: ReadonlyMap<string, Cluster>,
  names: readonly string[],
): PartReading<Cluster> {
  const cluster = clusters.get(typed.toLowerCase());
  if (cluster) return understood(cluster, cluster.name);
  const said = typed ? `There is no cluster ${typed}.` : "Say which cluster.";
  const guess = nearest(typed, names);
  const meant = guess === null ? null : (clusters.get(guess) ?? null);
  const known = names.length > 0 ? ` Clusters: ${names.join(", ")}.` : "";
  return mistaken(`${said}${known}`, guess ?? "<cluster>", meant);
}

/** Without a cluster, a level can only be missing. */
export function readLevel(typed: string, cluster: Cluster | null): PartReading<Level> {
  if (!cluster && !typed) return mistaken("Say which level.", "<level>");
  if (!cluster) return { value: null, meant: null, mistake: null, corrected: typed, shown: typed };
  const level = cluster.levels.find((each) => each.name === typed.toLowerCase());
  if (level) return understood(level, level.name);
  const names = cluster.levels.map((each) => each.name);
  const said = typed ? `${cluster.name} does not offer ${typed}.` : "Say which level.";
  const guess = nearest(typed, names);
  const meant = cluster.levels.find((each) => each.name === guess) ?? null;
  return mistaken(`${said} Levels: ${names.join(", ")}.`, guess ?? "<level>", meant);
}

export interface NamedPerson {
  /** As typed, for example `@bob`; in a form the user id. */
  readonly name: string;
  /** Slack user id; null: Slack sent only a name, which several people can have. */
  readonly user: string | null;
  /** Whether the name ends the reason, perhaps as a part of it. */
  readonly isAtEnd: boolean;
}

/** The person who gets the access. Null without a mistake: the person who asks. */
export function readPerson(named: NamedPerson | null): PartReading<string> {
  if (!named) return { value: null, meant: null, mistake: null, corrected: "", shown: "" };
  const { name, user, isAtEnd } = named;
  const corrected = `for ${name}`;
  if (user === null) {
    const form = "Choose the person in the form: /eks-access request. The app's manifest lacks should_escape: true.";
    return mistaken(`Slack sent ${name} as a name. ${form}`, corrected);
  }
  if (isAtEnd) return mistaken(`Does ${name} get the access? ${beforeReason}`, corrected);
  return understood(user, name, corrected);
}

const beforeReason = "If so, write it before the reason.";

export const ownArnWords = "`aws sts get-caller-identity` prints yours; `/eks-access link <arn>` saves it.";

/** A level with groups gives them to everyone with a role, so a session is a mistake there. @param level null: unknown */
export function readArn(typed: string, level: Pick<Level, "groups"> | null): PartReading<Holder> {
  if (!typed) return mistaken(`Say which role or user. ${ownArnWords}`, arnPlaceholder);
  if (typed.length > maxArn) return mistaken(notOfPrincipal, arnPlaceholder);
  const reading = level && bindsRoles(level.groups) ? readHolder(typed) : readPrincipal(typed);
  if (reading.type === "principal") return understood(reading.principal, reading.principal.arn);
  const suggestion = reading.suggestion === undefined ? null : readPrincipal(reading.suggestion);
  if (suggestion?.type !== "principal") return mistaken(reading.message, arnPlaceholder);
  const { principal } = suggestion;
  // A form has no line to copy, so the message has the corrected ARN.
  return mistaken(`${reading.message} (${principal.arn})`, principal.arn, principal);
}

/** A person's identities as a level takes them. @param level null: unknown */
export function ownArnsFor(arns: readonly string[], level: Pick<Level, "groups"> | null): readonly string[] {
  return [...new Set(arns.map((arn) => (level && bindsRoles(level.groups) ? arn : entryArnOf(arn))))];
}

/** The principal of a request without one: the identity itself if the level binds roles, else its role or user. @param level null: unknown */
export function readOwnIdentity({ arns, why }: OwnIdentities, level: Level | null): PartReading<Holder> {
  const own = ownArnsFor(arns, level);
  const names = new Set(own.map((arn) => identityInWords(arn)));
  // Two accounts can have equal names.
  const which = names.size === own.length ? [...names] : own;
  if (own.length > 1) return mistaken(`Say which identity: ${which.join(" or ")}.`, arnPlaceholder);
  if (own.length === 0 && why !== null) return mistaken(`${why} Or write an ARN.`, arnPlaceholder);
  return readArn(own[0] ?? "", level);
}

/** A principal that the policy refuses is a mistake too: no line with it is valid. */
export function keepToPolicy(
  principal: PartReading<Holder>,
  cluster: Cluster | null,
  level: Level | null,
): PartReading<Holder> {
  if (!principal.meant || !cluster || !level) return principal;
  const refusal = refuseRequest({ cluster, level, principal: principal.meant, durationSeconds: 1 });
  if (!refusal) return principal;
  return mistaken(principal.mistake ? `${principal.mistake} ${refusal.message}` : refusal.message, arnPlaceholder);
}

const namespaceForm = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
export const maxNamespaces = 20;
export const namespacesPlaceholder = "<namespaces>";

export function isNamespaceName(text: string): boolean {
  return namespaceForm.test(text);
}

/** The namespaces for a level that lets the requester choose, sorted, with commas; empty for any other level. */
export function readNamespaces(typed: string, level: Level | null): PartReading<string> {
  if (!level || !choosesNamespaces(level.groups)) return understood("", "", "");
  const names = [...new Set(typed.toLowerCase().match(/[^\s,`"'“”‘’[\]]+/g) ?? [])].toSorted();
  const corrected = `in ${namespacesPlaceholder}`;
  if (names.length === 0 || typed === namespacesPlaceholder) {
    return mistaken(`Name the namespaces for ${level.name}, for example: in shop,payments.`, corrected);
  }
  const wrong = names.find((name) => !isNamespaceName(name));
  if (wrong !== undefined) return mistaken(`"${wrong.slice(0, 64)}" is not a namespace name.`, corrected);
  if (names.length > maxNamespaces) return mistaken(`Name at most ${maxNamespaces} namespaces.`, corrected);
  return understood(names.join(","), names.join(","), `in ${names.join(",")}`);
}

export function readDuration(typed: string | null, level: Level | null): PartReading<number> {
  const longest = level?.maxDurationSeconds ?? Number.POSITIVE_INFINITY;
  if (typed === null) {
    const seconds = Math.min(defaultDurationSeconds, longest);
    return understood(seconds, formatDuration(seconds), "");
  }
  const seconds = readTime(typed);
  if (seconds === null) {
    const said = typed ? `"${typed}" is not a duration. ` : "";
    return mistaken(`${said}Write for example 30m, 4h or 1h30m.`, `for ${durationPlaceholder}`);
  }
  const tooLong = level && refuseDuration(level, seconds);
  if (tooLong) return mistaken(tooLong, `for ${formatDuration(longest).replaceAll(" ", "")}`);
  return understood(seconds, formatDuration(seconds), `for ${typed}`);
}

/** A time that can be the duration or the end of the reason: a wrong guess would give too little or too much. */
export function askIfDuration(time: string, level: Level | null): PartReading<number> {
  const reading = readDuration(time, level);
  if (readTime(time) === null) return reading;
  return mistaken(`Is ${time} the duration? ${beforeReason}`, reading.corrected);
}

export function takesTicket({ ticket }: Cluster): boolean {
  return ticket.need !== "none";
}

/** Null without a mistake: the request has no ticket and needs none. */
export function readTicket(typed: string | null, cluster: Cluster | null): PartReading<string> {
  const ticket = typed?.trim() ?? "";
  const none = { value: null, meant: null, mistake: null, corrected: "", shown: "" };
  if (!cluster || !takesTicket(cluster)) return none;
  if (ticket === "" || ticket === ticketPlaceholder) {
    if (cluster.ticket.need === "optional" && typed !== ticketPlaceholder) return none;
    return mistaken(`${cluster.name} needs a ticket.`, `ticket ${ticketPlaceholder}`);
  }
  const refusal = refuseTicket(cluster.ticket, ticket);
  return refusal ? mistaken(refusal, `ticket ${ticketPlaceholder}`) : understood(ticket, ticket, `ticket ${ticket}`);
}

/** Nothing that people see: such as joiners, Hangul fillers and the empty Braille pattern. */
const isBlank = /^[\s\u2800\p{Default_Ignorable_Code_Point}]*$/u;

export function readReason(typed: string): PartReading<string> {
  const reason = typed.trim();
  if (reason.length > maxReasonLength) {
    const start = startOf(reason, maxReasonLength).trim();
    return mistaken(tooLongText("The reason", reason.length, maxReasonLength), start);
  }
  if (isBlank.test(reason) || reason === reasonPlaceholder) return mistaken("Say why you need it.", reasonPlaceholder);
  return understood(reason, `"${reason}"`, reason);
}

/** The known word nearest to the typed one; null: none is near enough. */
export function nearest(typed: string, known: readonly string[]): string | null {
  const ranked = known
    // A very long text is near no word, and must not keep the process busy.
    .filter((word) => Math.abs(word.length - typed.length) <= allowed(word))
    .map((word) => ({ word, distance: editDistance(typed.toLowerCase(), word.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance);
  const [best] = ranked;
  return best && best.distance <= allowed(best.word) ? best.word : null;
}

function allowed(word: string): number {
  return Math.max(1, Math.floor(word.length / 3));
}

/** Two letters in the wrong order are one mistake. */
function editDistance(a: string, b: string): number {
  let before: readonly number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const replace = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const isSwapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const swap = isSwapped ? (before[j - 2] ?? 0) + 1 : replace;
      next.push(Math.min(replace, swap, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    before = row;
    row = next;
  }
  return row[b.length] ?? 0;
}

export interface PrincipalHint {
  readonly message: string;
  /** The corrected ARN, if it is certain; null: it is not. */
  readonly suggestion: string | null;
}

/** Mistakes that more typing can't correct. */
const finalMistakes = new Set(["arn-root", "arn-group", "arn-instance-profile", "arn-wildcard", "arn-partition"]);

/** The mistake in an ARN while a person types; null: none yet. */
export function principalHint(
  typed: string,
  cluster: Cluster | null,
  level: Level | null = null,
): PrincipalHint | null {
  const text = typed.trim();
  const reading = level && bindsRoles(level.groups) ? readHolder(text) : readPrincipal(text);
  if (reading.type === "principal") return policyHint(reading.principal, cluster, level);
  if (reading.suggestion !== undefined) return { message: reading.message, suggestion: reading.suggestion };
  return finalMistakes.has(reading.code) ? { message: reading.message, suggestion: null } : null;
}

function policyHint(principal: Holder, cluster: Cluster | null, chosen: Level | null): PrincipalHint | null {
  const level = chosen ?? cluster?.levels[0];
  if (!cluster || !level) return null;
  const refusal = refuseRequest({ cluster, level, principal, durationSeconds: 1 });
  return refusal && { message: refusal.message, suggestion: null };
}
