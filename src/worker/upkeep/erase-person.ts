import { randomBytes } from "node:crypto";
import { AccessError } from "../../access/access-error.ts";
import { type AuditEvent, erasureMark } from "../../access/audit-event.ts";
import { anotherWriter } from "../../access/lease/drift.ts";
import { isRequest, type LedgerRecord, recordClosedSince } from "../../access/lists.ts";
import { zonesOf } from "../../access/policy/cluster.ts";
import { type ErasedEvent, PersonEraser, sealLogBase } from "../../access/verify-log.ts";
import type { AuditLog } from "../../ledger/audit-log.ts";
import type { PersonData } from "../../ledger/person-data.ts";
import type { Queues } from "../../ledger/queues.ts";
import { pagesOf, verifyAuditLog } from "../../ledger/verify-audit-log.ts";
import type { WorkerContext } from "../context.ts";

export interface ErasureContext extends Pick<WorkerContext, "ledger" | "config" | "keys" | "now"> {
  readonly queues: Queues;
  readonly auditLog: AuditLog;
  readonly personData: PersonData;
}

export interface ErasureOptions {
  /** Recognises the person in a text. */
  readonly person: RegExp;
  readonly by: string;
  readonly why: string;
}

export type ErasureResult =
  | { readonly type: "refused"; readonly message: string }
  /** `kept`: ids of records that can't be removed yet. */
  | { readonly type: "erased"; readonly events: number; readonly records: number; readonly kept: readonly string[] };

/** The chain has the digests, and the worker signs which events it erased. Safe to repeat. @throws AccessError */
export async function erasePerson(context: ErasureContext, options: ErasureOptions): Promise<ErasureResult> {
  const { personData, now } = context;
  const { read, unreadable } = await personData.records(options.person);
  const needed = [
    ...unreadable.map((id) => `The record ${id} names them, and can't be read.`),
    ...read.flatMap((record) => neededWords(record, now())),
  ];
  if (needed.length > 0) return { type: "refused", message: needed.join(" ") };
  const requests = read.filter((record) => isRequest(record) && options.person.test(record.requester));
  const ids = requests.map(({ id }) => id);
  const events = await eraseEvents(context, options, ids);
  if (typeof events === "object") return { type: "refused", message: `The audit log is broken. ${events.message}` };
  const kept = await removeRecords(context, read);
  await personData.forget(options.person);
  await forgetJobs(context);
  return { type: "erased", events, records: read.length - kept.length, kept };
}

/** Why the ledger still needs a record; empty: it does not. */
function neededWords(record: LedgerRecord, now: Date): readonly string[] {
  const since = recordClosedSince(record);
  if (since === null) return [`${record.id} on ${record.cluster} is open: end it first.`];
  if (since <= now.getTime()) return [];
  return [`${record.id} on ${record.cluster} stays until ${new Date(since).toISOString()}.`];
}

/** Another process can change the log's beginning meanwhile. */
const maxTries = 5;

async function eraseEvents(context: ErasureContext, { person, by, why }: ErasureOptions, requests: readonly string[]) {
  const { auditLog, keys, now } = context;
  const pseudonym = `erased-${randomBytes(4).toString("hex")}`;
  for (let tries = 1; ; tries += 1) {
    const before = await auditLog.base();
    // A signature would declare a broken log whole.
    const verdict = await verifyAuditLog(auditLog, () => keys.preview, []);
    if (verdict.type === "broken") return verdict;
    const eraser = new PersonEraser(person, requests, pseudonym);
    const erased = new Map<number, ErasedEvent>();
    const erasures = new Map(before.erasures);
    for await (const page of pagesOf(auditLog, before.count + 1)) {
      for (const each of page) {
        const left = eraser.take(each);
        if (!left) continue;
        erased.set(each.sequence, left);
        erasures.set(each.sequence, erasureMark({ ...each, event: left.event, erased: left.digest }) ?? "");
      }
    }
    const event: AuditEvent = {
      ...{ type: "person.erased", at: now().toISOString(), actor: by, request: "", cluster: "" },
      detail: { pseudonym, events: erased.size, why },
    };
    const base = sealLogBase({ ...before, erasures }, keys.preview);
    if (await auditLog.erase(erased, base, before, event)) return erased.size;
    if (tries < maxTries) continue;
    throw new AccessError("record-changed", anotherWriter("changes", "the beginning of the audit log"));
  }
}

async function removeRecords({ ledger, config }: ErasureContext, records: readonly LedgerRecord[]) {
  const { keepSeconds } = config.audit;
  const kept: string[] = [];
  for (const record of records) {
    if (!(await ledger.remove(record, keepSeconds === null ? null : keepSeconds * 1000))) kept.push(record.id);
  }
  return kept;
}

/** Finished jobs, and BullMQ's events about them, contain questions about people. */
async function forgetJobs({ queues, config }: ErasureContext): Promise<void> {
  const zones = [null, ...zonesOf(config.clusters.values())];
  const all = new Set(
    zones.flatMap((zone) => (["clusters", "ends", "messages"] as const).map((name) => queues.inZone(name, zone))),
  );
  for (const queue of all) {
    await queue.clean(0, 0, "completed");
    await queue.clean(0, 0, "failed");
    await queue.trimEvents(0);
  }
}
