import { createServer, type ServerResponse } from "node:http";
import type { Registry } from "prom-client";
import { AccessError } from "../failure/access-error.ts";

/** What the health server asks. */
export interface Health {
  /** Rejects where the ledger does not answer. */
  readonly ping: () => Promise<unknown>;
  /** When a call to each service last went well, ISO 8601. */
  readonly lastSuccess: () => Readonly<Record<string, string>>;
  /** Since when each service that is away has not answered, ISO 8601. */
  readonly awaySince: () => Readonly<Record<string, string>>;
  readonly registry: Registry;
}

interface HealthServer {
  /** From now on the process is not ready, whatever else is true: nobody should send it more work. */
  readonly tellStopping: () => void;
  readonly stop: () => Promise<void>;
}

const pingWithinMs = 2_000;

/**
 * `GET /healthz`: 200 as long as the process answers at all. `GET /readyz`: 200 while the ledger answers and the process
 * takes work, otherwise 503; with when each service last answered, and which are away. They alone make no process unready:
 * it waits for them, and says so to people. `GET /metrics` for Prometheus. No port: no server.
 */
export async function startHealthServer(port: string | undefined, health: Health): Promise<HealthServer | null> {
  if (!port) return null;
  let isStopping = false;
  const answers: Readonly<Record<string, (response: ServerResponse) => Promise<void>>> = {
    "/healthz": async (response) => void response.writeHead(200, { "content-type": "text/plain" }).end("ok\n"),
    "/readyz": (response) => answerReady(health, isStopping, response),
    "/metrics": (response) => answerMetrics(health.registry, response),
  };
  const server = createServer((request, response) => {
    const answer = answers[request.url ?? ""];
    if (answer) void answer(response);
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error) =>
      reject(new AccessError("port-in-use", `Port ${port} of HEALTH_PORT can't be used`, { cause: error })),
    );
    server.listen(Number(port), resolve);
  });
  return {
    tellStopping: () => {
      isStopping = true;
    },
    stop: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

/** A server that hangs is no more ready than one that refuses. */
async function answerReady(health: Health, isStopping: boolean, response: ServerResponse): Promise<void> {
  const startedAt = performance.now();
  const isThere = await Promise.race([
    health.ping().then(
      () => true,
      () => false,
    ),
    new Promise<boolean>((resolve) => setTimeout(resolve, pingWithinMs, false).unref()),
  ]);
  const milliseconds = Math.round(performance.now() - startedAt);
  const ready = isThere && !isStopping;
  const body = {
    ready,
    stopping: isStopping,
    ledger: { answers: isThere, milliseconds },
    lastSuccess: health.lastSuccess(),
    awaySince: health.awaySince(),
  };
  response.writeHead(ready ? 200 : 503, { "content-type": "application/json" }).end(`${JSON.stringify(body)}\n`);
}

async function answerMetrics(registry: Registry, response: ServerResponse): Promise<void> {
  const text = await registry.metrics().catch(() => null);
  response.writeHead(text === null ? 500 : 200, { "content-type": registry.contentType }).end(text ?? "");
}
