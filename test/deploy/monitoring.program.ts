import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Registry } from "prom-client";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { freePort } from "../../sandbox/product-process.ts";
import { runProgram } from "../../sandbox/redis/debian-packages.ts";
import { approversChecked, recordedEvents } from "../../src/operations/announcements.ts";
import { anEvent } from "../builders/an-event.ts";
import { aProgram, type FoundProgram } from "./a-program.ts";
import { everySeries } from "./every-series.ts";

const dashboardForm = z.object({
  panels: z.array(
    z.object({ title: z.string(), targets: z.array(z.object({ expr: z.string(), legendFormat: z.string() })) }),
  ),
});
const answerForm = z.object({
  status: z.literal("success"),
  data: z.object({
    result: z.array(
      z.object({
        metric: z.record(z.string(), z.string()),
        value: z.tuple([z.number(), z.string().transform(Number)]),
      }),
    ),
  }),
});

const root = fileURLToPath(new URL("../..", import.meta.url));

describe("the alerts, for Prometheus itself,", () => {
  let folder: string;
  let promtool: FoundProgram;

  beforeAll(async () => {
    promtool = await aProgram("prometheus", "usr/bin/promtool");
    folder = await mkdtemp(join(tmpdir(), "eks-access-alerts-"));
    for (const name of ["alerts.yml", "slo.yml"]) {
      await copyFile(join(root, "deploy/monitoring", name), join(folder, name));
      await copyFile(join(root, "test/deploy", name), join(folder, `tests-of-${name}`));
    }
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const run = (...args: readonly string[]) =>
    runProgram(promtool.path, args, { cwd: folder, env: { LD_LIBRARY_PATH: promtool.libraryPath } });

  describe.each(["alerts.yml", "slo.yml"])("%s", (name) => {
    test("are rules that it takes", async () => {
      const rules = (await readFile(join(folder, name), "utf8")).match(/^ +- (?:alert|record):/gm) ?? [];

      expect(await run("check", "rules", name)).toContain(`SUCCESS: ${rules.length} rules found`);
    });

    test("fire for what they are about, and for nothing else", async () => {
      expect(await run("test", "rules", `tests-of-${name}`)).toContain("SUCCESS");
    });
  });
});

describe("the dashboard, on a Prometheus that scrapes every series of the product,", async () => {
  const { panels } = dashboardForm.parse(
    JSON.parse(await readFile(join(root, "deploy/monitoring/grafana-dashboard.json"), "utf8")),
  );
  const shown = panels.flatMap(({ title, targets }) => targets.map((target) => ({ title, ...target })));
  let prometheus: Prometheus | undefined;

  beforeAll(async () => {
    const { registry, happen } = everySeries();
    prometheus = await startPrometheus(registry, happen);
  });
  afterAll(() => prometheus?.stop());

  test.each(shown)("draws $title: $expr", async ({ expr, legendFormat }) => {
    const labels = [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(([, label = ""]) => label);

    await expect
      .poll(async () => {
        const drawn = ((await prometheus?.query(expr)) ?? []).filter(({ value: [, value] }) => Number.isFinite(value));
        return drawn.some(({ metric }) => labels.every((label) => label === "cause" || metric[label]));
      })
      .toBe(true);
  });
});

describe("the dashboard, on a Prometheus that scrapes a product in which nothing is wrong,", async () => {
  const { panels } = dashboardForm.parse(
    JSON.parse(await readFile(join(root, "deploy/monitoring/grafana-dashboard.json"), "utf8")),
  );
  const targetsOf = (title: string) => panels.find((panel) => panel.title === title)?.targets ?? expect.fail(title);
  let prometheus: Prometheus;

  beforeAll(async () => {
    const { registry } = everySeries({ isQuiet: true });
    prometheus = await startPrometheus(registry, () =>
      approversChecked.publish([{ cluster: "staging", level: "admin", missing: 0 }]),
    );
  });
  afterAll(() => prometheus.stop());

  test.each([
    "Refused and failed, by code",
    "Writes and conflicts",
    "Calls that fail",
    "Approvers missing",
    "Unconfigured",
    "Leases that can't end",
    "Clusters that no worker can open",
  ])("draws a zero in %s, because no line would look like no metrics", async (title) => {
    for (const { expr } of targetsOf(title)) {
      await expect.poll(async () => (await prometheus.query(expr)).map(({ value: [, value] }) => value)).toEqual([0]);
    }
  });

  test("shows an event that happens for the first time", async () => {
    recordedEvents.publish(anEvent({ type: "lease.failed", detail: { code: "cluster-unreachable" } }));

    for (const title of ["What happened", "Refused and failed, by code"]) {
      const [{ expr } = expect.fail(title)] = targetsOf(title);
      await expect.poll(async () => (await prometheus.query(expr)).map(({ value: [, value] }) => value)).toContain(1);
    }
  });
});

interface Prometheus {
  readonly query: (expr: string) => Promise<z.output<typeof answerForm>["data"]["result"]>;
  readonly stop: () => Promise<void>;
}

/** Scrapes and evaluates each second, with the rules of slo.yml, what each scrape makes happen once more. */
async function startPrometheus(registry: Registry, happen: () => void): Promise<Prometheus> {
  const { path, libraryPath } = await aProgram("prometheus", "usr/bin/prometheus");
  const folder = await mkdtemp(join(tmpdir(), "eks-access-prometheus-"));
  const product = createServer((_, response) => {
    happen();
    void registry.metrics().then((text) => response.setHeader("content-type", registry.contentType).end(text));
  }).listen(0, "127.0.0.1");
  await once(product, "listening");
  const { port: scraped } = product.address() as AddressInfo;
  const rules = await readFile(join(root, "deploy/monitoring/slo.yml"), "utf8");
  await writeFile(join(folder, "slo.yml"), rules.replace("interval: 30s", "interval: 1s"));
  const scrape = { job_name: "eks-access", static_configs: [{ targets: [`127.0.0.1:${scraped}`] }] };
  const global = { scrape_interval: "1s", evaluation_interval: "1s" };
  const file = join(folder, "prometheus.json");
  await writeFile(file, JSON.stringify({ global, rule_files: ["slo.yml"], scrape_configs: [scrape] }));
  const port = await freePort();
  const child = spawn(
    path,
    [`--config.file=${file}`, `--storage.tsdb.path=${join(folder, "data")}`, `--web.listen-address=127.0.0.1:${port}`],
    { stdio: "ignore", env: { LD_LIBRARY_PATH: libraryPath } },
  );
  const exited = once(child, "exit");
  const query: Prometheus["query"] = async (expr) => {
    const asked = new URLSearchParams({ query: expr.replaceAll("$__rate_interval", "1m") });
    const answer = await fetch(`http://127.0.0.1:${port}/api/v1/query?${asked}`);
    return answerForm.parse(await answer.json()).data.result;
  };
  while ((await query("up").catch(() => [])).length === 0) await wait(200);
  return {
    query,
    stop: async () => {
      child.kill("SIGTERM");
      await exited;
      product.close();
      product.closeAllConnections();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
