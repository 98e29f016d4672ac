import { Gauge, type Registry } from "prom-client";

export interface QueueStanding {
  readonly name: string;
  /** How many wait or run. */
  readonly jobs: number;
  /** How long the oldest has waited. */
  readonly ageSeconds: number;
}

/** How the whole stands, asked when somebody reads the metrics. */
export interface Standing {
  readonly queues: () => Promise<readonly QueueStanding[]>;
  readonly requests: () => Promise<{ readonly pending: number; readonly granted: number }>;
}

/** Gauges of what all processes share: each worker tells the same. */
export function createStandingMetrics(registry: Registry, { queues, requests }: Standing): void {
  gauge(registry, "eks_access_queue_jobs", "Jobs that wait or run", "queue", async () =>
    (await queues()).map(({ name, jobs }) => [name, jobs]),
  );
  gauge(registry, "eks_access_queue_age_seconds", "How long the oldest job has waited", "queue", async () =>
    (await queues()).map(({ name, ageSeconds }) => [name, ageSeconds]),
  );
  const help = "Requests that wait for a decision, and grants that are to come or in force";
  gauge(registry, "eks_access_requests", help, "state", async () => Object.entries(await requests()));
}

function gauge(
  registry: Registry,
  name: string,
  help: string,
  label: string,
  read: () => Promise<readonly (readonly [string, number])[]>,
): void {
  const made = new Gauge({
    name,
    help,
    labelNames: [label],
    registers: [registry],
    collect: async () => {
      for (const [value, count] of await read()) made.set({ [label]: value }, count);
    },
  });
}
