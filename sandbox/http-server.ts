import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Faults } from "./faults.ts";

export interface SandboxRequest {
  method: string;
  url: URL;
  headers: IncomingMessage["headers"];
  body: Buffer;
}

export interface SandboxAnswer {
  status: number;
  headers?: Readonly<Record<string, string>>;
  body?: string | Buffer;
  /** The caller, if the stand-in knows it: an ARN, a Kubernetes username. For `onCall`; it is not sent. */
  by?: string;
}

/** One answered call. `by`: the caller, if its signature or token was good. */
export interface SandboxCall {
  readonly call: string;
  readonly status: number;
  readonly milliseconds: number;
  readonly by: string | undefined;
}

export type SandboxRoute = { call: string; answer: () => SandboxAnswer | Promise<SandboxAnswer> };

export type SandboxServer = { url: string; stop: () => Promise<void> };

/** The same for each stand-in. */
export interface StandIn {
  /** Its clock; a server that gets one shows it in the header `date`, from which the AWS SDK learns the time. Absent: the real one. */
  readonly now?: (() => Date) | undefined;
  /** The IPv4 address to listen on; by default 127.0.0.1. Containers reach this machine by a different one. */
  readonly host?: string | undefined;
  readonly onCall?: ((call: SandboxCall) => void) | undefined;
  readonly faults?: Faults;
}

export interface SandboxServerOptions extends StandIn {
  faults: Faults;
  /** Names the call of a request. It must have no effect. */
  route: (request: SandboxRequest) => SandboxRoute;
  tls?: { key: string; cert: string } | undefined;
  /** How long an idle connection stays; by default 5 s. */
  idleMs?: number;
  /** Takes over a connection for another protocol, for example a WebSocket. Absent: the server refuses such a request. */
  onUpgrade?: (request: IncomingMessage, socket: Duplex, head: Buffer) => void;
}

/**
 * Node's server stops reading a connection while more than a socket's high-water mark (16 KiB) waits to be sent, and
 * then takes further data of a TLS socket for a malformed request ("Parse Error: Paused", seen with Node 20). A client
 * that asks again right after a large answer would lose its connection, unlike at an API server. In bytes.
 */
const maxUnsent = 16 * 1024 * 1024;

type Writing = { readonly _writableState: { highWaterMark: number } };

export async function startSandboxServer(options: SandboxServerOptions): Promise<SandboxServer> {
  const { host = "127.0.0.1" } = options;
  const handle = (request: IncomingMessage, response: ServerResponse) => {
    serve(options, request, response).catch((error: unknown) => {
      if (!response.headersSent) response.writeHead(500, { "content-type": "text/plain" });
      response.end(`sandbox: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    });
  };
  const server: Server = options.tls ? createTlsServer(options.tls, handle) : createServer(handle);
  if (options.idleMs !== undefined) server.keepAliveTimeout = options.idleMs;
  if (options.onUpgrade) server.on("upgrade", options.onUpgrade);
  // A TLS server does not give its `highWaterMark` to its sockets.
  server.on("secureConnection", (socket: Writing) => {
    socket._writableState.highWaterMark = maxUnsent;
  });
  const sockets = new Set<Socket>();
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  await once(server.listen(0, host), "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `${options.tls ? "https" : "http"}://${host}:${port}`,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

async function serve(options: SandboxServerOptions, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const started = performance.now();
  const body = await readBody(request);
  const { method = "GET", headers } = request;
  const sent = { method, url: new URL(request.url ?? "/", "http://sandbox.invalid"), headers, body };
  const route = options.route(sent);
  const fault = await options.faults.meet(route.call);
  if (fault?.type === "cut-before") return void request.socket.destroy();
  if (fault?.type === "hang") return;
  if (fault?.type === "drip") return drip(response);
  if (fault?.type === "delay") await new Promise((resolve) => setTimeout(resolve, fault.ms));
  const done = fault?.type === "answer" ? fault : await route.answer();
  if (fault?.type === "cut-after") return void request.socket.destroy();
  const answer = fault?.type === "answer-after" ? fault : done;
  const by = "by" in answer ? answer.by : undefined;
  options.onCall?.({ call: route.call, status: answer.status, milliseconds: performance.now() - started, by });
  const date = options.now?.().toUTCString();
  response.writeHead(answer.status, { "content-type": "application/json", ...(date && { date }), ...answer.headers });
  response.end(answer.body ?? "");
}

function drip(response: ServerResponse): void {
  response.writeHead(200, { "content-type": "application/json" }).write("{");
  const timer = setInterval(() => response.write(" "), 20);
  response.once("close", () => clearInterval(timer));
}

const maxBytes = 4 * 1024 * 1024;

/** By events: an iterator of the stream costs more than a small answer. */
function readBody(request: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    request.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size > maxBytes) reject(new Error(`the body is larger than ${maxBytes} bytes`));
      else chunks.push(chunk);
    });
    request.on("end", () => resolve(Buffer.concat(chunks)));
    request.on("error", reject);
  });
}
