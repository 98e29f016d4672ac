import { AccessReview, type ReviewScope, type ReviewSummary } from "../access/access-review.ts";
import type { AuditEvent, BrokenChain, ChainedEvent, ChainVerdict } from "../access/audit-event.ts";
import type { PreviewPublicKeys } from "../access/seal.ts";
import { type Anchor, brokenLogBase, type LogBase, verifyLog } from "../access/verify-log.ts";
import type { AuditLog } from "./audit-log.ts";

const pageSize = 1000;

export type ReadableLog = Pick<AuditLog, "base" | "events">;

/** The events from this number on, a page at a time. */
export async function* pagesOf(
  log: Pick<ReadableLog, "events">,
  first: number,
): AsyncGenerator<readonly ChainedEvent[]> {
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
