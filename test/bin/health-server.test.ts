import { Registry } from "prom-client";
import { afterEach, describe, expect, test } from "vitest";
import { startHealthServer } from "../../src/bin/health-server.ts";
import { createWorkerMetrics } from "../../src/metrics/worker-metrics.ts";
import { freePort } from "../../src/sandbox/free-port.ts";

describe("the health server", () => {
  const running: { stop: () => Promise<void> }[] = [];
  const start = async (ping: () => Promise<unknown>, registry = new Registry()) => {
    const port = await freePort();
    const server = await startHealthServer(String(port), ping, registry);
    if (server) running.push(server);
    return `http://127.0.0.1:${port}`;
  };
  afterEach(async () => {
    for (const server of running.splice(0)) await server.stop();
  });

  test("is healthy while the ledger answers, and not when it does not", async () => {
    const well = await start(async () => "PONG");
    const ill = await start(() => Promise.reject(new Error("closed")));

    const answers = await Promise.all([fetch(`${well}/healthz`), fetch(`${ill}/healthz`)]);

    expect(answers.map((answer) => answer.status)).toEqual([200, 503]);
  });

  test("shows how late leases ended, without a name of a person or a principal", async () => {
    const registry = new Registry();
    createWorkerMetrics(registry).revocationLag.observe(0.7);
    const url = await start(async () => "PONG", registry);

    const text = await (await fetch(`${url}/metrics`)).text();

    expect(text).toContain('eks_access_revocation_lag_seconds_bucket{le="1"} 1');
    expect(text).not.toContain("arn:");
  });

  test("is not started without a port", async () => {
    const server = await startHealthServer(undefined, async () => "PONG", new Registry());

    expect(server).toBeNull();
  });
});
