import type { Logger } from "pino";
import type { PreviewKeys, WorkerKeys } from "../access/approval/seal.ts";
import { brokenLogBase, isSealedByNewestKey, sealLogBase } from "../access/approval/seals.ts";
import { type BrokenChain, type ChainedEvent, verifyChain } from "../access/audit/event.ts";
import type { LogBase } from "../access/audit/verify-log.ts";
import type { AuditSettings } from "../config/config.ts";
import type { AuditLog } from "../ledger/audit-log.ts";
import type { Ledger } from "../ledger/ledger.ts";

const pageSize = 500;
/** The base keeps this many anchors of removed events: ten years, one a day. */
const mostAnchors = 4_000;

/**
 * Copies out each new event once, in order. A process that dies in between copies it twice, never not at all.
 * @param write gets one event and its place in the chain
 */
export async function copyEvents(log: AuditLog, write: (event: ChainedEvent) => void): Promise<void> {
  for (;;) {
    const page = await log.events((await log.copied()) + 1, pageSize);
    for (const event of page) write(event);
    const last = page.at(-1);
    if (!last) return;
    await log.markCopied(last.sequence);
  }
}

/**
 * Removes events older than the configuration keeps them, and signs the new beginning of the log. Keeps what was not copied out. Removes
 * nothing from a broken log, because the signature would declare it whole.
 * @returns where the log is broken
 */
export async function forgetOldEvents(
  log: AuditLog,
  settings: AuditSettings,
  keys: PreviewKeys,
  now: Date,
): Promise<BrokenChain | null> {
  if (settings.keepSeconds === null) return null;
  const keptSince = now.getTime() - settings.keepSeconds * 1000;
  for (;;) {
    const base = await log.base();
    const copied = settings.copyToLog ? await log.copied() : Number.POSITIVE_INFINITY;
    const page = await log.events(base.count + 1, pageSize);
    const isOld = ({ event, sequence }: ChainedEvent) => Date.parse(event.at) < keptSince && sequence <= copied;
    const firstKept = page.findIndex((each) => !isOld(each));
    const old = firstKept < 0 ? page : page.slice(0, firstKept);
    const last = old.at(-1);
    const chain = brokenLogBase(base, keys) ?? verifyChain(old, base.hash, base.count + 1);
    if (chain.type === "broken") return chain;
    if (!last) return null;
    await log.beginAt(sealLogBase(await baseAfter(log, base, old, last), keys), base);
    if (old.length < pageSize) return null;
  }
}

/** The log's beginning without these events, with the anchors that were among them. */
async function baseAfter(
  log: AuditLog,
  base: LogBase,
  old: readonly ChainedEvent[],
  { sequence: count, hash }: ChainedEvent,
): Promise<Omit<LogBase, "seal">> {
  const hashes = new Map(old.map((each) => [each.sequence, each.hash]));
  const met = (await log.anchors(count)).filter((anchor) => hashes.get(anchor.count) === anchor.hash);
  return { count, hash, anchors: [...base.anchors, ...met].slice(-mostAnchors) };
}

/** Signs a genuine beginning again with the newest key, before a rotation removes the old one. */
export async function sealBaseAnew(log: AuditLog, keys: PreviewKeys): Promise<void> {
  const base = await log.base();
  if (isSealedByNewestKey(base, keys) || brokenLogBase(base, keys)) return;
  await log.beginAt(sealLogBase(base, keys), base);
}

export interface KeeperContext {
  readonly auditLog: AuditLog;
  readonly ledger: Pick<Ledger, "takeTurn">;
  readonly settings: () => AuditSettings;
  readonly keys: Pick<WorkerKeys, "preview">;
  readonly log: Logger;
  readonly now: () => Date;
}

const copyEveryMs = 1_000;
const forgetEveryMs = 3_600_000;

/** Copies and removes, as the configuration says, while the worker runs; one worker at a time. */
export function startAuditKeeper(context: KeeperContext): { stop: () => Promise<void> } {
  let keeping: Promise<void> = sealBaseAnew(context.auditLog, context.keys.preview).catch((error: unknown) => {
    context.log.warn({ err: error }, "the beginning of the audit log could not be signed with the newest key");
  });
  let isIdle = true;
  const timer = setInterval(() => {
    if (!isIdle) return;
    isIdle = false;
    keeping = keep(context).finally(() => {
      isIdle = true;
    });
  }, copyEveryMs);
  return {
    stop: () => {
      clearInterval(timer);
      return keeping;
    },
  };
}

async function keep({ auditLog, ledger, keys, log, now, ...context }: KeeperContext): Promise<void> {
  const settings = context.settings();
  try {
    if (settings.copyToLog && (await ledger.takeTurn("audit-copy", copyEveryMs * 0.9))) {
      await copyEvents(auditLog, (event) => log.info({ audit: event }, "audit"));
    }
    if (settings.keepSeconds !== null && (await ledger.takeTurn("audit-forget", forgetEveryMs))) {
      const broken = await forgetOldEvents(auditLog, settings, keys.preview, now());
      if (broken) log.error({ message: broken.message }, "the audit log is broken, and nothing of it is forgotten");
    }
  } catch (error) {
    log.warn({ err: error }, "the audit log could not be kept; the next try is due soon");
  }
}
