import { setMaxListeners } from "node:events";
import { hostname } from "node:os";
import { setTimeout as pause } from "node:timers/promises";
import type { Logger } from "pino";
import { Registry } from "prom-client";
import { AccessError, explainFailure } from "../access/access-error.ts";
import { type Zone, zoneByName, zonesOf } from "../access/policy/cluster.ts";
import type { Notice } from "../access/shared-lists.ts";
import type { Environment } from "../config/environment.ts";
import type { ProcessKind } from "../config/key-environment.ts";
import { liveConfig } from "../config/live-config.ts";
import { redisAuditLog } from "../ledger/audit-log.ts";
import { LedgerClock, type TimeService } from "../ledger/clock.ts";
import { processName } from "../ledger/clusters.ts";
import { connectLedger, connectRedisBlocking, type LedgerConnection } from "../ledger/connect.ts";
import { redisLedger, redisRequestTraces } from "../ledger/ledger.ts";
import { openQueues } from "../ledger/queues.ts";
import { inTurn, takeWrite } from "../ledger/turns.ts";
import { servedTime, withDeadlines, withinTime } from "../operations/deadlines.ts";
import {
  type Health,
  type HealthServer,
  type Probe,
  startHealthServer,
  startProbe,
} from "../operations/health-server.ts";
import { createLog, FailureLog, logDestination } from "../operations/log.ts";
import {
  createClockMetric,
  createLedgerMetrics,
  createProcessMetrics,
  createWorkerMetrics,
} from "../operations/metrics.ts";
import type { Stoppable } from "../operations/stoppable.ts";
import { backlogOf } from "./backlog.ts";
import { endAtCrash, type StopRequest } from "./process-io.ts";
import { noticeSender, startReloading } from "./reload.ts";
import { readSettings, type Settings } from "./settings.ts";
import { type PartsContext, startParts, startPartWithoutLedger } from "./start-parts.ts";

/** Redis can start together with this process, so it tries again soon. */
const againMs = 1_000;

/** Handing work back takes a few calls to Redis. The process waits for them no longer than this. */
export const handBackWithinMs = 2_000;

export interface ServeOptions {
  /** The zones that a worker serves; absent: the clusters without a zone, and both processes in one serve all of them. */
  readonly zones?: readonly Zone[];
}

/** Runs a process until a request to stop, and returns the exit code. Handed back work can still run: the caller ends the process. */
export async function serve(kind: ProcessKind, stop: StopRequest, asked: ServeOptions = {}): Promise<number> {
  const settings = await readSettings(kind);
  const { environment } = settings;
  const destination = await logDestination(environment.logFormat, process.stdout, !process.env.NO_COLOR);
  const log = createLog(environment.logLevel, kind, destination);
  endAtCrash((error) => log.fatal({ err: error, code: "unexpected" }, "something unexpected failed: the process ends"));
  const tracing = await startTracing(environment, kind, log);
  const running: Running = { parts: [], close: [] };
  // By default this signal ends a process. Later it reads the file again.
  process.on("SIGHUP", () => {});
  const zones = asked.zones ?? (kind === "all" ? zonesOf(settings.config.clusters.values()) : [null]);
  const starting = start(kind, { ...settings, zones }, log, running, stop.signal);
  // A failed start ends the process, unless a request to stop came first.
  await Promise.race([starting, stop.asked]);

  const signal = await stop.asked;
  log.info({ signal, withinSeconds: environment.stopWithinSeconds }, "stopping: taking no more work");
  running.health?.markStopping();
  await stopParts(running.parts, environment.stopWithinSeconds, log);
  await tracing?.stop();
  await running.health?.stop();
  for (const close of running.close) await close();
  log.info("stopped");
  return 0;
}

interface Running {
  readonly parts: Stoppable[];
  readonly close: (() => Promise<void>)[];
  health?: HealthServer | null;
}

