import { Counter, collectDefaultMetrics, Gauge, Histogram, type Registry } from "prom-client";
import type { StateCounts } from "../access/lists.ts";
import {
  answeredRequests,
  approversChecked,
  type FinishedCall,
  finishedCalls,
  finishedSteps,
  recordedEvents,
} from "./announcements.ts";
import { lostLines } from "./log.ts";

export interface ProcessMetrics {
  /** The last successful call to each service, ISO 8601. */
  readonly lastSuccess: () => Readonly<Record<string, string>>;
  /** Since when each service has not answered, ISO 8601. A refusal is an answer. */
  readonly awaySince: () => Readonly<Record<string, string>>;
}

export function createProcessMetrics(registry: Registry, now: () => Date): ProcessMetrics {
  collectDefaultMetrics({ register: registry });
  const lastSuccess = new Map<string, string>();
  const awaySince = new Map<string, string>();
  countCalls(registry, ({ service, result }) => {
    const at = now().toISOString();
    if (result === "ok") lastSuccess.set(service, at);
    // No answer, or only a proxy's answer that the service is away.
    const isAway = result === "unreachable" || /^5\d\d$/.test(result);
    if (!isAway) awaySince.delete(service);
    else if (!awaySince.has(service)) awaySince.set(service, at);
  });
  const written = "Audit events that this process wrote, by type; refusals and failures also by code";
  const events = counter(registry, "eks_access_events_total", written, "type", "code");
  recordedEvents.subscribe(({ type, detail: { code } }) =>
    events.inc({ type, code: typeof code === "string" ? code : "" }),
  );
  const answer = "Time from a request of Slack to its answer";
  const limits = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 3];
  const acks = histogram(registry, "eks_access_ack_seconds", answer, limits, "status");
  answeredRequests.subscribe(({ status, seconds }) => acks.observe({ status: String(status) }, seconds));
  const unread = "Lines of the log that this process lost, because nothing read the log, or its disk was full";
  const lost = counter(registry, "eks_access_log_lines_lost_total", unread);
  lostLines.subscribe(() => lost.inc());
  createApproverGauge(registry);
  return { lastSuccess: () => Object.fromEntries(lastSuccess), awaySince: () => Object.fromEntries(awaySince) };
}

/** A Redis with a wrong clock shows in each process, a machine with one only in its own. */
export function createClockMetric(registry: Registry, state: () => { readonly aheadOfRedisSeconds: number }): void {
  const help = "Seconds that this machine's clock is ahead of Redis'; below 0: behind";
  gauge(registry, "eks_access_clock_ahead_seconds", help, [], async () => [[{}, state().aheadOfRedisSeconds]]);
}

function createApproverGauge(registry: Registry): void {
  const missing = new Gauge({
    name: "eks_access_approvers_missing",
    help: "Active approvers that a level of a cluster lacks, at the Slack process's last check",
    labelNames: ["cluster", "level"],
    registers: [registry],
  });
  approversChecked.subscribe((levels) => {
    missing.reset();
    for (const { cluster, level } of levels) {
      const ofLevel = levels.filter((each) => each.cluster === cluster && each.level === level);
      missing.set({ cluster, level }, Math.max(...ofLevel.map((each) => each.missing)));
    }
  });
}

function countCalls(registry: Registry, listener: (call: FinishedCall) => void): void {
  const calls = "Calls to Slack, AWS and clusters, by result; each try of a call counts";
  const total = counter(registry, "eks_access_calls_total", calls, "service", "operation", "result");
  const took = "Time that a call to Slack, AWS or a cluster took";
  const seconds = histogram(registry, "eks_access_call_seconds", took, callBuckets, "service");
  finishedCalls.subscribe((call) => {
    total.inc({ service: call.service, operation: call.operation, result: call.result });
    seconds.observe({ service: call.service }, call.seconds);
    listener(call);
  });
}

