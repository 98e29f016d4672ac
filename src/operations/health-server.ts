import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { Registry } from "prom-client";
import { AccessError, explainFailure } from "../access/access-error.ts";
import { withinTime } from "./deadlines.ts";
import { gauge, type ProcessMetrics } from "./metrics.ts";

/** Slack and AWS fail for moments: an outage counts after this time, in milliseconds. */
const patienceMs = 60_000;

export interface Health extends ProcessMetrics {
  readonly ping: () => Promise<unknown>;
  /** The services that this process needs, probed regularly. */
  readonly probes: ReadonlyMap<string, Probe>;
  readonly now: () => Date;
  readonly registry: Registry;
  /** Whether this process ends leases without the ledger now; absent: it never does. */
  readonly isWithoutLedger?: () => Promise<boolean>;
  readonly clockState: () => ClockState;
  /** How long it waits for the ledger; undefined: 2 s. */
  readonly pingWithinMs?: number | undefined;
}

export interface ClockState {
  readonly aheadOfRedisSeconds: number;
  /** Which clock is wrong, and the fix; null: none. */
  readonly wrong: string | null;
}

export interface HealthServer {
  /** Until the start is complete, the process is alive, but not ready. */
  readonly markStarted: () => void;
  /** From now on the process is not ready: it gets no more work. */
  readonly markStopping: () => void;
  readonly stop: () => Promise<void>;
}

const usualPingWithinMs = 2_000;

/**
 * `GET /healthz`: 200 while the process answers at all. `GET /startupz`: 200 after its start, whatever its services do. `GET /readyz`:
 * 200 while it can work and takes work: it has started, the ledger answers, and its service has not been away for a minute; otherwise
 * 503. Its body has each service's last answer and state. `GET /metrics` for Prometheus. Without a port there is no server.
 */
export async function startHealthServer(port: number | undefined, health: Health): Promise<HealthServer | null> {
  if (port === undefined) return null;
  const phase = { isStarted: false, isStopping: false };
  createReachMetrics(health.registry, async () => {
    const services = [...health.probes].map(([name, { reach }]) => [name, reach().answers] as const);
    return new Map([["ledger", (await whyNoLedger(health)) === null], ...services]);
  });
  let scrape: Promise<string | null> | null = null;
  const answers: Readonly<Record<string, (response: ServerResponse) => Promise<void>>> = {
    "/healthz": async (response) => void response.writeHead(200, { "content-type": "text/plain" }).end("ok\n"),
    "/startupz": async (response) => void response.writeHead(phase.isStarted ? 200 : 503).end(),
    "/readyz": (response) => answerReady(health, phase, response),
    "/metrics": async (response) => {
      // One for all who ask meanwhile: each reads from Redis up to a thousand records, and the port has no login.
      scrape ??= health.registry
        .metrics()
        .catch(() => null)
        .finally(() => {
          scrape = null;
        });
      const text = await scrape;
      const type = { "content-type": health.registry.contentType };
      response.writeHead(text === null ? 500 : 200, type).end(text ?? "");
    },
  };
  const server = createServer((request, response) => {
    const answer = answers[request.url ?? ""];
    if (answer) void answer(response);
    else response.writeHead(404).end();
  });
  await once(server.listen(port), "listening").catch((cause: unknown) => {
    throw portInUse(port, "HEALTH_PORT", cause);
  });
  return {
    markStarted: () => {
      phase.isStarted = true;
    },
    markStopping: () => {
      phase.isStopping = true;
    },
    stop: () => new Promise((resolve) => void server.close(() => resolve()).closeAllConnections()),
  };
}

const silentLedger = new AccessError("ledger-unreachable", "Redis did not answer");

/** A Redis that hangs counts as absent. Null: it works. */
function whyNoLedger({ ping, pingWithinMs = usualPingWithinMs }: Health): Promise<string | null> {
  const why = ping().then(() => null, explainFailure);
  return withinTime(why, pingWithinMs, silentLedger.message);
}

async function answerReady(
  health: Health,
  { isStarted, isStopping }: { readonly isStarted: boolean; readonly isStopping: boolean },
  response: ServerResponse,
): Promise<void> {
  const startedAt = performance.now();
  const why = await whyNoLedger(health);
  const milliseconds = Math.round(performance.now() - startedAt);
  const services = [...health.probes].map(([name, { reach }]) => [name, reach()] as const);
  const areUsable = services.every(([, reach]) => isUsable(reach, health.now()));
  const ready = isStarted && why === null && areUsable && !isStopping;
  const body = {
    ready,
    started: isStarted,
    stopping: isStopping,
    ledger: { answers: why === null, why, milliseconds },
    withoutLedger: (await health.isWithoutLedger?.()) ?? false,
    clock: health.clockState(),
    services: Object.fromEntries(services),
    lastSuccess: health.lastSuccess(),
    awaySince: health.awaySince(),
  };
  response.writeHead(ready ? 200 : 503, { "content-type": "application/json" }).end(`${JSON.stringify(body)}\n`);
}

/** Whether the ledger and the service work: 0 from the first probe that fails, so that each alert sets its own delay. */
export function createReachMetrics(registry: Registry, read: () => Promise<ReadonlyMap<string, boolean>>): void {
  const help = "1 while it works: the ledger, and slack or sts, whichever the process depends on";
  gauge(registry, "eks_access_service_up", help, ["service"], async () =>
    [...(await read())].map(([service, answers]) => [{ service }, Number(answers)]),
  );
}

export interface ServiceState {
  readonly answers: boolean;
  readonly since: string;
  /** Why it can't be used; null: it answers. */
  readonly why: string | null;
}

export type Probe = { readonly reach: () => ServiceState; readonly stop: () => void };

interface ProbeOptions extends Pick<Health, "now"> {
  /** One light call; rejects if the service does not answer, or refuses. */
  readonly ask: () => Promise<unknown>;
  /** The last successful call to the service, ISO 8601; undefined: none. */
  readonly lastSuccess: () => string | undefined;
  readonly everyMs: number;
}

/** Probes a service regularly, so that an idle process notices an outage. A successful call meanwhile saves a probe. */
export function startProbe({ ask, lastSuccess, everyMs, now }: ProbeOptions): Probe {
  let reach: ServiceState = { answers: true, since: now().toISOString(), why: null };
  let isAsking = false;
  const see = (why: string | null) => {
    const answers = why === null;
    reach = { answers, why, since: reach.answers === answers ? reach.since : now().toISOString() };
  };
  const tick = async () => {
    if (isAsking) return;
    isAsking = true;
    const heardAt = Date.parse(lastSuccess() ?? "");
    if (now().getTime() - heardAt < everyMs) see(null);
    else
      await ask().then(
        () => see(null),
        (error: unknown) => see(explainFailure(error)),
      );
    isAsking = false;
  };
  const timer = setInterval(() => void tick(), everyMs).unref();
  void tick();
  return { reach: () => reach, stop: () => clearInterval(timer) };
}

/** Whether a process can work with a service in this state. */
export function isUsable({ answers, since }: ServiceState, now: Date): boolean {
  return answers || now.getTime() - Date.parse(since) < patienceMs;
}

export function portInUse(port: string | number, variable: string, cause: unknown): AccessError {
  return new AccessError("port-in-use", `Can't use port ${port} of ${variable}`, { cause });
}
