import { AccessReview, type ReviewScope, type ReviewSummary } from "../access/audit/access-review.ts";
import type { ErasedEvent } from "../access/audit/audit-erasure.ts";
import { type Anchor, brokenLogBase, type LogBase, verifyLog } from "../access/audit/verify-log.ts";
import type { AuditEvent, BrokenChain, ChainedEvent, ChainVerdict } from "../access/audit-event.ts";
import type { PreviewPublicKeys } from "../access/seal.ts";

/** The ledger's events as a log: read, delivered to sinks, and limited in time. Only the ledger's own commits add to it. */
export interface AuditLog {
  /** Events from this sequence number on (the first is 1), in order. */
  events(from: number, limit: number): Promise<readonly ChainedEvent[]>;
  head(): Promise<Anchor>;
  /** The beginning of the log, as stored: the reader has to verify it. */
  base(): Promise<LogBase>;
  /** Never back. Nothing happens if the event is absent, or if the log no longer begins at `before`. */
  beginAt(base: LogBase, before: LogBase): Promise<void>;
  /** In one step: events become their remains, and the log has this event. False: the beginning is no longer `before`. */
  erase(erased: ReadonlyMap<number, ErasedEvent>, base: LogBase, before: LogBase, event: AuditEvent): Promise<boolean>;
  /** The posted anchors up to this event, oldest first. An attacker with Redis can forge them. */
  anchors(upTo: number): Promise<readonly Anchor[]>;
  /** Stores a posted anchor for checks after its event is removed. */
  noteAnchor(anchor: Anchor): Promise<void>;
  /** The sequence number of the newest event that this sink has; 0: none. */
  delivered(sink: string): Promise<number>;
  /** Never moves back. */
  markDelivered(sink: string, sequence: number): Promise<void>;
}

const pageSize = 1000;

export type ReadableLog = Pick<AuditLog, "base" | "events">;

/** The events from this number on, a page at a time. */
export async function* pagesOf(log: ReadableLog, first: number): AsyncGenerator<readonly ChainedEvent[]> {
  for (let from = first; ; ) {
    const page = await log.events(from, pageSize);
    if (page.length === 0) return;
    yield page;
    from = (page.at(-1)?.sequence ?? from) + 1;
  }
}

/** @param keysFor can have signed this beginning @param anchors copied elsewhere @param take gets each event @throws AccessError */
export async function verifyAuditLog(
  log: ReadableLog,
  keysFor: (base: LogBase) => PreviewPublicKeys,
  anchors: readonly Anchor[],
  take: (event: AuditEvent) => void = () => {},
): Promise<ChainVerdict> {
  const base = await log.base();
  const unsigned = brokenLogBase(base, keysFor(base));
  if (unsigned) return unsigned;
  const verification = verifyLog(base, anchors);
  for await (const page of pagesOf(log, base.count + 1)) {
    const broken = verification.take(page);
    if (broken) return broken;
    for (const { event } of page) take(event);
  }
  return verification.end();
}

/** The access, approvals and reviews in the log. A broken log gives no review. @param newest rows @throws AccessError */
export async function readAccessReview(
  log: ReadableLog,
  keysFor: (base: LogBase) => PreviewPublicKeys,
  scope: ReviewScope,
  newest?: number,
): Promise<ReviewSummary | BrokenChain> {
  for (;;) {
    const review = new AccessReview(scope, newest);
    const { count } = await log.base();
    const verdict = await verifyAuditLog(log, keysFor, [], (event) => review.take(event));
    if (verdict.type === "whole") return review.summary();
    // A worker can remove old events meanwhile, which looks like a gap.
    if ((await log.base()).count === count) return verdict;
  }
}
