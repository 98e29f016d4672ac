import { pino } from "pino";
import { genesis } from "../../src/access/audit-event.ts";
import type { Ledger } from "../../src/ledger/ledger.ts";
import type { RecordContext } from "../../src/ledger/lifecycle.ts";
import type { Queues } from "../../src/ledger/queues.ts";
import type { ReadableLog } from "../../src/ledger/verify-audit-log.ts";
import { FailureLog } from "../../src/operations/log.ts";
import type { WorkerContext } from "../../src/worker/context.ts";

/** What every change is recorded with; wake-ups go nowhere, because here the test itself says who looks when. */
const log = pino({ enabled: false });

/** Nothing was removed from it. */
const wholeLog = { count: 0, hash: genesis, anchors: [], seal: null };

type SilentContext = RecordContext<Ledger> &
  Pick<WorkerContext, "failures"> & { readonly queues: Queues; readonly auditLog: ReadableLog };

export function silentContext(ledger: Ledger): SilentContext {
  const empty = { getJobCounts: async () => ({}), getRanges: async () => [] };
  const deaf = (name: string) => ({ name, add: async () => {}, addBulk: async () => [], ...empty });
  const [clusters, ends, messages] = ["clusters", "ends", "messages"].map(deaf);
  const queues = { clusters, ends, messages, inZone: deaf, close: async () => {} } as unknown as Queues;
  const auditLog = { base: async () => wholeLog, events: ledger.events };
  return { ledger, queues, auditLog, log, failures: new FailureLog(log) };
}
