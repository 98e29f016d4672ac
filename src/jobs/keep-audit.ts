import type { Logger } from "pino";
import type { ChainedEvent } from "../audit/event.ts";
import type { AuditSettings } from "../config/config.ts";
import type { AuditLog } from "../ledger/audit-log.ts";
import type { Ledger } from "../ledger/ledger.ts";

const pageSize = 500;

/**
 * Copies out what was not copied yet: each event once, in order; twice where a process dies in between, never not at
 * all. `write` is given one event and its place in the chain.
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

/** Forgets the events that are older than the configuration keeps them. What was not copied out yet is kept. */
export async function forgetOldEvents(log: AuditLog, settings: AuditSettings, now: Date): Promise<void> {
  if (settings.keepSeconds === null) return;
  const keptSince = now.getTime() - settings.keepSeconds * 1000;
  for (;;) {
    const { count } = await log.base();
    const copied = settings.copyToLog ? await log.copied() : Number.POSITIVE_INFINITY;
    const page = await log.events(count + 1, pageSize);
    const isOld = ({ event, sequence }: ChainedEvent) => Date.parse(event.at) < keptSince && sequence <= copied;
    const firstKept = page.findIndex((each) => !isOld(each));
    const old = firstKept < 0 ? page : page.slice(0, firstKept);
    const last = old.at(-1);
    if (!last) return;
    await log.forgetUpTo(last);
    if (old.length < pageSize) return;
  }
}

export interface KeeperContext {
  readonly auditLog: AuditLog;
  readonly ledger: Pick<Ledger, "takeTurn">;
  readonly settings: AuditSettings;
  readonly log: Logger;
  readonly now: () => Date;
}

const copyEveryMs = 1_000;
const forgetEveryMs = 3_600_000;

/** Copies and forgets, as the configuration says, as long as the worker runs; one worker at a time. */
export function startAuditKeeper(context: KeeperContext): { stop: () => Promise<void> } {
  let keeping: Promise<void> = Promise.resolve();
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

async function keep({ auditLog, ledger, settings, log, now }: KeeperContext): Promise<void> {
  try {
    if (settings.copyToLog && (await ledger.takeTurn("audit-copy", copyEveryMs * 0.9))) {
      await copyEvents(auditLog, (event) => log.info({ audit: event }, "audit"));
    }
    if (settings.keepSeconds !== null && (await ledger.takeTurn("audit-forget", forgetEveryMs))) {
      await forgetOldEvents(auditLog, settings, now());
    }
  } catch (error) {
    log.warn({ err: error }, "the audit log could not be kept; the next try is due soon");
  }
}
