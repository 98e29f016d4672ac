import { Counter, Gauge, Histogram, type Registry } from "prom-client";
import { type FinishedCall, finishedCalls, finishedSteps, type RunStep } from "./announcements.ts";
import { addToTrace, traced, type Work } from "./traced.ts";

export interface WorkerMetrics {
  readonly revocationLag: Histogram;
  readonly activation: Histogram;
  readonly writes: Counter<"cluster" | "way">;
  readonly conflicts: Counter<"cluster" | "way">;
  readonly runSeconds: Histogram<"reason">;
  /** 1 while this worker ends leases without the ledger. */
  readonly withoutLedger: Gauge;
}

export function createWorkerMetrics(registry: Registry): WorkerMetrics {
  const registers = [registry];
  const steps = new Histogram({
    name: "eks_access_step_seconds",
    help: "Time that each step of a run on a cluster took",
    labelNames: ["step"],
    buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
    registers,
  });
  finishedSteps.subscribe(({ step, seconds }) => steps.observe({ step }, seconds));
  return {
    revocationLag: new Histogram({
      name: "eks_access_revocation_lag_seconds",
      help: "Time from the end of a lease until its share was gone from the cluster",
      buckets: [0.5, 1, 2, 5, 15, 60, 300, 1800],
      registers,
    }),
    activation: new Histogram({
      name: "eks_access_activation_seconds",
      help: "Time from the last approval of a lease until its access was proved",
      buckets: [1, 2, 5, 15, 60, 300, 1800],
      registers,
    }),
    writes: new Counter({
      name: "eks_access_writes_total",
      help: "Writes of aws-auth and of single access entries, without dry runs",
      labelNames: ["cluster", "way"],
      registers,
    }),
    conflicts: new Counter({
      name: "eks_access_conflicts_total",
      help: "Writes that met a concurrent edit and were planned again",
      labelNames: ["cluster", "way"],
      registers,
    }),
    runSeconds: new Histogram({
      name: "eks_access_reconcile_seconds",
      help: "Time that one run on one cluster took",
      labelNames: ["reason"],
      buckets: [0.1, 0.25, 0.5, 1, 2, 5, 15, 60],
      registers,
    }),
    withoutLedger: new Gauge({
      name: "eks_access_without_ledger",
      help: "1 while the worker has no ledger and only ends leases that the clusters remember",
      registers,
    }),
  };
}

/** Does one step of a run on a cluster, measures its time and shows it in the trace. */
export function measuredStep<T>(name: RunStep, act: () => Promise<T>, place: Omit<Work, "name"> = {}): Promise<T> {
  return traced({ name, ...place }, async () => {
    const startedAt = performance.now();
    try {
      return await act();
    } finally {
      finishedSteps.publish({ step: name, seconds: (performance.now() - startedAt) / 1000 });
    }
  });
}

/** Makes one call and announces its end. `resultOf` reads an answer; a call that throws got none. */
export async function observedCall<T>(
  call: Pick<FinishedCall, "service" | "operation">,
  run: () => Promise<T>,
  resultOf: (answer: T) => string,
): Promise<T> {
  return traced({ name: `${call.service} ${call.operation}`, kind: "client" }, async () => {
    const startedAt = performance.now();
    const end = (result: string) => {
      addToTrace({ "eks_access.result": result });
      finishedCalls.publish({ ...call, result, seconds: (performance.now() - startedAt) / 1000 });
    };
    try {
      const answer = await run();
      end(resultOf(answer));
      return answer;
    } catch (error) {
      end("unreachable");
      throw error;
    }
  });
}

export function resultOfStatus(status: number): string {
  return status < 400 ? "ok" : String(status);
}
