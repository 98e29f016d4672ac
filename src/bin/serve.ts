import type { Logger } from "pino";
import { Registry } from "prom-client";
import { sealKeysFrom } from "../approval/seal.ts";
import type { ProcessKind } from "../config/environment.ts";
import { openQueues } from "../jobs/queues.ts";
import { createProcessMetrics } from "../metrics/process-metrics.ts";
import { createStandingMetrics } from "../metrics/standing-metrics.ts";
import { createWorkerMetrics } from "../metrics/worker-metrics.ts";
import { redisAuditLog } from "../redis/audit-log.ts";
import { connectLedger, connectRedisBlocking } from "../redis/connect.ts";
import { redisLedger } from "../redis/ledger.ts";
import { redisRequestTraces } from "../redis/request-traces.ts";
import { type Health, type HealthServer, startHealthServer } from "./health-server.ts";
import { createLog } from "./log.ts";
import { logDestination } from "./log-format.ts";
import type { Probe } from "./probe.ts";
import { readSettings, type Settings } from "./settings.ts";
import { standingOf } from "./standing.ts";
import { type PartsContext, startParts } from "./start-parts.ts";
import { startProbes } from "./start-probes.ts";
import { startTracing } from "./start-tracing.ts";
import { stopParts } from "./stop-parts.ts";
import { untilStopped } from "./until-stopped.ts";

/**
 * Runs the slack process, the worker, or both, until it is told to stop. Returns the exit code; what was handed back may
 * still run then, so that the process has to be ended.
 */
export async function serve(kind: ProcessKind): Promise<number> {
  const settings = await readSettings(kind);
  const { environment, config } = settings;
  const isColoured = !process.env.NO_COLOR;
  const destination = await logDestination(environment.logFormat, process.stdout, isColoured);
  const log = createLog(environment.logLevel, kind, destination);
  const registry = new Registry();
  const { lastSuccess, awaySince } = createProcessMetrics(registry, () => new Date());
  const tracing = await startTracing(environment, kind, log);
  const { context, ping, close } = await openConnections(settings, log, registry);
  const parts = await startParts(kind, context, environment.slack);
  if (kind !== "slack") createStandingMetrics(registry, standingOf(context));
  const health = await startHealth(kind, settings, { ping, lastSuccess, awaySince, registry });
  log.info({ clusters: config.clusters.size }, "ready");

  const signal = await untilStopped();
  log.info({ signal, withinSeconds: environment.stopWithinSeconds }, "stopping: taking no more work");
  health?.tellStopping();
  await stopParts(parts, environment.stopWithinSeconds, log);
  await tracing?.stop();
  await health?.stop();
  await close();
  log.info("stopped");
  return 0;
}

/** Nobody is asked whether they are there where nobody wants to know. */
async function startHealth(
  kind: ProcessKind,
  settings: Settings,
  told: Pick<Health, "ping" | "lastSuccess" | "awaySince" | "registry">,
): Promise<HealthServer | null> {
  const { HEALTH_PORT: port } = process.env;
  const probes = port ? await startProbes(kind, settings, told.lastSuccess) : new Map<string, Probe>();
  return startHealthServer(port, { ...told, probes, now: () => new Date() });
}

interface Connections {
  readonly context: PartsContext;
  readonly ping: () => Promise<unknown>;
  readonly close: () => Promise<void>;
}

/** @throws AccessError where the ledger can't be used */
async function openConnections(
  { environment, config }: Settings,
  log: Logger,
  registry: Registry,
): Promise<Connections> {
  const { redisUrl, redisAccess } = environment;
  const { redis, close } = await connectLedger(redisUrl, redisAccess);
  const blocking = connectRedisBlocking(redisUrl, redisAccess);
  const queues = openQueues(redis);
  const context: PartsContext = {
    ledger: redisLedger(redis),
    auditLog: redisAuditLog(redis),
    queues,
    blocking,
    traces: environment.tracing ? redisRequestTraces(redis) : undefined,
    log,
    config,
    sealKeys: sealKeysFrom(environment.sealSecrets),
    now: () => new Date(),
    metrics: createWorkerMetrics(registry),
  };
  const closeAll = async () => {
    await queues.close();
    blocking.disconnect();
    await close();
  };
  return { context, ping: () => redis.ping(), close: closeAll };
}
