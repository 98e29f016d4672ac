import { endedAgain, isEnded, isMigration, type LedgerRecord } from "../access/lists.ts";
import type { Migration } from "../access/migration.ts";
import { digestInRedis, fieldsOfRecords, readRecords } from "./records.ts";
import type { Store } from "./stored.ts";

/** Before a failover, the old server can still answer for some time, with changes that the new one never gets. */
const ownCommitsKeptMs = 5 * 60_000;

/** What a failover can have taken from a record. */
export interface Lost {
  /** As this process had it at its end, or found it ended; null: it did not end. */
  readonly ended: LedgerRecord | null;
  /** Who had approved it, also in the versions that were lost. */
  readonly approvers: readonly string[];
  /** The step of a migration that this process began and did not close; null: none. */
  readonly begun: Migration["begun"];
}

interface Committed extends Lost {
  readonly version: number;
  readonly digest: string;
  /** Since the last look, this process has committed another record as this version, or a later one, before: messages can show that one. */
  readonly isAnother: boolean;
  /** The digest with which the last look found it still ended; null: none did. */
  endedIn: string | null;
  readonly cluster: string;
  readonly atMs: number;
}

type ActOnUndone = (cluster: string, left: LedgerRecord | null, lost: Lost) => Promise<"done" | "again">;

export interface UndoneLedger {
  /** Once for each record of which a failover of Redis lost a version of this process, or again later. `left`: null: nothing is left of it. */
  eachUndone(act: ActOnUndone): Promise<void>;
}

/** The newest version of each record that this process committed in the last minutes. */
export class OwnCommits {
  readonly #known = new Map<string, Committed>();

  add(record: LedgerRecord): void {
    const { id, version, cluster } = record;
    const digest = digestInRedis(record);
    const before = this.#known.get(id);
    // Two runs of this process can commit the very same version at once.
    const isAnother = before?.isAnother || (version <= (before?.version ?? 0) && digest !== before?.digest);
    const ended = isEnded(record) ? record : (before?.ended ?? null);
    const lost = isAnother ? before : undefined;
    const approvers = [...new Set([...(lost?.approvers ?? []), ...record.approvals.map(({ by }) => by)])];
    const begun = (isMigration(record) ? record.begun : null) ?? lost?.begun ?? null;
    const facts = { version, digest, isAnother, ended, approvers, begun, cluster };
    this.#known.set(id, { ...facts, endedIn: null, atMs: Date.now() });
  }

  async eachUndone(store: Store, act: ActOnUndone): Promise<void> {
    // A commit during the look is not compared with an answer from before it.
    const known = [...this.#known];
    const ids = known.map(([id]) => id);
    const found = await fieldsOfRecords(store.redis, ["version", "sha1"], ids);
    for (const [index, [id, committed]] of known.entries()) {
      const [version, digest] = [Number(found[index]?.[0]) || 0, found[index]?.[1] ?? ""];
      const isLost = version < committed.version || (version === committed.version && digest !== committed.digest);
      const { isAnother, ended } = committed;
      // Hundreds can have ended in one minute.
      const isToRead = ended && version > ended.version && digest !== committed.endedIn;
      const isUndone = isLost || isAnother || (isToRead && (await isOpenAgain(store, ended)));
      if (!isUndone) committed.endedIn = digest;
      const isOver = isUndone || Date.now() - committed.atMs > ownCommitsKeptMs;
      if (isOver && this.#known.get(id) === committed) this.#known.delete(id);
      if (isUndone) await this.#undone(store, id, committed, act);
    }
  }

  #keep(id: string, committed: Committed): void {
    if (!this.#known.has(id)) this.#known.set(id, committed);
  }

  /** What fails is found again. */
  async #undone(store: Store, id: string, committed: Committed, act: ActOnUndone): Promise<void> {
    const [left = null] = await readRecords(store, [id]);
    const done = await act(committed.cluster, left, committed).catch((error: unknown) => {
      this.#keep(id, committed);
      throw error;
    });
    if (done === "again") this.#keep(id, committed);
  }
}

/** Others can write many versions on top of what is left, before a look. */
async function isOpenAgain(store: Store, ended: LedgerRecord): Promise<boolean> {
  const [left] = await readRecords(store, [ended.id]);
  return left !== undefined && endedAgain(ended, left) !== null;
}
