import type { ChainVerdict } from "../../access/audit-event.ts";
import type { SlackKeys } from "../../access/seal.ts";
import { type Anchor, brokenLogBase, formatAnchor, type LogBase, verifyLog } from "../../access/verify-log.ts";
import type { AuditSettings } from "../../config/config.ts";
import type { AuditLog } from "../../ledger/audit-log.ts";
import { pagesOf, type ReadableLog } from "../../ledger/verify-audit-log.ts";
import type { Ticking } from "../../operations/stoppable.ts";
import { announcement, type Message } from "./message.ts";
import { code, plainLine } from "./mrkdwn.ts";
import { type PostContext, postClaimed, startPosting } from "./notice-poster.ts";

export interface AnchorContext extends PostContext {
  readonly auditLog: ReadableLog & Pick<AuditLog, "noteAnchor">;
  readonly settings: () => AuditSettings;
  readonly keys: Pick<SlackKeys, "preview">;
}

/** Posts the audit log's anchor on a schedule, from one Slack process at a time. */
export function startAnchorPoster(context: AnchorContext): Ticking {
  return startPosting(context.log, "could not post an anchor yet", anchorPoster(context));
}

/** Remembers the last anchor in this process, which an attacker with Redis can't reach. */
function anchorPoster(context: AnchorContext): () => Promise<void> {
  const { auditLog, ledger, settings, log } = context;
  let seen: Anchor | null = null;
  return async () => {
    const { channel, anchorEverySeconds } = settings();
    if (channel === null) return;
    const forMs = anchorEverySeconds * 1000;
    if (!(await ledger.claimTurn("anchor", forMs))) return;
    const verdict = await verifyFrom(context, seen);
    const anchor = verdict.type === "whole" ? { count: verdict.count, hash: verdict.head } : null;
    if (anchor) await auditLog.noteAnchor(anchor);
    const posted = await postClaimed(context, { turns: ["anchor"], channel, forMs }, anchorMessage(verdict));
    if (posted === "posted") seen = anchor ?? seen;
    if (verdict.type === "broken") log.error({ message: verdict.message }, "the audit log is broken");
  };
}

/** From the last anchor on: its event must be unchanged, and everything after it must follow. */
async function verifyFrom({ auditLog, keys }: AnchorContext, seen: Anchor | null): Promise<ChainVerdict> {
  for (;;) {
    const base = await auditLog.base();
    const verdict = brokenLogBase(base, keys.preview) ?? (await verifyAfter(auditLog, base, seen));
    // A worker may just have removed old events, which looks like a gap.
    if (verdict.type === "whole" || (await auditLog.base()).count === base.count) return verdict;
  }
}

async function verifyAfter(auditLog: ReadableLog, base: LogBase, seen: Anchor | null): Promise<ChainVerdict> {
  const start = await startOf(auditLog, base, seen);
  const verification = verifyLog(start, seen ? [seen] : []);
  for await (const page of pagesOf(auditLog, start.count + 1)) {
    const broken = verification.take(page);
    if (broken) return broken;
  }
  return verification.end();
}

async function startOf(auditLog: ReadableLog, base: LogBase, seen: Anchor | null): Promise<Omit<LogBase, "seal">> {
  if (!seen || seen.count <= base.count) return base;
  const [event] = await auditLog.events(seen.count, 1);
  const { erasures = new Map() } = base;
  return { count: seen.count - 1, hash: event?.previous ?? seen.hash, anchors: [], erasures };
}

/** The anchor in the audit channel, which an attacker with Redis can't change. */
export function anchorMessage(verdict: ChainVerdict): Message {
  if (verdict.type === "broken")
    return announcement(
      `:rotating_light: *The audit log is broken* ${plainLine(verdict.message)} Copy Redis. Compare it with ${code("eks-access audit verify")} and the anchors above.`,
    );
  const anchor: Anchor = { count: verdict.count, hash: verdict.head };
  return announcement(
    `*Audit log* whole, ${verdict.count} events. Its anchor:`,
    code(formatAnchor(anchor)),
    `${code("eks-access audit verify --anchor COUNT:HASH")} checks it.`,
  );
}
