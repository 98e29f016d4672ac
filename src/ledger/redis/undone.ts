import type { LedgerRecord } from "../../access/request/lists.ts";
import type { UndoneLedger } from "../ledger.ts";
import type { RedisClient } from "./client.ts";
import { runScript, scriptOf } from "./commit-script.ts";
import { fieldLua, readRecords, recordPrefix } from "./records.ts";
import type { StoredReader } from "./stored.ts";

/** Before a failover, the old server can still answer for some time, with changes that the new one never gets. */
const rememberMs = 5 * 60_000;

/** Redis does nothing else during one call. */
const atOnce = 1_000;

/** The version of each record; 0: there is none. KEYS: the prefix of records' keys. ARGV: ids */
const versionsScript = scriptOf(`${fieldLua}
local found = {}
for i, id in ipairs(ARGV) do found[i] = tonumber(field_of(KEYS[1] .. id, 'version') or '') or 0 end
return found
`);

interface Committed {
  readonly version: number;
  readonly cluster: string;
  readonly atMs: number;
}

/** The newest version of each record that this process committed in the last minutes. */
export class OwnCommits {
  readonly #known = new Map<string, Committed>();

  add({ id, version, cluster }: LedgerRecord): void {
    this.#known.set(id, { version, cluster, atMs: Date.now() });
  }

  async eachUndone(
    redis: RedisClient,
    reader: StoredReader,
    act: Parameters<UndoneLedger["eachUndone"]>[0],
  ): Promise<void> {
    // A commit during the look is not compared with an answer from before it.
    const known = [...this.#known];
    for (let from = 0; from < known.length; from += atOnce) {
      const some = known.slice(from, from + atOnce);
      const ids = some.map(([id]) => id);
      const versions = (await runScript(redis, versionsScript, [recordPrefix], ids)) as readonly number[];
      for (const [index, [id, committed]] of some.entries()) {
        const isUndone = (versions[index] ?? 0) < committed.version;
        if (isUndone) await act(committed.cluster, (await readRecords(redis, reader, [id]))[0] ?? null);
        const isOver = isUndone || Date.now() - committed.atMs > rememberMs;
        if (isOver && this.#known.get(id) === committed) this.#known.delete(id);
      }
    }
  }
}
