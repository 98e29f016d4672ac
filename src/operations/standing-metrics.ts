import { channel } from "node:diagnostics_channel";
import { Gauge, type Registry } from "prom-client";
import type { AuditEvent } from "../access/audit/event.ts";
import type { Tally } from "../access/request/lists.ts";

export const finishedSteps = announcements<{ readonly step: RunStep; readonly seconds: number }>("step");

export const finishedCalls = announcements<FinishedCall>("call");

/** It was looked whether approvers are active: what each level lacks by each of its rules. */
export const approversLooked = announcements<readonly LevelLack[]>("approvers");

/** What was written into the ledger by this process. */
export const recordedEvents = announcements<AuditEvent>("event");

/** A request of Slack that was answered; in Socket Mode the status is 200. */
export const answeredRequests = announcements<{ readonly status: number; readonly seconds: number }>("answer");

export interface QueueState {
  readonly name: string;
  /** How many jobs wait, wait for their time or run, by BullMQ's word for it. */
  readonly jobs: Readonly<Record<string, number>>;
  /** Age of the oldest job that does not run. */
  readonly ageSeconds: number;
}

export interface Backlog {
  readonly queues: () => Promise<readonly QueueState[]>;
  readonly tally: () => Promise<Tally>;
  /** How many open requests there are of each cluster that is not configured. */
  readonly stranded: () => Promise<ReadonlyMap<string, number>>;
  /** How much of its memory Redis uses, from 0 to 1; null: it has no limit, or does not tell. */
  readonly memoryUsed: () => Promise<number | null>;
}

type Sample = readonly [labels: Readonly<Record<string, string>>, value: number];

/** Gauges of what all processes share. Without an answer from the ledger they show nothing, and the other series continue. */
export function createLedgerMetrics(registry: Registry, { queues, tally, stranded, memoryUsed }: Backlog): void {
  gauge(registry, "eks_access_queue_jobs", "Jobs that wait or run", ["queue", "state"], async () =>
    (await queues()).flatMap(({ name, jobs }) =>
      Object.entries(jobs).map(([state, count]): Sample => [{ queue: name, state }, count]),
    ),
  );
  const age = "Age of the oldest job that does not run";
  gauge(registry, "eks_access_queue_age_seconds", age, ["queue"], async () =>
    (await queues()).map(({ name, ageSeconds }): Sample => [{ queue: name }, ageSeconds]),
  );
  gauge(registry, "eks_access_requests", "Requests, by state", ["state"], async () =>
    [...(await tally()).requests].map(([state, count]): Sample => [{ state }, count]),
  );
  const leases = "Leases, by state; ended leases by cause";
  gauge(registry, "eks_access_leases", leases, ["state", "cause"], async () =>
    [...(await tally()).leases].map(([standing, count]): Sample => {
      const [state = "", cause = ""] = standing.split("/");
      return [{ state, cause }, count];
    }),
  );
  const open = "Open requests of clusters that are not configured: no worker handles them";
  gauge(registry, "eks_access_stranded_requests", open, ["cluster"], async () =>
    [...(await stranded())].map(([cluster, count]): Sample => [{ cluster }, count]),
  );
  const memory = "Share of its maxmemory that Redis uses; no sample without a limit";
  gauge(registry, "eks_access_redis_memory_used_ratio", memory, [], async () => {
    const used = await memoryUsed();
    return used === null ? [] : [[{}, used]];
  });
}

function gauge(
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

/** Where the edges announce what they did: neither they nor the listeners know each other. */
interface Announcements<Value extends object> {
  readonly tell: (value: Value) => void;
  /** Listens until the returned function is called. */
  readonly listen: (listener: (value: Value) => void) => () => void;
}

function announcements<Value extends object>(name: string): Announcements<Value> {
  const line = channel(`eks-access:${name}`);
  return {
    tell: (value) => line.publish(value),
    listen: (listener) => {
      // Only `tell` above publishes here.
      const hear = (value: unknown) => listener(value as Value);
      line.subscribe(hear);
      return () => void line.unsubscribe(hear);
    },
  };
}

export interface FinishedCall {
  readonly service: "slack" | "sts" | "eks" | "cloudtrail" | "kubernetes";
  /** The name of the service's own API: `AssumeRole`, `chat.update`, `PUT configmaps`. */
  readonly operation: string;
  /** `ok`, the HTTP status, Slack's error code, or `unreachable`. */
  readonly result: string;
  readonly seconds: number;
}

/** A part of a run on a cluster, in the order in which a run takes them. */
export type RunStep =
  | "caller-identity"
  | "assume"
  | "describe"
  | "read"
  | "plan"
  | "dry-run"
  | "put"
  | "read-back"
  | "prove"
  | "sign-in";

/** How many active approvers a level of a cluster lacks; 0: none. */
export interface LevelLack {
  readonly cluster: string;
  readonly level: string;
  readonly missing: number;
}