/** Serves its health from the beginning: a process that waits for Redis is alive. @throws AccessError */
async function start(
  kind: ProcessKind,
  settings: Settings & Pick<PartsContext, "zones">,
  log: Logger,
  running: Running,
  stop: AbortSignal,
): Promise<void> {
  const registry = new Registry();
  const clock = new LedgerClock(await timeService(settings));
  const { now } = clock;
  const { lastSuccess, awaySince } = createProcessMetrics(registry, now);
  const metrics = createWorkerMetrics(registry);
  let ping: Health["ping"] = () => Promise.reject(new AccessError("ledger-unreachable", "Redis did not answer"));
  const isWithoutLedger = async () => (await metrics.withoutLedger.get()).values[0]?.value === 1;
  const { readyWithinMs: pingWithinMs, healthPort: port } = settings.environment;
  const clockState = clock.state;
  createClockMetric(registry, clockState);
  const sources = {
    now,
    ping: () => ping(),
    lastSuccess,
    awaySince,
    registry,
    isWithoutLedger,
    pingWithinMs,
    clockState,
  };
  const probes = port !== undefined ? await startProbes(kind, settings, sources) : new Map<string, Probe>();
  running.health = await startHealthServer(port, { ...sources, probes });
  const live = liveConfig(settings, now);
  const { zones } = settings;
  const own = { live, zones, log, failures: new FailureLog(log), metrics, now };
  const started = (part: Stoppable) => running.parts.push(part);
  await startPartWithoutLedger(own, settings.environment, () => ping(), started);
  const connection = await awaitLedger(settings.environment, log, stop);
  const { context, close } = contextOn(connection, settings.environment, own);
  running.close.push(close);
  const announce = noticeSender(context, settings.environment);
  started(
    await clock.follow(connection.redis, own.failures, (wrong) => announceWrongClock(context, kind, wrong, announce)),
  );
  ping = () => takeWrite(context.ledger);
  await startParts(context, settings.environment, started);
  if (kind !== "slack") {
    createLedgerMetrics(registry, backlogOf({ ...context, configuration: live.current }, connection.redis));
  }
  if (stop.aborted) return;
  running.parts.push(await startReloading({ ...context, kind, announce }, settings));
  running.health?.markStarted();
  log.info({ clusters: live.current().clusters.size }, "ready");
}

function contextOn(
  { redis, forQueues, close }: LedgerConnection,
  environment: Environment,
  own: Pick<PartsContext, "live" | "zones" | "log" | "failures" | "metrics" | "now">,
) {
  const blocking = connectRedisBlocking(environment.redisUrl, environment.redisAccess);
  const queues = openQueues(forQueues, zoneByName(own.live.current));
  const context: PartsContext = {
    ledger: redisLedger(redis, own.log),
    auditLog: redisAuditLog(redis),
    queues,
    blocking,
    traces: environment.tracing ? redisRequestTraces(redis) : undefined,
    ...own,
  };
  const closeAll = async () => {
    await queues.close();
    blocking.disconnect();
    await close();
  };
  return { context, close: closeAll };
}

/** Stops all parts at once. At the deadline it hands back and logs the remaining work. Resolves two seconds later at the latest. */
export async function stopParts(parts: readonly Stoppable[], withinSeconds: number, log: Logger): Promise<void> {
  const deadline = new AbortController();
  // Each part listens.
  setMaxListeners(0, deadline.signal);
  const timer = setTimeout(() => deadline.abort(), withinSeconds * 1000);
  const stopped = Promise.all(parts.map((part) => part.stop(deadline.signal))).then((left) => left.flat());
  const left = await Promise.race([stopped, afterDeadline(deadline.signal)]);
  clearTimeout(timer);
  if (left === "late")
    log.error({ withinSeconds }, "the deadline is over, and Redis did not take back the jobs under way");
  else if (left.length > 0)
    log.warn({ withinSeconds, handedBack: left }, "the deadline is over: handed back the jobs under way");
}

function afterDeadline(deadline: AbortSignal): Promise<"late"> {
  return new Promise((resolve) =>
    deadline.addEventListener("abort", () => void setTimeout(resolve, handBackWithinMs, "late").unref(), {
      once: true,
    }),
  );
}

