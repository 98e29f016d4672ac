import { Registry } from "prom-client";
import { expect } from "vitest";
import { configuration } from "../../sandbox/scene.ts";
import { backlogOf } from "../../src/bin/backlog.ts";
import { redisAuditLog } from "../../src/ledger/audit-log.ts";
import { connectRedis } from "../../src/ledger/connect.ts";
import { redisLedger } from "../../src/ledger/ledger.ts";
import { openQueues } from "../../src/ledger/queues.ts";
import { createLedgerMetrics } from "../../src/operations/metrics.ts";
import { configOf } from "../builders/a-cluster.ts";
import { runbooks } from "./runbook.ts";

/** What every worker's /metrics says of Redis now, by the series that a runbook names: how it is written there → its value. */
export async function seriesOf(heading: string, redisUrl: string): Promise<Readonly<Record<string, number>>> {
  const lines = await metricsNow(redisUrl);
  const named = (runbooks.get(heading) ?? "").matchAll(/`((eks_access_\w+)\{([^}]+)\})`/g);
  return Object.fromEntries(
    [...named].map(([, series = "", name = "", labels = ""]) => {
      const line = lines.find(
        (each) => each.startsWith(`${name}{`) && labels.split(",").every((one) => each.includes(one)),
      );
      return [
        series,
        Number(line?.split(" ").at(-1) ?? expect.fail(`No worker tells ${series}, which "${heading}" names`)),
      ];
    }),
  );
}

async function metricsNow(redisUrl: string): Promise<readonly string[]> {
  const config = configOf(configuration);
  const { redis, close } = await connectRedis(redisUrl);
  const queues = openQueues(redis);
  const registry = new Registry();
  const now = () => new Date();
  const known = {
    ...{ queues, ledger: redisLedger(redis), now, auditLog: redisAuditLog(redis) },
    configuration: () => config,
  };
  createLedgerMetrics(registry, backlogOf(known, redis));
  const text = await registry.metrics();
  await queues.close();
  await close();
  return text.split("\n");
}
