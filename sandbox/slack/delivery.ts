import { createHmac, randomBytes, randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { WebSocket, WebSocketServer } from "ws";
import { isObject, type JsonObject, parseJson, textAt } from "../json.ts";

export type Outgoing =
  | { kind: "command"; payload: Readonly<Record<string, string>> }
  | { kind: "interaction"; payload: JsonObject }
  | { kind: "event"; payload: JsonObject };

export interface Acknowledgement {
  /** HTTP status; 200 over a socket; 0: none came. */
  status: number;
  milliseconds: number;
  error?: "operation_timeout" | "dispatch_failed";
  /** The app's answer: a JSON value, or a text. Undefined: empty. */
  body?: unknown;
}

/** Why Slack sends something again. */
export type Retry = { num: number; reason: string };

export type Deliver = (outgoing: Outgoing, retry?: Retry) => Promise<Acknowledgement>;

export const ackDeadline = 3_000;

export interface Signing {
  secret: string;
  now: () => Date;
  ackWithinMs: number;
}

/** Sends an unacknowledged event again at once, without Slack's later retries after one and five minutes. */
export async function deliverOverHttp(
  url: string,
  outgoing: Outgoing,
  signing: Signing,
  retry?: Retry,
): Promise<Acknowledgement> {
  const first = await send(url, outgoing, signing, retry);
  if (retry || outgoing.kind !== "event" || first.error === undefined) return first;
  const reason = first.error === "operation_timeout" ? "http_timeout" : "http_error";
  return send(url, outgoing, signing, { num: 1, reason });
}

async function send(
  url: string,
  outgoing: Outgoing,
  signing: Signing,
  retry: Retry | undefined,
): Promise<Acknowledgement> {
  const started = performance.now();
  const elapsed = () => performance.now() - started;
  const { body, contentType } = encode(outgoing);
  const timestamp = Math.floor(signing.now().getTime() / 1000);
  const headers = {
    "content-type": contentType,
    "user-agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
    ...signRequest(body, { timestamp, secret: signing.secret }),
    ...(retry && { "x-slack-retry-num": String(retry.num), "x-slack-retry-reason": retry.reason }),
  };
  try {
    const response = await fetch(url, {
      method: "POST",
      headers,
      body,
      signal: AbortSignal.timeout(signing.ackWithinMs),
    });
    const text = await response.text();
    const answered = { status: response.status, milliseconds: elapsed() };
    if (!response.ok) return { ...answered, error: "dispatch_failed" };
    return text === "" ? answered : { ...answered, body: parseJson(text) ?? text };
  } catch (error) {
    const late = error instanceof DOMException && error.name === "TimeoutError";
    return { status: 0, milliseconds: elapsed(), error: late ? "operation_timeout" : "dispatch_failed" };
  }
}

/** Bolt accepts only this spelling of the content type. */
const form = "application/x-www-form-urlencoded";

function encode({ kind, payload }: Outgoing): { body: string; contentType: string } {
  if (kind === "command") return { body: new URLSearchParams(payload).toString(), contentType: form };
  const json = JSON.stringify(payload);
  if (kind === "event") return { body: json, contentType: "application/json" };
  return { body: new URLSearchParams({ payload: json }).toString(), contentType: form };
}

/** @param options.timestamp seconds @see https://docs.slack.dev/authentication/verifying-requests-from-slack */
export function signRequest(body: string, options: { timestamp: number; secret: string }): Record<string, string> {
  const digest = createHmac("sha256", options.secret).update(`v0:${options.timestamp}:${body}`).digest("hex");
  return { "x-slack-request-timestamp": String(options.timestamp), "x-slack-signature": `v0=${digest}` };
}

export type SocketMode = ReturnType<typeof makeSocketMode>;

/** Bolt drops a connection without a ping for 30 s. */
const pingInterval = 10_000;

/** @see https://docs.slack.dev/apis/events-api/using-socket-mode */
export function makeSocketMode(url: () => string, appId: string, ackWithinMs: number) {
  const server = new WebSocketServer({ noServer: true });
  const tickets = new Set<string>();
  const open: WebSocket[] = [];
  const waiting = new Map<string, (body: unknown) => void>();
  const pings = setInterval(() => {
    for (const socket of open) socket.ping();
  }, pingInterval);
  pings.unref();
  const welcome = (socket: WebSocket) => {
    open.push(socket);
    // Whatever breaks a connection also closes it.
    socket.on("error", () => {});
    socket.on("close", () => open.splice(open.indexOf(socket), 1));
    socket.on("message", (data) => takeAcknowledgement(waiting, String(data)));
    socket.send(JSON.stringify({ type: "hello", num_connections: open.length, connection_info: { app_id: appId } }));
  };
  return {
    /** A new address for one connection. */
    newUrl: () => {
      const ticket = randomBytes(16).toString("hex");
      tickets.add(ticket);
      return `${url()}/link/?ticket=${ticket}&app_id=${appId}`;
    },
    upgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      const ticket = new URL(request.url ?? "/", "http://sandbox.invalid").searchParams.get("ticket");
      if (ticket !== null && tickets.delete(ticket)) server.handleUpgrade(request, socket, head, welcome);
      else socket.end("HTTP/1.1 401 Unauthorized\r\nConnection: close\r\n\r\n");
    },
    connected: () => open.length > 0,
    deliver: (outgoing: Outgoing, retry?: Retry) =>
      deliverOverSocket(nextOf(open), { waiting, ackWithinMs }, outgoing, retry),
    refresh: () => {
      for (const socket of open) socket.send('{"type":"disconnect","reason":"refresh_requested"}');
    },
    stop: () => {
      clearInterval(pings);
      for (const socket of open) socket.terminate();
    },
  };
}