/** Each process probes its own service: the Slack process has no AWS rights, the worker no Slack token (law 1). */
async function startProbes(
  kind: ProcessKind,
  { environment, config }: Settings,
  { now, lastSuccess }: Pick<Health, "now" | "lastSuccess">,
): Promise<ReadonlyMap<string, Probe>> {
  const probes = new Map<string, Probe>();
  const everyMs = environment.probeEverySeconds * 1000;
  const start = (service: string, ask: () => Promise<unknown>) =>
    probes.set(service, startProbe({ ask, everyMs, now, lastSuccess: () => lastSuccess()[service] }));
  if (environment.slack) {
    const { messengerClient, slackFailure } = await import("../slack/app/web-client.ts");
    const client = messengerClient(environment.slack);
    const failure = (error: unknown) => Promise.reject(slackFailure(error, "Slack"));
    start("slack", () => client.auth.test().catch(failure));
  }
  if (kind !== "slack") {
    const { askCallerIdentity } = await import("../aws/sts.ts");
    const [first] = config.clusters.values();
    const ask = () => askCallerIdentity("default", first?.region ?? "us-east-1");
    start("sts", () => withDeadlines(config.timing.deadlines, ask));
  }
  return probes;
}

/** Whose time decides if the clocks of this machine and of Redis differ: each process asks the service that it needs anyway (law 1). */
async function timeService({ environment: { workerKeys, slack }, config }: Settings): Promise<TimeService> {
  if (!workerKeys) {
    const api = slack?.apiUrl ?? "https://slack.com/api/";
    return { name: "Slack", ask: () => servedTime(new URL("api.test", api).href) };
  }
  const { timeOfAws } = await import("../aws/sts.ts");
  const [first] = config.clusters.values();
  return { name: "AWS", ask: () => timeOfAws(first?.region ?? "us-east-1") };
}

/** A process that starts again and again has one notice in this time. */
const wrongClockOnceMs = 3_600_000;

async function announceWrongClock(
  { ledger, now }: PartsContext,
  kind: ProcessKind,
  wrong: AccessError,
  announce: (notice: Notice) => Promise<void>,
): Promise<void> {
  const turn = `wrong-clock-${kind}@${hostname()}`;
  const at = now().toISOString();
  const title = `Wrong clock: the ${processName(kind)} on ${hostname()}`;
  const notice = { id: `${turn}-${at}`, at, title, lines: [explainFailure(wrong)] };
  await inTurn(ledger, turn, wrongClockOnceMs, () => announce(notice)).catch(() => undefined);
}

/** Waits for a Redis that does not answer yet. @throws AccessError if waiting does not help, or after a request to stop */
async function awaitLedger({ redisUrl, redisAccess }: Environment, log: Logger, stop: AbortSignal) {
  let logged = "";
  for (;;) {
    try {
      return await connectLedger(redisUrl, redisAccess);
    } catch (error) {
      if (!(error instanceof AccessError) || !error.retryable) throw error;
      if (explainFailure(error) !== logged) log.warn({ err: error }, `waiting for Redis: ${explainFailure(error)}`);
      logged = explainFailure(error);
      await pause(againMs, null, { signal: stop });
    }
  }
}

/** After this time traces are lost: a silent collector must not keep the process alive. */
const sendWithinMs = 2_000;

/** Starts traces if the environment asks for them; null: it does not. Call it before anything else starts. */
async function startTracing(
  { tracing }: Environment,
  kind: ProcessKind,
  log: Logger,
): Promise<{ readonly stop: () => Promise<void> } | null> {
  if (!tracing) return null;
  const { startOpenTelemetry } = await import("../operations/open-telemetry.ts");
  const name = kind === "all" ? "eks-access" : `eks-access-${kind}`;
  const stop = await startOpenTelemetry(name, tracing.protocol, log);
  return {
    stop: () => {
      const sending = stop().catch((error: unknown) => log.warn({ err: error }, "could not send the last traces"));
      return withinTime(sending, sendWithinMs, undefined);
    },
  };
}
