import type { Logger } from "pino";
import {
  type BrokenChain,
  type ChainedEvent,
  type SinkKind,
  sinkKinds,
  sinkName,
  verifyChain,
} from "../../access/audit-event.ts";
import { isOfNewestKey, type PreviewKeys, type WorkerKeys } from "../../access/seal.ts";
import { brokenLogBase, type LogBase, sealLogBase } from "../../access/verify-log.ts";
import type { AuditSettings } from "../../config/config.ts";
import type { AuditLog } from "../../ledger/audit-log.ts";
import type { TurnLedger } from "../../ledger/turns.ts";
import { type Deadlines, withinDeadline } from "../../operations/deadlines.ts";
import type { FailureLog } from "../../operations/log.ts";
import { startTicking, type Ticking } from "../../operations/stoppable.ts";
import { auditSinks, deliver } from "./sinks.ts";

const pageSize = 500;
/** The base keeps this many anchors of removed events: ten years, one a day. */
const maxAnchors = 4_000;

/**
 * Removes events older than the configured time, and signs the log's new beginning. It keeps events that a sink lacks.
 * It removes nothing from a broken log, because the signature would declare it whole.
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
    const delivered = await Promise.all(settings.sinks.map((sink) => log.delivered(sinkName(sink))));
    const everywhere = Math.min(...delivered);
    const page = await log.events(base.count + 1, pageSize);
    const isOld = ({ event, sequence }: ChainedEvent) => Date.parse(event.at) < keptSince && sequence <= everywhere;
    const firstKept = page.findIndex((each) => !isOld(each));
    const old = firstKept < 0 ? page : page.slice(0, firstKept);
    const last = old.at(-1);
    const chain = brokenLogBase(base, keys) ?? verifyChain(old, base.hash, base.count + 1, base.erasures);
    if (chain.type === "broken") return chain;
    if (!last) return null;
    await log.beginAt(sealLogBase(await baseAfter(log, base, old, last), keys), base);
    if (old.length < pageSize) return null;
  }
}

async function baseAfter(
  log: AuditLog,
  base: LogBase,
  old: readonly ChainedEvent[],
  { sequence: count, hash }: ChainedEvent,
): Promise<Omit<LogBase, "seal">> {
  const hashes = new Map(old.map((each) => [each.sequence, each.hash]));
  const met = (await log.anchors(count)).filter((anchor) => hashes.get(anchor.count) === anchor.hash);
  const erasures = new Map([...(base.erasures ?? [])].filter(([sequence]) => sequence > count));
  const anchors = [...base.anchors, ...met].slice(-maxAnchors);
  return { count, hash, anchors, ...(erasures.size > 0 && { erasures }) };
}

/** Signs a genuine beginning again with the newest key, before a rotation removes the old key. */
export async function sealBaseAnew(log: AuditLog, keys: PreviewKeys): Promise<void> {
  const base = await log.base();
  if (base.seal === null || isOfNewestKey(base.seal, keys) || brokenLogBase(base, keys)) return;
  await log.beginAt(sealLogBase(base, keys), base);
}

export interface KeeperContext {
  readonly auditLog: AuditLog;
  readonly ledger: Pick<TurnLedger, "takeTurn">;
  readonly settings: () => AuditSettings;
  readonly webhookSecret: Buffer | null;
  readonly keys: Pick<WorkerKeys, "preview">;
  readonly deadlines: Deadlines;
  readonly log: Logger;
  readonly failures: FailureLog;
  readonly now: () => Date;
}

const lookEveryMs = 1_000;
/** One worker at a time sends to a sink: a turn covers its work and a last call. */
const workMs = 2_000;
const maxWaitMs = 300_000;
const forgetEveryMs = 3_600_000;

export function startAuditKeeper(context: KeeperContext): Ticking {
  // A silent sink delays no other.
  const looks = [...sinkKinds.map((kind) => delivery(context, kind)), () => forget(context)];
  const ticking = looks.map((look) => startTicking(lookEveryMs, look));
  return { stop: async () => void (await Promise.all(ticking.map(({ stop }) => stop()))) };
}

/** One kind of sink, with a longer wait after each failure. */
function delivery(context: KeeperContext, kind: SinkKind): () => Promise<void> {
  const { auditLog, ledger, failures, now, deadlines } = context;
  const turnMs = workMs + deadlines.webhook;
  const what = "could not deliver audit events; the next try is due";
  // LOG_LEVEL leaves out lines of the worker's own, and no event.
  const lines = context.log.child({}, { level: "info" });
  const write = (event: ChainedEvent) => lines.info({ audit: event }, "audit");
  let failed = 0;
  let notBefore = 0;
  return async () => {
    const began = now().getTime();
    const sink = auditSinks({ ...context, ...context.settings(), write }).find((each) => each.kind === kind);
    if (!sink || began < notBefore) return;
    try {
      if (!(await ledger.takeTurn(`audit-${sink.name}`, kind === "log" ? lookEveryMs * 0.9 : turnMs))) return;
      const isOutOfTime = () => now().getTime() - began > workMs;
      await withinDeadline("longRun", deadlines, () => deliver(auditLog, sink, isOutOfTime));
      failed = 0;
      failures.over(what, { sink: kind });
    } catch (error) {
      notBefore = began + Math.min(lookEveryMs * 2 ** failed, maxWaitMs);
      failed += 1;
      failures.failed(what, { sink: kind }, error);
    }
  };
}

async function forget({ auditLog, ledger, keys, log, now, ...context }: KeeperContext): Promise<void> {
  const settings = context.settings();
  try {
    if (settings.keepSeconds === null || !(await ledger.takeTurn("audit-forget", forgetEveryMs))) return;
    const broken = await forgetOldEvents(auditLog, settings, keys.preview, now());
    if (broken) log.error({ message: broken.message }, "the audit log is broken, so the worker removes none of it");
  } catch (error) {
    log.warn({ err: error }, "could not remove old audit events; the next try is due in an hour");
  }
}
