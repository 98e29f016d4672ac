import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { once } from "node:events";
import { connect } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { Registry } from "prom-client";
import { afterEach, describe, expect, test, vi } from "vitest";
import { freePort } from "../../sandbox/product-process.ts";
import { AccessError } from "../../src/access/access-error.ts";
import { countStates } from "../../src/access/lists.ts";
import { answeredRequests, finishedCalls, measuredStep, recordedEvents } from "../../src/operations/announcements.ts";
import { type Health, type Probe, type ServiceState, startHealthServer } from "../../src/operations/health-server.ts";
import { createLedgerMetrics, createProcessMetrics, createWorkerMetrics, gauge } from "../../src/operations/metrics.ts";
import { anEvent } from "../builders/an-event.ts";
import { at } from "../builders/times.ts";

describe("the health server", () => {
  const well = {
    ping: async () => "PONG",
    lastSuccess: () => ({}),
    awaySince: () => ({}),
    probes: new Map<string, Probe>(),
    now: () => at(600),
    clockState: () => ({ aheadOfRedisSeconds: 0, wrong: null }),
  };
  const probed = (service: string, reach: ServiceState) => ({
    probes: new Map([[service, { reach: () => reach, stop: () => {} }]]),
  });
  const running: { stop: () => Promise<void> }[] = [];
  const start = async (change: Partial<Health> = {}, isStarted = true) => {
    const port = await freePort();
    const health = { ...well, registry: new Registry(), ...change };
    const server = await startHealthServer(port, health);
    if (server) running.push(server);
    if (isStarted) server?.markStarted();
    return `http://127.0.0.1:${port}`;
  };
  const metricsOf = async (registry: Registry) => (await fetch(`${await start({ registry })}/metrics`)).text();
  afterEach(async () => {
    for (const server of running.splice(0)) await server.stop();
  });

  test("is healthy as long as it answers, whether the ledger does or not", async () => {
    const ill = await start({ ping: () => Promise.reject(new Error("closed")) });

    expect((await fetch(`${ill}/healthz`)).status).toBe(200);
  });

  test("is alive, and neither started nor ready, while the process still waits for what it starts with", async () => {
    const url = await start({}, false);

    const statuses = await Promise.all(
      ["/healthz", "/startupz", "/readyz"].map(async (path) => (await fetch(`${url}${path}`)).status),
    );

    expect(statuses).toEqual([200, 503, 503]);
  });

  test("stays started, whether the ledger answers later or not", async () => {
    const url = await start({ ping: () => Promise.reject(new Error("closed")) });

    expect((await fetch(`${url}/startupz`)).status).toBe(200);
  });

  test.each([
    ["answers", async () => "PONG", 200, null],
    [
      "refuses",
      () => Promise.reject(new AccessError("ledger-unreachable", "Full")),
      503,
      "Full. Check Redis and REDIS_URL.",
    ],
    ["hangs", () => new Promise(() => {}), 503, "Redis did not answer. Check Redis and REDIS_URL."],
  ])(
    "is ready or not where the ledger %s, and says why, and when each service last answered",
    async (_how, ping, status, why) => {
      const lastSuccess = () => ({ slack: at(0).toISOString() });
      const response = await fetch(`${await start({ ping, lastSuccess })}/readyz`);

      expect(response.status).toBe(status);
      expect(await response.json()).toMatchObject({
        ready: status === 200,
        ledger: { answers: status === 200, why },
        lastSuccess: { slack: at(0).toISOString() },
      });
    },
  );

  test("is not ready once the process stops, and says why", async () => {
    const port = await freePort();
    const server = await startHealthServer(port, { ...well, registry: new Registry() });
    if (server) running.push(server);

    server?.markStopping();
    const response = await fetch(`http://127.0.0.1:${port}/readyz`);

    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({ ready: false, stopping: true, ledger: { answers: true } });
  });

  test.each([
    ["answers", { answers: true, since: at(0).toISOString(), why: null }, 200, 1],
    ["was there a moment ago", { answers: false, since: at(541).toISOString(), why: "no way" }, 200, 0],
    ["has been away for a minute", { answers: false, since: at(540).toISOString(), why: "no way" }, 503, 0],
  ])("is ready or not if the service that it depends on %s, and says so", async (_how, reach, status, up) => {
    const url = await start(probed("slack", reach));

    const response = await fetch(`${url}/readyz`);
    const metrics = await (await fetch(`${url}/metrics`)).text();

    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ ready: status === 200, services: { slack: reach } });
    expect(metrics).toContain(`eks_access_service_up{service="slack"} ${up}`);
    expect(metrics).toContain('eks_access_service_up{service="ledger"} 1');
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
  });

  test("shows as a series that the ledger does not answer", async () => {
    const url = await start({ ping: () => Promise.reject(new Error("closed")) });

    expect(await (await fetch(`${url}/metrics`)).text()).toContain('eks_access_service_up{service="ledger"} 0');
  });

  test("is ready while a service that it does not depend on is away, and says since when", async () => {
    const { lastSuccess, awaySince } = createProcessMetrics(new Registry(), () => at(seconds));
    let seconds = 0;
    const call = (service: "slack" | "sts", result: string) => {
      seconds += 10;
      finishedCalls.publish({ service, operation: "any", result, seconds: 0.1 });
    };
    call("slack", "ok");
    call("slack", "unreachable");
    call("slack", "503");
    call("sts", "unreachable");
    call("sts", "403");

    const response = await fetch(`${await start({ lastSuccess, awaySince })}/readyz`);

    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({
      ready: true,
      lastSuccess: { slack: at(10).toISOString() },
      awaySince: { slack: at(20).toISOString() },
    });
    expect(awaySince()).not.toHaveProperty("sts");
  });

  test("shows how late leases ended, without a name of a person or a principal", async () => {
    const registry = new Registry();
    createWorkerMetrics(registry).revocationLag.observe(0.7);

    const text = await metricsOf(registry);

    expect(text).toContain('eks_access_revocation_lag_seconds_bucket{le="1"} 1');
    expect(text).not.toContain("arn:");
  });

  test("shows how long each step of a run took", async () => {
    const registry = new Registry();
    createWorkerMetrics(registry);

    await measuredStep("assume", async () => {});
    await measuredStep("put", () => Promise.reject(new Error("409"))).catch(() => {});

    const text = await metricsOf(registry);
    expect(text).toContain('eks_access_step_seconds_count{step="assume"} 1');
    expect(text).toContain('eks_access_step_seconds_count{step="put"} 1');
  });

  test("counts calls, events and answers, and remembers when a call last went well", async () => {
    const registry = new Registry();
    const metrics = createProcessMetrics(registry, () => at(60));
    finishedCalls.publish({ service: "slack", operation: "chat.update", result: "ok", seconds: 0.02 });
    finishedCalls.publish({ service: "sts", operation: "AssumeRole", result: "403", seconds: 0.02 });
    recordedEvents.publish(anEvent({ type: "request.refused", detail: { code: "too-long" } }));
    answeredRequests.publish({ status: 200, seconds: 0.004 });

    const text = await metricsOf(registry);

    expect(text).toContain('eks_access_calls_total{service="slack",operation="chat.update",result="ok"} 1');
    expect(text).toContain('eks_access_calls_total{service="sts",operation="AssumeRole",result="403"} 1');
    expect(text).toContain('eks_access_events_total{type="request.refused",code="too-long"} 1');
    expect(text).toContain('eks_access_ack_seconds_bucket{le="0.005",status="200"} 1');
    expect(metrics.lastSuccess()).toEqual({ slack: at(60).toISOString() });
  });

  test("shows the present queues and requests", async () => {
    const registry = new Registry();
    createLedgerMetrics(registry, {
      queues: async () => [{ name: "clusters", jobs: { waiting: 3, delayed: 1 }, ageSeconds: 12 }],
      tally: async () =>
        countStates(
          new Map([
            ["pending", 2],
            ["approved/active", 5],
            ["approved/ended/expired", 7],
          ]),
        ),
      openUnconfigured: async () => new Map([["gone", 1]]),
      overdue: async () => new Map([["staging", 2]]),
      closedFor: async () => new Map([["staging", 90]]),
      memoryUsed: async () => 0.25,
      mayEvict: async () => true,
      zones: async () => new Map([["eu-private", false]]),
      logFlaw: async () => "WRONGTYPE",
      auditLag: async () => [{ sink: "s3", events: 4, seconds: 90 }],
    });

    const text = await metricsOf(registry);

    expect(text).toContain('eks_access_queue_jobs{queue="clusters",state="waiting"} 3');
    expect(text).toContain('eks_access_queue_jobs{queue="clusters",state="delayed"} 1');
    expect(text).toContain('eks_access_queue_age_seconds{queue="clusters"} 12');
    expect(text).toContain('eks_access_requests{state="pending"} 2');
    expect(text).toContain('eks_access_requests{state="denied"} 0');
    expect(text).toContain('eks_access_leases{state="active",cause=""} 5');
    expect(text).toContain('eks_access_leases{state="ended",cause="expired"} 7');
    expect(text).toContain('eks_access_leases{state="ended",cause="revoked"} 0');
    expect(text).toContain('eks_access_unconfigured_requests{cluster="gone"} 1');
    expect(text).toContain('eks_access_overdue_leases{cluster="staging"} 2');
    expect(text).toContain('eks_access_cluster_closed_seconds{cluster="staging"} 90');
    expect(text).toContain("eks_access_redis_memory_used_ratio 0.25");
    expect(text).toContain("eks_access_redis_evicts 1");
    expect(text).toContain('eks_access_zone_without_worker{zone="eu-private"} 1');
    expect(text).toContain("eks_access_audit_log_stopped 1");
    expect(text).toContain('eks_access_audit_lag_events{sink="s3"} 4');
    expect(text).toContain('eks_access_audit_lag_seconds{sink="s3"} 90');
  });

  test("still shows the other series if the ledger does not answer", async () => {
    const registry = new Registry();
    createWorkerMetrics(registry);
    const lost = () => Promise.reject(new Error("closed"));
    createLedgerMetrics(registry, {
      queues: lost,
      tally: lost,
      openUnconfigured: lost,
      overdue: lost,
      closedFor: lost,
      memoryUsed: lost,
      mayEvict: lost,
      zones: lost,
      logFlaw: lost,
      auditLag: lost,
    });

    const response = await fetch(`${await start({ registry })}/metrics`);
    const text = await response.text();

    expect(response.status).toBe(200);
    expect(text).toContain("eks_access_revocation_lag_seconds_count 0");
    expect(text).not.toMatch(/^eks_access_leases\{/m);
  });

  test("reads the ledger once for a flood of scrapes", async () => {
    const registry = new Registry();
    let answer = (): void => {};
    const slow = new Promise<[]>((resolve) => {
      answer = () => resolve([]);
    });
    const read = vi.fn(() => slow);
    gauge(registry, "slow", "slow", [], read);
    const url = await start({ registry });
    let arrived = 0;
    const arrive = () => {
      arrived += 1;
      if (arrived === 50) answer();
    };
    subscribe("http.server.request.start", arrive);

    const texts = await Promise.all(
      Array.from({ length: 50 }, async () => (await fetch(`${url}/metrics`)).text()),
    ).finally(() => unsubscribe("http.server.request.start", arrive));

    expect(texts.filter((text) => text.includes("# HELP slow"))).toHaveLength(50);
    expect(read).toHaveBeenCalledTimes(1);
  });

  test.each(["", "GET /readyz HTTP/1.1\r\n"])("stops beside a connection that sent only %j", async (text) => {
    const url = new URL(await start());
    const socket = connect(Number(url.port), url.hostname).resume();
    await once(socket, "connect");
    socket.write(text);
    await fetch(new URL("/healthz", url));

    const stopping = running.pop()?.stop();

    expect(await Promise.race([stopping, pause(5_000, "waiting")])).toBeUndefined();
    socket.destroy();
  });

  test("is not started without a port", async () => {
    expect(await startHealthServer(undefined, { ...well, registry: new Registry() })).toBeNull();
  });
});
