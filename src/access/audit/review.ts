import type { AuditEvent, Json } from "./event.ts";

/** The columns of the review report. `askedBy`: the person who asked for another one. `emergency`: `emergency`, or empty. */
const columns = [
  ...(["request", "cluster", "requester", "askedBy", "principal", "level", "groups", "reason", "ticket"] as const),
  ...(["approvedBy", "emergency", "reviewedBy", "began", "ended", "endedBy"] as const),
] as const;

/** One access of a person. Times are ISO 8601; empty: the events do not show it. */
export type AccessRow = Readonly<Record<(typeof columns)[number], string>>;

/** The rows of access in this time. */
export interface ReviewScope {
  readonly from: Date | null;
  readonly to: Date | null;
  readonly cluster: string | null;
}

type Fields = Partial<AccessRow>;

/** Collects each access with its approvals and reviews, event by event. Its memory grows with the number of requests. */
export class AccessReview {
  readonly #rows = new Map<string, Fields>();

  take(event: AuditEvent): void {
    const known = this.#rows.get(event.request) ?? {};
    const learned = event.request === "" ? null : learnedFrom(event, known);
    if (learned) this.#rows.set(event.request, { cluster: event.cluster, ...known, ...learned });
  }

  rows({ from, to, cluster }: ReviewScope): readonly AccessRow[] {
    const isInScope = ({ began, ended, cluster: place }: AccessRow) =>
      began !== "" &&
      (cluster === null || place === cluster) &&
      (to === null || Date.parse(began) < to.getTime()) &&
      (from === null || ended === "" || Date.parse(ended) >= from.getTime());
    return [...this.#rows]
      .map(([request, fields]) => ({ ...emptyRow, ...fields, request }))
      .filter(isInScope)
      .toSorted((a, b) => a.began.localeCompare(b.began));
  }
}

const emptyRow = Object.fromEntries(columns.map((name) => [name, ""])) as AccessRow;

function learnedFrom({ type, at, actor, detail }: AuditEvent, known: Fields): Fields | null {
  switch (type) {
    case "request.created":
      return { ...requesterOf(actor, detail), ...wishOf(detail) };
    case "emergency.taken":
      return { requester: actor, ...wishOf(detail), emergency: "emergency" };
    case "lease.recovered":
      return wishOf(detail);
    case "request.approved":
    case "request.self-approved":
      return { approvedBy: textOf(detail.approvers) || actor };
    case "emergency.reviewed":
      return { reviewedBy: actor };
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

function requesterOf(actor: string, { requester }: AuditEvent["detail"]): Fields {
  return typeof requester === "string" ? { requester, askedBy: actor } : { requester: actor };
}

function wishOf({ principal, level, groups, reason, ticket }: AuditEvent["detail"]): Fields {
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

function cellOf(text: string): string {
  const plain = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain;
}
