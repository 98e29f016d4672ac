import { createServer, type ServerResponse } from "node:http";
import type { Registry } from "prom-client";
import { AccessError } from "../failure/access-error.ts";

/**
 * `GET /healthz` for container health checks: 200 while the ledger answers; `GET /metrics` for Prometheus. No port: no
 * server.
 */
export async function startHealthServer(
  port: string | undefined,
  ping: () => Promise<unknown>,
  registry: Registry,
): Promise<{ stop: () => Promise<void> } | null> {
  if (!port) return null;
  const server = createServer((request, response) => {
    if (request.url === "/metrics") return void answerMetrics(registry, response);
    if (request.url !== "/healthz") return void response.writeHead(404).end();
    ping().then(
      () => response.writeHead(200, { "content-type": "text/plain" }).end("ok\n"),
      () => response.writeHead(503, { "content-type": "text/plain" }).end("the ledger does not answer\n"),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error) =>
      reject(new AccessError("port-in-use", `Port ${port} of HEALTH_PORT can't be used`, { cause: error })),
    );
    server.listen(Number(port), resolve);
  });
  return { stop: () => new Promise((resolve) => server.close(() => resolve())) };
}

async function answerMetrics(registry: Registry, response: ServerResponse): Promise<void> {
  const text = await registry.metrics().catch(() => null);
  response.writeHead(text === null ? 500 : 200, { "content-type": registry.contentType }).end(text ?? "");
}
