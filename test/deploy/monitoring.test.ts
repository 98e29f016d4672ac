import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { load } from "js-yaml";
import { Registry } from "prom-client";
import { expect, test } from "vitest";
import { z } from "zod";
import { createWorkerMetrics } from "../../src/operations/metrics.ts";
import { everySeries } from "./every-series.ts";

const read = (name: string) =>
  readFileSync(fileURLToPath(new URL(`../../deploy/monitoring/${name}`, import.meta.url)), "utf8");

const alert = z.strictObject({
  alert: z.string(),
  expr: z.string(),
  for: z.string().optional(),
  labels: z.object({ severity: z.enum(["warning", "critical"]) }),
  annotations: z.strictObject({ summary: z.string(), description: z.string(), runbook_url: z.string() }),
});
const recording = z.strictObject({ record: z.string(), expr: z.string() });
const ruleFile = z.object({ groups: z.array(z.object({ rules: z.array(z.union([alert, recording])) })) });
const rules = ["alerts.yml", "slo.yml"]
  .flatMap((name) => ruleFile.parse(load(read(name))).groups)
  .flatMap((group) => group.rules);
const alerts = rules.filter((rule) => "alert" in rule);
/** Series that the rules make of those that the processes export. */
const recorded = rules.flatMap((rule) => ("record" in rule ? [rule.record] : []));
const dashboard = z.object({
  panels: z.array(z.object({ title: z.string(), targets: z.array(z.object({ expr: z.string() })).min(1) })),
});

/** Every series that a worker or a Slack process exports, by its name. */
async function told(): Promise<ReadonlySet<string>> {
  const metrics = await everySeries().registry.getMetricsAsJSON();
  return new Set(metrics.flatMap(({ name }) => [name, `${name}_bucket`, `${name}_sum`, `${name}_count`]));
}

function seriesOf(expressions: readonly string[]): string[] {
  return [...new Set(expressions.flatMap((each) => each.match(/\b(?:eks_access|process)[_:][\w:]+/g) ?? []))];
}

test("each rule is about series that the processes tell, or that another rule makes of them", async () => {
  const known = new Set([...(await told()), ...recorded]);
  const series = seriesOf(rules.map((rule) => rule.expr));

  expect(series.length).toBeGreaterThan(12);
  expect(series.filter((name) => !known.has(name))).toEqual([]);
  expect(new Set(recorded).size).toBe(recorded.length);
});

test("each bucket that an objective counts is one that the histogram has", async () => {
  const registry = new Registry();
  createWorkerMetrics(registry);
  const text = await registry.metrics();
  const counted = rules.flatMap(({ expr }) => expr.match(/eks_access_\w+_bucket\{le="\d+"\}/g) ?? []);

  expect(counted.length).toBeGreaterThan(8);
  expect(counted.filter((each) => !text.includes(each.replace("}", "")))).toEqual([]);
});

test("each alert leads to a heading of the pages, by a place that one replaces", () => {
  const urls = alerts.map(({ annotations }) => annotations.runbook_url);
  const leadsNowhere = urls.filter((url) => {
    const [, page = "", anchor = ""] =
      /^https:\/\/example\.com\/eks-access\/(docs\/[\w/-]+\.md)#([\w-]+)$/.exec(url) ?? [];
    const text = page && readFileSync(fileURLToPath(new URL(`../../${page}`, import.meta.url)), "utf8");
    const headings = [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) => heading.toLowerCase());
    return !headings.some((heading) => heading.replace(/[^\w -]/g, "").replaceAll(" ", "-") === anchor);
  });

  expect(urls.length).toBeGreaterThan(15);
  expect(leadsNowhere).toEqual([]);
});

test("each objective has a page for a fast loss and a ticket for a slow one, and its panel", () => {
  const ratios = recorded.filter((name) => name.includes(":bad_ratio_"));
  const objectives = [...new Set(ratios.map((name) => name.split(":")[1]))];
  const severities = (slo: string | undefined) =>
    alerts.filter(({ expr }) => expr.includes(`:${slo}:`)).map(({ labels }) => labels.severity);
  const shown = read("grafana-dashboard.json");

  expect(objectives.sort()).toEqual(["activation", "end", "messages", "overdue"]);
  for (const each of objectives) {
    expect(severities(each)).toEqual(["critical", "warning"]);
    expect(shown).toContain(`eks_access:${each}:bad_ratio_1h`);
  }
});

test("each panel of the dashboard shows series that the processes tell", async () => {
  const { panels } = dashboard.parse(JSON.parse(read("grafana-dashboard.json")));
  const known = new Set([...(await told()), ...recorded]);
  const series = seriesOf(panels.flatMap((panel) => panel.targets.map((target) => target.expr)));

  expect(panels.length).toBeGreaterThan(8);
  expect(series.filter((name) => !known.has(name))).toEqual([]);
});

test("each series of ours has its panel, and the pages name no other", async () => {
  const { panels } = dashboard.parse(JSON.parse(read("grafana-dashboard.json")));
  const shown = panels.flatMap((panel) => panel.targets.map((target) => target.expr)).join("\n");
  const named = read("../../docs/observability.md").match(/(?<=`)eks_access_\w+/g) ?? [];
  const ours = [...(await told())].filter((name) => /^eks_access_/.test(name) && !/_(?:bucket|sum|count)$/.test(name));

  expect(ours.length).toBeGreaterThan(8);
  expect(ours.filter((name) => !shown.includes(name))).toEqual([]);
  expect(named.filter((name) => !ours.includes(name))).toEqual([]);
});

test("docs/reference/metrics.md has every series of ours, with its labels and its help", async () => {
  const series = z.object({ name: z.string(), help: z.string(), labelNames: z.array(z.string()) });
  const own = everySeries()
    .registry.getMetricsAsArray()
    .map((metric) => series.parse(metric));
  const lines = own
    .filter(({ name }) => name.startsWith("eks_access_"))
    .map(({ name, help, labelNames }) => {
      const labels = labelNames.length > 0 ? `{${labelNames.join(",")}}` : "";
      return `- \`${name}${labels}\`: ${help}`;
    });

  await expect(`# Metrics\n\n${lines.toSorted().join("\n")}\n`).toMatchFileSnapshot("../../docs/reference/metrics.md");
});