/** Slack sends to any connection of an app; this takes each open one in turn. */
function nextOf(open: WebSocket[]): WebSocket | undefined {
  const next = open.findIndex(({ readyState }) => readyState === WebSocket.OPEN);
  const socket = open[next];
  if (socket) open.push(...open.splice(next, 1));
  return socket;
}

function takeAcknowledgement(waiting: Map<string, (body: unknown) => void>, data: string): void {
  const message = parseJson(data);
  if (isObject(message)) waiting.get(textAt(message, "envelope_id") ?? "")?.(message.payload);
}

const envelopeTypes = { command: "slash_commands", interaction: "interactive", event: "events_api" } as const;

function deliverOverSocket(
  socket: WebSocket | undefined,
  { waiting, ackWithinMs }: { waiting: Map<string, (body: unknown) => void>; ackWithinMs: number },
  { kind, payload }: Outgoing,
  retry?: Retry,
): Promise<Acknowledgement> {
  const started = performance.now();
  const id = randomUUID();
  return new Promise((resolve) => {
    const finish = (rest: Pick<Acknowledgement, "status" | "error" | "body">) => {
      clearTimeout(timer);
      waiting.delete(id);
      resolve({ milliseconds: performance.now() - started, ...rest });
    };
    const timer = setTimeout(() => finish({ status: 0, error: "operation_timeout" }), ackWithinMs);
    waiting.set(id, (body) => finish(isEmpty(body) ? { status: 200 } : { status: 200, body }));
    const envelope = {
      envelope_id: id,
      type: envelopeTypes[kind],
      accepts_response_payload: kind !== "event",
      payload,
      ...(retry && { retry_attempt: retry.num, retry_reason: retry.reason }),
    };
    socket?.send(JSON.stringify(envelope));
  });
}

/** Bolt sends a text as `{ text }` and an empty acknowledgement as `{}`. */
function isEmpty(body: unknown): boolean {
  return body === undefined || body === null || (isObject(body) && Object.keys(body).length === 0);
}
