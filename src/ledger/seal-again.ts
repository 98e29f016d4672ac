import { isMigrationId, type LedgerRecord } from "../access/lists.ts";
import { nextMigration } from "../access/migration.ts";
import { nextVersion } from "../access/request.ts";
import { type KeyKind, keysIn, olderKeys, type Verifier } from "../access/seal.ts";
import type { FailureLog } from "../operations/log.ts";
import { startTicking, type Ticking } from "../operations/stoppable.ts";
import { isSameJson, type Ledger } from "./ledger.ts";
import { type RecordContext, type UpdateStep, updateMigration, updateRequest } from "./lifecycle.ts";

type SealedLedger = Pick<Ledger, "commit" | "get" | "list" | "migrations" | "shown" | "replaceLinks" | "linkQuestions">;

interface SealingContext extends RecordContext<SealedLedger & Pick<Ledger, "noteKey">> {
  readonly failures: FailureLog;
  readonly now: () => Date;
}

/** What a process seals again with the newest of its keys. */
interface Renewal {
  readonly keys: { readonly [Kind in KeyKind]?: Pick<Verifier<KeyKind>, "ids"> };
  readonly clusters: () => readonly string[];
  readonly record: <Kept extends LedgerRecord>(record: Kept) => Kept;
  /** Beside the records. @returns how many */
  readonly others: () => Promise<number>;
}

/** A process that still has the older key can seal with it meanwhile. */
const everyMs = 60_000;
/** Of closed records, there can be any number, and only a review changes one: the first look and one each hour reads them all. */
const allEveryMs = 3_600_000;
const batch = 1000;

/**
 * While the environment names an older key, seals all that it vouches for and outlives it with the newest one. A stolen key must not be
 * among them: what a thief sealed would stay. The record's next version shows it again, so its messages get the newest seal too.
 */
export function startSealingAgain(context: SealingContext, { keys, clusters, record, others }: Renewal): Ticking {
  const kinds = Object.entries(keys) as [KeyKind, Pick<Verifier<KeyKind>, "ids">][];
  const older = kinds.flatMap(([, each]) => olderKeys(each));
  const isOlder = (ids: ReadonlySet<string>) => older.some((id) => ids.has(id));
  let allAt = 0;
  return startTicking(everyMs, () =>
    context.failures.during("could not seal everything with the newest keys yet", {}, async () => {
      for (const [kind, { ids }] of kinds) await context.ledger.noteKey(kind, ids[0] ?? "");
      if (older.length === 0) return;
      let sealed = await others();
      const now = context.now().getTime();
      const isForAll = now >= allAt;
      for await (const { id, ids, shown } of sealedValues(context.ledger, clusters(), isForAll)) {
        if (id !== null && (isOlder(ids) || isOlder(shown)))
          sealed += await sealAgain(context, id, isOlder(shown), record);
      }
      if (isForAll) allAt = now + allEveryMs;
      if (sealed > 0) context.log.info({ sealed }, "sealed again with the newest keys");
    }),
  );
}

function sealAgain(context: SealingContext, id: string, isShown: boolean, again: Renewal["record"]): Promise<number> {
  const step =
    <Kept extends LedgerRecord>(next: (record: Kept) => Kept) =>
    (current: Kept | null): UpdateStep<Kept, number> => {
      const after = current && again(current);
      if (!after || (!isShown && isSameJson(after, current))) return { type: "stop", outcome: 0 };
      return { type: "write", after: next(after), event: null, outcome: 1 };
    };
  return isMigrationId(id)
    ? updateMigration(
        context,
        id,
        step((migration) => nextMigration(migration, {})),
      )
    : updateRequest(context, id, step(nextVersion));
}

/** What can need an older key. */
export interface SealedValue {
  /** Of a record; null: of links and of questions about them. */
  readonly id: string | null;
  /** The ids of the keys in its seals, and in that of its messages. */
  readonly ids: ReadonlySet<string>;
  readonly shown: ReadonlySet<string>;
}

/** All that is not over, and what was taken in emergencies and can still get a review. @param isForAll also beyond the newest records */
export async function* sealedValues(
  ledger: SealedLedger,
  clusters: readonly string[],
  isForAll = true,
): AsyncGenerator<SealedValue> {
  const ofRecord = async (record: LedgerRecord) => {
    return { id: record.id, ids: keysIn(record), shown: keysIn(await ledger.shown(record.id)) };
  };
  for (const migration of await ledger.migrations.open()) yield ofRecord(migration);
  for (const list of ["pending", "leased", "all"] as const) {
    for (let offset = 0; ; offset += batch) {
      const { requests, total } = await ledger.list({ list, clusters, requester: null, match: "any" }, offset, batch);
      for (const request of requests) if (list !== "all" || request.emergency) yield ofRecord(request);
      if (offset + batch >= total || (list === "all" && !isForAll)) break;
    }
  }
  const links: SealedValue[] = [];
  await ledger.replaceLinks((_, link) => {
    links.push({ id: null, ids: keysIn(link), shown: new Set() });
    return null;
  });
  yield* links;
  for (const questions of (await ledger.linkQuestions()).values()) {
    yield { id: null, ids: keysIn(questions), shown: new Set() };
  }
}
