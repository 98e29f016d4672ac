import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { load } from "js-yaml";
import { Registry } from "prom-client";
import { expect, test } from "vitest";
import { z } from "zod";
import { countStates } from "../../src/access/request/lists.ts";
import { createReachMetrics } from "../../src/operations/health-server.ts";
import { createLedgerMetrics, createProcessMetrics } from "../../src/operations/process-metrics.ts";
import { createWorkerMetrics } from "../../src/operations/worker-metrics.ts";

const read = (name: string) =>
  readFileSync(fileURLToPath(new URL(`../../deploy/monitoring/${name}`, import.meta.url)), "utf8");

const alerts = z.object({
  groups: z.array(
    z.object({
      rules: z.array(
        z.object({
          alert: z.string(),
          expr: z.string(),
          labels: z.object({ severity: z.enum(["warning", "critical"]) }),
          annotations: z.object({ summary: z.string(), description: z.string() }),
        }),
      ),
    }),
  ),
});
const dashboard = z.object({
  panels: z.array(z.object({ title: z.string(), targets: z.array(z.object({ expr: z.string() })).min(1) })),
});

/** Every series that a worker or a Slack process tells, by its name. */
async function told(): Promise<ReadonlySet<string>> {
  const registry = new Registry();
  createProcessMetrics(registry, () => new Date());
  createWorkerMetrics(registry);
  createReachMetrics(registry, async () => new Map());
  createLedgerMetrics(registry, {
    queues: async () => [],
    tally: async () => countStates(new Map()),
    openUnconfigured: async () => new Map(),
    memoryUsed: async () => null,
    auditLag: async () => [],
  });
  const metrics = await registry.getMetricsAsJSON();
  return new Set(metrics.flatMap(({ name }) => [name, `${name}_bucket`, `${name}_sum`, `${name}_count`]));
}

function seriesOf(expressions: readonly string[]): string[] {
  return [...new Set(expressions.flatMap((each) => each.match(/\b(?:eks_access|process)_\w+/g) ?? []))];
}

test("each alert is about series that the processes tell", async () => {
  const rules = alerts.parse(load(read("alerts.yml"))).groups.flatMap((group) => group.rules);
  const known = await told();
  const series = seriesOf(rules.map((rule) => rule.expr));

  expect(series.length).toBeGreaterThan(4);
  expect(series.filter((name) => !known.has(name))).toEqual([]);
});

test("each panel of the dashboard shows series that the processes tell", async () => {
  const { panels } = dashboard.parse(JSON.parse(read("grafana-dashboard.json")));
  const known = await told();
  const series = seriesOf(panels.flatMap((panel) => panel.targets.map((target) => target.expr)));

  expect(panels.length).toBeGreaterThan(8);
  expect(series.filter((name) => !known.has(name))).toEqual([]);
});

test("each series of ours has its panel", async () => {
  const { panels } = dashboard.parse(JSON.parse(read("grafana-dashboard.json")));
  const shown = panels.flatMap((panel) => panel.targets.map((target) => target.expr)).join("\n");
  const ours = [...(await told())].filter((name) => /^eks_access_/.test(name) && !/_(?:bucket|sum|count)$/.test(name));

  expect(ours.length).toBeGreaterThan(8);
  expect(ours.filter((name) => !shown.includes(name))).toEqual([]);
});