export interface QueueState {
  readonly name: string;
  readonly jobs: Readonly<Record<string, number>>;
  readonly ageSeconds: number;
}

export interface Backlog {
  readonly queues: () => Promise<readonly QueueState[]>;
  readonly tally: () => Promise<StateCounts>;
  readonly openUnconfigured: () => Promise<ReadonlyMap<string, number>>;
  /** By cluster: leases that are a minute or more past their end. */
  readonly overdue: () => Promise<ReadonlyMap<string, number>>;
  /** For how many seconds each cluster has not opened; a cluster that opens is absent. */
  readonly closedFor: () => Promise<ReadonlyMap<string, number>>;
  /** The share of its memory limit that Redis uses, from 0 to 1; null: no limit, or unknown. */
  readonly memoryUsed: () => Promise<number | null>;
  /** Whether a full Redis evicts keys. */
  readonly mayEvict: () => Promise<boolean>;
  /** Whether each zone of the configuration has a worker. */
  readonly zones: () => Promise<ReadonlyMap<string, boolean>>;
  readonly auditLag: () => Promise<readonly SinkLag[]>;
  /** Why the audit log takes no event; null: it does. */
  readonly logFlaw: () => Promise<string | null>;
}

export interface SinkLag {
  readonly sink: string;
  readonly events: number;
  readonly seconds: number;
}

type Sample = readonly [labels: Readonly<Record<string, string>>, value: number];

/** Gauges of the state that all processes share. Without the ledger they show nothing, and the other series continue. */
export function createLedgerMetrics(registry: Registry, backlog: Backlog): void {
  const { queues, tally, memoryUsed, mayEvict, zones, auditLag, logFlaw } = backlog;
  createClusterGauges(registry, backlog);
  const waiting = "Jobs, by state: waiting, prioritized, delayed for another try, active";
  gauge(registry, "eks_access_queue_jobs", waiting, ["queue", "state"], async () =>
    (await queues()).flatMap(({ name, jobs }) =>
      Object.entries(jobs).map(([state, count]): Sample => [{ queue: name, state }, count]),
    ),
  );
  const age = "Age of the oldest job that does not run";
  gauge(registry, "eks_access_queue_age_seconds", age, ["queue"], async () =>
    (await queues()).map(({ name, ageSeconds }): Sample => [{ queue: name }, ageSeconds]),
  );
  const requests = "Requests, by state: pending, approved, denied, cancelled, expired, refused";
  gauge(registry, "eks_access_requests", requests, ["state"], async () =>
    [...(await tally()).requests].map(([state, count]): Sample => [{ state }, count]),
  );
  const leases =
    "Leases, by state: scheduled, active, failed, ended; ended by cause: expired, revoked, replayed, cluster-gone";
  gauge(registry, "eks_access_leases", leases, ["state", "cause"], async () =>
    [...(await tally()).leases].map(([stateAndCause, count]): Sample => {
      const [state = "", cause = ""] = stateAndCause.split("/");
      return [{ state, cause }, count];
    }),
  );
  const silent = "1 while a zone of clusters has no worker; none: the clusters without a zone";
  gauge(registry, "eks_access_zone_without_worker", silent, ["zone"], async () =>
    [...(await zones())].map(([zone, hasWorker]): Sample => [{ zone }, Number(!hasWorker)]),
  );
  const memory = "Share of its maxmemory that Redis uses; no sample without a limit";
  gauge(registry, "eks_access_redis_memory_used_ratio", memory, [], async () => {
    const used = await memoryUsed();
    return used === null ? [] : [[{}, used]];
  });
  const evicts = "1 while Redis evicts keys when it is full";
  gauge(registry, "eks_access_redis_evicts", evicts, [], async () => [[{}, Number(await mayEvict())]]);
  const stopped = "1 while the audit log takes no event, so that no record can change";
  gauge(registry, "eks_access_audit_log_stopped", stopped, [], async () => [[{}, Number((await logFlaw()) !== null)]]);
  const lag = async (read: (each: SinkLag) => number) =>
    (await auditLag()).map((each): Sample => [{ sink: each.sink }, read(each)]);
  const behind = "Audit events that a sink does not have yet";
  gauge(registry, "eks_access_audit_lag_events", behind, ["sink"], () => lag(({ events }) => events));
  const oldest = "Age of the oldest audit event that a sink does not have yet";
  gauge(registry, "eks_access_audit_lag_seconds", oldest, ["sink"], () => lag(({ seconds }) => seconds));
}

