import { Registry } from "prom-client";
import { sealKeysFrom } from "../approval/seal.ts";
import type { ProcessKind } from "../config/environment.ts";
import type { WorkerContext } from "../jobs/context.ts";
import { openQueues } from "../jobs/queues.ts";
import { fewAtOnce, workerQuestions } from "../jobs/worker-questions.ts";
import type { AuditLog } from "../ledger/audit-log.ts";
import { createProcessMetrics } from "../metrics/process-metrics.ts";
import { createStandingMetrics } from "../metrics/standing-metrics.ts";
import { createWorkerMetrics } from "../metrics/worker-metrics.ts";
import { redisAuditLog } from "../redis/audit-log.ts";
import { connectLedger, connectRedisBlocking } from "../redis/connect.ts";
import { redisLedger } from "../redis/ledger.ts";
import { startHealthServer } from "./health-server.ts";
import { createLog } from "./log.ts";
import { newRequestId } from "./request-id.ts";
import { readSettings, type Settings } from "./settings.ts";
import { standingOf } from "./standing.ts";
import { untilStopped } from "./until-stopped.ts";

/** Runs the slack process, the worker, or both, until it is told to stop. Returns the exit code. */
export async function serve(kind: ProcessKind): Promise<number> {
  const settings = await readSettings(kind);
  const log = createLog(settings.environment.logLevel, kind);
  const { redisUrl, redisAccess } = settings.environment;
  const { redis, close } = await connectLedger(redisUrl, redisAccess);
  const blocking = connectRedisBlocking(redisUrl, redisAccess);
  const queues = openQueues(redis);
  const registry = new Registry();
  const metrics = createProcessMetrics(registry, () => new Date());
  const context: WorkerContext = {
    ledger: redisLedger(redis),
    queues,
    log,
    config: settings.config,
    sealKeys: sealKeysFrom(settings.environment.sealSecrets),
    now: () => new Date(),
    metrics: createWorkerMetrics(registry),
  };
  const running: { stop: () => Promise<void> }[] = [];
  if (kind !== "slack") {
    const { startWorker } = await import("../jobs/worker.ts");
    running.push(await startWorker(context, blocking));
    const { startAuditKeeper } = await import("../jobs/keep-audit.ts");
    running.push(startAuditKeeper({ ...context, auditLog: redisAuditLog(redis), settings: settings.config.audit }));
  }
  if (kind !== "worker") running.push(...(await startSlack(settings, context, blocking, redisAuditLog(redis))));
  if (kind !== "slack") {
    const names = [...settings.config.clusters.keys()];
    createStandingMetrics(registry, standingOf(queues, context.ledger, names, context.now));
  }
  const { lastSuccess } = metrics;
  const health = await startHealthServer(process.env.HEALTH_PORT, { ping: () => redis.ping(), lastSuccess, registry });
  log.info({ clusters: settings.config.clusters.size }, "ready");

  const signal = await untilStopped();
  log.info({ signal }, "stopping: taking no more work");
  await Promise.all(running.map((each) => each.stop()));
  await health?.stop();
  await queues.close();
  blocking.disconnect();
  await close();
  log.info("stopped");
  return 0;
}

async function startSlack(
  { environment, config }: Settings,
  plain: WorkerContext,
  blocking: ReturnType<typeof connectRedisBlocking>,
  auditLog: AuditLog,
): Promise<{ stop: () => Promise<void> }[]> {
  const [
    { startSlackApp },
    { startMessageWorker },
    clients,
    directories,
    { warnOfDeadApprovers },
    { genuineLedger },
    { startAnchorPoster },
  ] = await Promise.all([
    import("../slack/app.ts"),
    import("../slack/message-worker.ts"),
    import("../slack/web-client.ts"),
    import("../slack/directory.ts"),
    import("../slack/dead-approvers.ts"),
    import("../slack/genuine-ledger.ts"),
    import("../slack/anchor-poster.ts"),
  ]);
  const slack = environment.slack;
  if (!slack) return [];
  const context = { ...plain, ledger: genuineLedger(plain) };
  const workers = fewAtOnce(workerQuestions(context.queues));
  const directory = directories.slackDirectory(clients.directoryClient(slack), context.now);
  const slackContext = { ...context, workers, directory, newRequestId };
  const app = await startSlackApp(slackContext, slack, config.slack.mode);
  const client = clients.messengerClient(slack);
  const background = { ...context, directory, client: clients.backgroundClient(slack) };
  const messages = startMessageWorker({ ...context, directory, client }, background, blocking);
  void warnOfDeadApprovers(slackContext);
  const anchors = startAnchorPoster({ ...context, auditLog, client, settings: config.audit });
  return [app, messages, ...(anchors ? [anchors] : [])];
}
