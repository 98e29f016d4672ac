import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { issueCertificates } from "../../sandbox/cluster/certificate.ts";
import { type ClusterClient, connectCluster } from "../../src/kubernetes/cluster-client.ts";

/** One answer of an API server. `body` may be text, for a proxy's page, or a buffer. */
export interface CannedAnswer {
  status: number;
  body?: object | string;
  headers?: Readonly<Record<string, string>>;
  /** The body is followed by spaces, one every few milliseconds, without end. */
  drip?: boolean;
}

interface Received {
  method: string;
  path: string;
  query: Readonly<Record<string, string>>;
  headers: IncomingMessage["headers"];
  body: string;
}

/** A server with scripted answers, which the sandbox's cluster never gives by itself. */
export interface ScriptedServer {
  endpoint: string;
  certificateAuthority: string;
  received: Received[];
  /** Connections that were opened. */
  connections(): number;
  /** Those of them that resumed an earlier session of TLS. */
  resumed(): number;
  answer: (request: Received) => CannedAnswer | "never" | Promise<CannedAnswer>;
  /** Both are in one process, which can be busy: only what hangs takes as long as the usual limit here. */
  connect(options?: { certificateAuthority?: string; timeoutMs?: number }): ClusterClient;
  stop(): Promise<void>;
}

const validNow = issueCertificates(new Date());
export const token = "k8s-aws-v1.aHR0cHM6Ly9zdHMuZXUtY2VudHJhbC0xLmFtYXpvbmF3cy5jb20v";

export async function startScriptedServer(certificates = validNow): Promise<ScriptedServer> {
  const received: Received[] = [];
  let connections = 0;
  let resumed = 0;
  const server = createServer({ key: certificates.key, cert: certificates.cert }, async (incoming, response) => {
    const request = await read(incoming);
    received.push(request);
    const answer = await scripted.answer(request);
    if (answer === "never") return;
    const { body = {} } = answer;
    const text = typeof body === "string" || body instanceof Buffer ? body : JSON.stringify(body);
    response.writeHead(answer.status, { "content-type": "application/json", ...answer.headers });
    if (answer.drip) drip(response, text);
    else response.end(text);
  });
  server.on("secureConnection", (socket) => {
    connections += 1;
    if (socket.isSessionReused()) resumed += 1;
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const scripted: ScriptedServer = {
    endpoint: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    certificateAuthority: Buffer.from(certificates.authority).toString("base64"),
    received,
    connections: () => connections,
    resumed: () => resumed,
    answer: () => ({ status: 200 }),
    connect: ({ certificateAuthority = scripted.certificateAuthority, timeoutMs = 60_000 } = {}) =>
      connectCluster({ name: "payments", endpoint: scripted.endpoint, certificateAuthority, token }, { timeoutMs }),
    stop: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
  return scripted;
}

/** A body of the API server's own kind. */
export function aStatus(code: number, reason: string, message: string): object {
  return { kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure", message, reason, code };
}

function drip(response: ServerResponse, text: string | Buffer): void {
  response.write(text);
  const timer = setInterval(() => response.write(" "), 20);
  response.once("close", () => clearInterval(timer));
}

async function read(incoming: IncomingMessage): Promise<Received> {
  const url = new URL(incoming.url ?? "/", "https://127.0.0.1");
  const chunks = await incoming.toArray();
  return {
    method: incoming.method ?? "",
    path: url.pathname,
    query: Object.fromEntries(url.searchParams),
    headers: incoming.headers,
    body: Buffer.concat(chunks).toString("utf8"),
  };
}