function createClusterGauges(registry: Registry, { openUnconfigured, overdue, closedFor }: Backlog): void {
  const addGauge = (name: string, help: string, read: () => Promise<ReadonlyMap<string, number>>) =>
    gauge(registry, name, help, ["cluster"], async () =>
      [...(await read())].map(([cluster, value]): Sample => [{ cluster }, value]),
    );
  const unconfigured = "Open requests and begun migrations of clusters that are not configured: no worker handles them";
  addGauge("eks_access_unconfigured_requests", unconfigured, openUnconfigured);
  addGauge("eks_access_overdue_leases", "Leases with access that should have been gone for a minute or more", overdue);
  const closed = "For how long no worker could open a cluster; absent: it can";
  addGauge("eks_access_cluster_closed_seconds", closed, closedFor);
}

export function gauge(
  registry: Registry,
  name: string,
  help: string,
  labelNames: readonly string[],
  read: () => Promise<readonly Sample[]>,
): void {
  const made = new Gauge({
    name,
    help,
    labelNames: [...labelNames],
    registers: [registry],
    collect: async () => {
      const samples = await read().catch(() => []);
      made.reset();
      for (const [labels, value] of samples) made.set(labels, value);
    },
  });
}

function counter<Label extends string>(registry: Registry, name: string, help: string, ...labelNames: Label[]) {
  return new Counter({ name, help, labelNames, registers: [registry] });
}

/** Of a call, or of a step with some calls. Seconds, as all buckets. */
const callBuckets = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10];

function histogram<Label extends string>(
  registry: Registry,
  name: string,
  help: string,
  buckets: number[],
  ...labelNames: Label[]
) {
  return new Histogram({ name, help, labelNames, buckets, registers: [registry] });
}

export type WorkerMetrics = ReturnType<typeof createWorkerMetrics>;

export function createWorkerMetrics(registry: Registry) {
  const step = "Time that each step of a run on a cluster took, from assume to prove and sign-in";
  const steps = histogram(registry, "eks_access_step_seconds", step, callBuckets, "step");
  finishedSteps.subscribe((finished) => steps.observe({ step: finished.step }, finished.seconds));
  const gone = "Time from the end of a lease until its share was gone from the cluster";
  const proved = "Time from the last approval of a lease until its access was proved";
  const written = "Writes of aws-auth and of single access entries, without dry runs";
  const again = "Writes that met a concurrent edit and were planned again";
  const run = "Time that one run on one cluster took";
  const help = "1 while the worker has no ledger and only ends leases that the clusters remember";
  const [untilGone, untilProved] = [
    [0.5, 1, 2, 5, 15, 60, 300, 1800],
    [1, 2, 5, 15, 60, 300, 1800],
  ];
  const runBuckets = [0.1, 0.25, 0.5, 1, 2, 5, 15, 60];
  return {
    revocationLag: histogram(registry, "eks_access_revocation_lag_seconds", gone, untilGone),
    activation: histogram(registry, "eks_access_activation_seconds", proved, untilProved),
    writes: counter(registry, "eks_access_writes_total", written, "cluster", "way"),
    conflicts: counter(registry, "eks_access_conflicts_total", again, "cluster", "way"),
    runSeconds: histogram(registry, "eks_access_reconcile_seconds", run, runBuckets, "reason"),
    withoutLedger: new Gauge({ name: "eks_access_without_ledger", help, registers: [registry] }),
  };
}
