import { Registry } from "prom-client";
import { countStates } from "../../src/access/lists.ts";
import {
  answeredRequests,
  approversChecked,
  finishedCalls,
  finishedSteps,
  recordedEvents,
} from "../../src/operations/announcements.ts";
import { createReachMetrics } from "../../src/operations/health-server.ts";
import { lostLines } from "../../src/operations/log.ts";
import {
  createClockMetric,
  createLedgerMetrics,
  createProcessMetrics,
  createWorkerMetrics,
} from "../../src/operations/metrics.ts";
import { anEvent } from "../builders/an-event.ts";

/** The series of both processes, by the product's own registrations. */
export interface EverySeries {
  readonly registry: Registry;
  /** Each thing happens once more. */
  readonly happen: () => void;
}

/** Of a product in which everything is wrong, or nothing. */
export function everySeries({ isQuiet = false } = {}): EverySeries {
  const registry = new Registry();
  createProcessMetrics(registry, () => new Date());
  createClockMetric(registry, () => ({ aheadOfRedisSeconds: isQuiet ? 0 : 90 }));
  const worker = createWorkerMetrics(registry);
  createReachMetrics(registry, async () => new Map([["ledger", true]]));
  const unlessQuiet = <T>(...entries: readonly (readonly [string, T])[]) => new Map(isQuiet ? [] : entries);
  createLedgerMetrics(registry, {
    queues: async () => ["clusters", "messages"].map((name) => ({ name, jobs: { waiting: 1 }, ageSeconds: 1 })),
    tally: async () =>
      countStates(
        new Map([
          ["approved/active", 2],
          ["approved/ended/expired", 1],
        ]),
      ),
    openUnconfigured: async () => unlessQuiet(["gone", 1]),
    overdue: async () => new Map([["staging", isQuiet ? 0 : 1]]),
    closedFor: async () => unlessQuiet(["staging", 90]),
    memoryUsed: async () => 0.5,
    mayEvict: async () => !isQuiet,
    zones: async () => new Map([["eu-private", false]]),
    logFlaw: async () => null,
    auditLag: async () => [{ sink: "s3", events: 3, seconds: 60 }],
  });
  const happen = () => {
    const call = { service: "eks", operation: "DescribeCluster", seconds: 0.1 } as const;
    for (const result of ["ok", "503"]) finishedCalls.publish({ ...call, result });
    finishedSteps.publish({ step: "assume", seconds: 0.1 });
    recordedEvents.publish(anEvent({ type: "lease.delayed", detail: { code: "cluster-unreachable" } }));
    answeredRequests.publish({ status: 200, seconds: 0.01 });
    approversChecked.publish([{ cluster: "staging", level: "admin", missing: isQuiet ? 0 : 1 }]);
    if (!isQuiet) lostLines.publish({});
    for (const histogram of [worker.revocationLag, worker.activation]) histogram.observe(1);
    worker.runSeconds.observe({ reason: "due" }, 1);
    for (const counter of [worker.writes, worker.conflicts]) counter.inc({ cluster: "staging", way: "aws-auth" });
    worker.withoutLedger.set(0);
  };
  return { registry, happen };
}
