import { pino } from "pino";
import type { Ledger } from "../../src/ledger/ledger.ts";
import type { RecordContext } from "../../src/ledger/lifecycle.ts";
import type { Queues } from "../../src/ledger/queues.ts";
import { FailureLog } from "../../src/operations/failure-log.ts";
import type { WorkerContext } from "../../src/worker/context.ts";

/** What every change is recorded with; wake-ups go nowhere, because here the test itself says who looks when. */
const log = pino({ enabled: false });

export function silentContext(ledger: Ledger): RecordContext<Ledger> & Pick<WorkerContext, "failures"> {
  const deaf = { add: async () => {}, addBulk: async () => [] };
  const queues = { clusters: deaf, ends: deaf, messages: deaf, close: async () => {} } as unknown as Queues;
  return { ledger, queues, log, failures: new FailureLog(log) };
}
