import { type AuditEvent, type EventType, peopleIn } from "./audit-event.ts";
import type { Json } from "./seal.ts";

/** The columns of the review report. `askedBy`: the person who asked for another person. `emergency`: `emergency`, or empty. */
const columns = [
  ...(["request", "cluster", "requester", "askedBy", "principal", "level", "groups", "reason", "ticket"] as const),
  ...(["approvedBy", "emergency", "reviewedBy", "began", "ended", "endedBy"] as const),
] as const;

/** One access of a person. Times are ISO 8601; empty: the events do not show it. */
export type AccessRow = Readonly<Record<(typeof columns)[number], string>>;

/** The rows of access in this time, on these clusters (null: all). */
export interface ReviewScope {
  readonly from: Date | null;
  readonly to: Date | null;
  readonly clusters: readonly string[] | null;
}

type Fields = Partial<AccessRow>;

/** Rows in the order of their beginnings, with the number of all leases and people: a summary can hold the newest alone. */
export interface ReviewSummary {
  readonly rows: readonly AccessRow[];
  readonly count: number;
  readonly people: number;
}

/** Event by event, in bounded memory: it forgets all outside its scope, and ended accesses but the `newest`. */
export class AccessReview {
  readonly #rows = new Map<string, Fields>();
  readonly #ended = new Map<string, AccessRow>();
  readonly #people = new Set<string>();
  readonly #scope: ReviewScope;
  readonly #newest: number;
  #left = 0;

  constructor(scope: ReviewScope, newest = Number.POSITIVE_INFINITY) {
    this.#scope = scope;
    this.#newest = newest;
  }

  take(event: AuditEvent): void {
    const { request, type, cluster } = event;
    if (request === "" || this.#scope.clusters?.includes(cluster) === false) return;
    const known = this.#ended.get(request) ?? this.#rows.get(request) ?? {};
    const learned = learnedFrom(event, known);
    if (learned) this.#keep(request, { cluster, ...known, ...learned });
    if (gaveNothing.has(type) && !known.began) this.#rows.delete(request);
  }

  #keep(request: string, fields: Fields): void {
    if (!fields.ended) {
      this.#rows.set(request, fields);
      return;
    }
    this.#rows.delete(request);
    const row = rowOf(request, fields);
    if (!isInScope(row, this.#scope)) return;
    this.#ended.set(request, row);
    if (this.#ended.size > this.#newest) this.#leaveOldest();
  }

  #leaveOldest(): void {
    const [oldest] = [...this.#ended.values()].toSorted(byBeginning);
    if (!oldest) return;
    this.#ended.delete(oldest.request);
    this.#people.add(oldest.requester);
    this.#left += 1;
  }

  summary(): ReviewSummary {
    const open = [...this.#rows].map(([request, fields]) => rowOf(request, fields));
    const rows = [...open.filter((row) => isInScope(row, this.#scope)), ...this.#ended.values()].toSorted(byBeginning);
    const people = new Set([...this.#people, ...rows.map(({ requester }) => requester)]);
    return { rows, count: rows.length + this.#left, people: people.size };
  }
}

/** Ends of a request that never gave access. */
const gaveNothing: ReadonlySet<string> = new Set<EventType>([
  "request.denied",
  "request.cancelled",
  "request.expired",
  "request.refused",
  "lease.failed",
]);

function byBeginning(one: AccessRow, other: AccessRow): number {
  return one.began.localeCompare(other.began);
}

function isInScope({ began, ended }: AccessRow, { from, to }: ReviewScope): boolean {
  return (
    began !== "" &&
    (to === null || Date.parse(began) < to.getTime()) &&
    (from === null || ended === "" || Date.parse(ended) >= from.getTime())
  );
}

function rowOf(request: string, fields: Fields): AccessRow {
  return { ...emptyRow, ...fields, request };
}

const emptyRow = Object.fromEntries(columns.map((name) => [name, ""])) as AccessRow;

function learnedFrom({ type, at, actor, detail }: AuditEvent, known: Fields): Fields | null {
  switch (type) {
    case "request.created":
      return { ...peopleIn(actor, detail), ...requestedOf(detail) };
    case "emergency.taken":
      return { requester: actor, ...requestedOf(detail), emergency: "emergency" };
    case "lease.recovered":
      // The log that had its beginning is lost.
      return { ...recoveredOf(detail), ...requestedOf(detail), began: known.began || at };
    case "request.approved":
    case "request.self-approved":
      return { approvedBy: textOf(detail.approvers) || actor };
    case "emergency.reviewed":
      return known.cluster === undefined ? null : { reviewedBy: actor };
    case "approval.void":
      return { approvedBy: "" };
    case "lease.active":
      return { began: known.began || at };
    case "lease.ending":
      return { endedBy: actor };
    case "lease.ended":
      return { ended: at, endedBy: [textOf(detail.cause), known.endedBy].filter(Boolean).join(" by ") };
    default:
      return null;
  }
}

function recoveredOf({ requester, askedBy, approvers, emergency }: AuditEvent["detail"]): Fields {
  const people = { requester: textOf(requester), askedBy: textOf(askedBy), approvedBy: textOf(approvers) };
  return { ...people, emergency: emergency === true ? "emergency" : "" };
}

function requestedOf({ principal, level, groups, reason, ticket }: AuditEvent["detail"]): Fields {
  const fields = { principal, level, groups, reason, ticket };
  const known = Object.entries(fields).filter(([, value]) => value !== undefined && value !== null);
  return Object.fromEntries(known.map(([name, value]) => [name, textOf(value)]));
}

function textOf(value: Json | undefined): string {
  if (Array.isArray(value)) return value.map(textOf).join(" ");
  return typeof value === "string" ? value : "";
}

/** The rows as CSV (RFC 4180). A cell that a spreadsheet would calculate gets an apostrophe in front. */
export function accessCsv(rows: readonly AccessRow[]): string {
  const lines = rows.map((row) => columns.map((name) => cellOf(row[name])).join(","));
  return [columns.join(","), ...lines].map((line) => `${line}\r\n`).join("");
}

/** Begins a formula: at the beginning of a cell, and after what separates cells in other languages. Excel takes the wide forms too. */
const formula = /(^|[;\t\r\n|])([^\S\t\r\n]*[=+\-@\uff1d\uff0b\uff0d\uff20])/g;

function cellOf(text: string): string {
  const plain = text.replace(formula, "$1'$2").replace(/^[\t\r\n]/, "'$&");
  return /[",\r\n]/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain;
}
