import { Counter, Gauge, Histogram, type Registry } from "prom-client";
import { finishedSteps } from "./announcements.ts";

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
