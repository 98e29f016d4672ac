import type { WebClient } from "@slack/web-api";
import type { Logger } from "pino";
import type { SlackKeys } from "../../access/approval/seal.ts";
import { brokenBase } from "../../access/approval/seal-base.ts";
import type { LogBase } from "../../access/audit/anchor.ts";
import { type Anchor, formatAnchor } from "../../access/audit/anchor.ts";
import type { ChainVerdict } from "../../access/audit/event.ts";
import { verifyLog } from "../../access/audit/verify-log.ts";
import type { AuditSettings } from "../../config/config.ts";
import type { AuditLog } from "../../ledger/audit-log.ts";
import type { Ledger } from "../../ledger/ledger.ts";
import { slackFailure } from "../app/slack-failure.ts";
import type { Message } from "../blocks/message.ts";
import { code, plainLine, section } from "../blocks/mrkdwn.ts";

export interface AnchorContext {
  readonly auditLog: AuditLog;
  readonly ledger: Pick<Ledger, "takeTurn">;
  readonly client: WebClient;
  readonly settings: AuditSettings;
  readonly keys: Pick<SlackKeys, "preview">;
  readonly log: Logger;
}

const lookEveryMs = 5_000;
const pageSize = 1000;

/** Posts the chain's value in the audit channel on a schedule, one slack process at a time; null: no channel is named. */
export function startAnchorPoster(context: AnchorContext): { stop: () => Promise<void> } | null {
  const { channel } = context.settings;
  if (channel === null) return null;
  const post = poster(context, channel);
  let posting: Promise<void> = Promise.resolve();
  let isIdle = true;
  const tick = () => {
    if (!isIdle) return;
    isIdle = false;
    posting = post().finally(() => {
      isIdle = true;
    });
  };
  const timer = setInterval(tick, lookEveryMs);
  tick();
  return {
    stop: () => {
      clearInterval(timer);
      return posting;
    },
  };
}

/** What this process has seen is remembered here, where nobody who holds Redis can change it. */
function poster(
  { auditLog, ledger, client, settings, keys, log }: AnchorContext,
  channel: string,
): () => Promise<void> {
  let seen: Anchor | null = null;
  let isOwed = false;
  return async () => {
    try {
      isOwed ||= await ledger.takeTurn("anchor", settings.anchorEverySeconds * 1000);
      if (!isOwed) return;
      const verdict = await verifyFrom(auditLog, keys, seen);
      const anchor = verdict.type === "whole" ? { count: verdict.count, hash: verdict.head } : null;
      if (anchor) await auditLog.noteAnchor(anchor);
      const { text, blocks } = anchorMessage(verdict);
      await client.chat.postMessage({ channel, text, blocks: [...blocks] });
      isOwed = false;
      seen = anchor ?? seen;
      if (verdict.type === "broken") log.error({ message: verdict.message }, "the audit log is broken");
    } catch (error) {
      log.warn({ err: slackFailure(error, `The audit channel ${channel}`) }, "an anchor could not be posted yet");
    }
  };
}

/** From the last anchor on: its event must still be there, as it was, and everything after it must follow. */
async function verifyFrom(auditLog: AuditLog, keys: AnchorContext["keys"], seen: Anchor | null): Promise<ChainVerdict> {
  for (;;) {
    const base = await auditLog.base();
    const verdict = brokenBase(base, keys.preview) ?? (await verifyAfter(auditLog, base, seen));
    // A worker that forgets events meanwhile leaves a gap for who still reads from where the log began before.
    if (verdict.type === "whole" || (await auditLog.base()).count === base.count) return verdict;
  }
}

async function verifyAfter(auditLog: AuditLog, base: LogBase, seen: Anchor | null): Promise<ChainVerdict> {
  const start = await startOf(auditLog, base, seen);
  const verification = verifyLog(start, seen ? [seen] : []);
  for (let from = start.count + 1; ; ) {
    const page = await auditLog.events(from, pageSize);
    const broken = verification.take(page);
    if (broken) return broken;
    if (page.length === 0) return verification.end();
    from += page.length;
  }
}

async function startOf(auditLog: AuditLog, base: LogBase, seen: Anchor | null): Promise<Omit<LogBase, "seal">> {
  if (!seen || seen.count <= base.count) return base;
  const [event] = await auditLog.events(seen.count, 1);
  return { count: seen.count - 1, hash: event?.previous ?? seen.hash, anchors: [] };
}

/** What is posted in the audit channel: a value that nobody who holds Redis can change afterwards. */
function anchorMessage(verdict: ChainVerdict): Message {
  if (verdict.type === "broken") {
    const text = `:rotating_light: *The audit log is broken* ${plainLine(verdict.message)} Keep a copy of Redis, and compare it with ${code("eks-access audit verify")} and the anchors above.`;
    return { text: "The audit log is broken", blocks: [section(text)] };
  }
  const anchor: Anchor = { count: verdict.count, hash: verdict.head };
  const text = [
    `*Audit log* whole, ${verdict.count} events. Its anchor:`,
    code(formatAnchor(anchor)),
    `${code("eks-access audit verify --anchor COUNT:HASH")} checks the log against it at any later time.`,
  ].join("\n");
  return { text: `Audit log whole, ${verdict.count} events`, blocks: [section(text)] };
}
