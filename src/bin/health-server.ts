import { createServer, type ServerResponse } from "node:http";
import type { Registry } from "prom-client";
import { AccessError } from "../failure/access-error.ts";

/** What the health server asks. */
export interface Health {
  /** Rejects where the ledger does not answer. */
  readonly ping: () => Promise<unknown>;
  /** When a call to each service last went well, ISO 8601. */
  readonly lastSuccess: () => Readonly<Record<string, string>>;
  readonly registry: Registry;
}

const pingWithinMs = 2_000;

/**
 * `GET /healthz`: 200 as long as the process answers at all. `GET /readyz`: 200 while the ledger answers, otherwise 503,
 * and when each service last answered. `GET /metrics` for Prometheus. No port: no server.
 */
export async function startHealthServer(
  port: string | undefined,
  health: Health,
): Promise<{ stop: () => Promise<void> } | null> {
  if (!port) return null;
  const answers: Readonly<Record<string, (response: ServerResponse) => Promise<void>>> = {
    "/healthz": async (response) => void response.writeHead(200, { "content-type": "text/plain" }).end("ok\n"),
    "/readyz": (response) => answerReady(health, response),
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
  return { stop: () => new Promise((resolve) => server.close(() => resolve())) };
}

/** A server that hangs is no more ready than one that refuses. */
async function answerReady({ ping, lastSuccess }: Health, response: ServerResponse): Promise<void> {
  const startedAt = performance.now();
  const isThere = await Promise.race([
    ping().then(
      () => true,
      () => false,
    ),
    new Promise<boolean>((resolve) => setTimeout(resolve, pingWithinMs, false).unref()),
  ]);
  const milliseconds = Math.round(performance.now() - startedAt);
  const body = { ready: isThere, ledger: { answers: isThere, milliseconds }, lastSuccess: lastSuccess() };
  response.writeHead(isThere ? 200 : 503, { "content-type": "application/json" }).end(`${JSON.stringify(body)}\n`);
}

async function answerMetrics(registry: Registry, response: ServerResponse): Promise<void> {
  const text = await registry.metrics().catch(() => null);
  response.writeHead(text === null ? 500 : 200, { "content-type": registry.contentType }).end(text ?? "");
}
