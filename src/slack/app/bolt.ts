import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import {
  type AckFn,
  App,
  type AppOptions,
  type AuthorizeResult,
  type Receiver,
  type ReceiverEvent,
  ReceiverMultipleAckError,
  type StringIndexed,
} from "@slack/bolt";
import type { Logger } from "pino";
import { answeredRequests } from "../../operations/announcements.ts";
import { FailureLog } from "../../operations/log.ts";
import { type RequestTraces, type TraceParent, traced, traceEndedWork } from "../../operations/traced.ts";
import { type AdmissionSettings, admit, type HeaderRefusal } from "./admit.ts";
import { type DescribedEvent, describeEvent } from "./payload.ts";

// The receiver and the app of Bolt, each with what we need besides.

/** Slack gives up after three seconds; a later acknowledgement does not count. */
const acknowledgedWithinMs = 3_001;

export type ReceiverSettings = AdmissionSettings & { readonly log: Logger };

const path = "/slack/events";
/** Slack sends its few kilobytes at once: a slower sender would only hold a connection. In milliseconds; by default Node looks each 30 s. */
const slowestRequest = { headersTimeout: 5_000, requestTimeout: 10_000, connectionsCheckingInterval: 1_000 };

/** Bolt's own receiver accepts a request from the future, and the same one again for five minutes: a replay. */
export class GuardedReceiver implements Receiver {
  readonly #settings: ReceiverSettings;
  readonly #server: Server;
  /** Anyone can send any number of requests: each cause once, then its count. */
  readonly #refusals: FailureLog;
  #app: App | null = null;

  constructor(settings: ReceiverSettings) {
    this.#settings = settings;
    this.#refusals = new FailureLog(settings.log);
    this.#server = createServer(slowestRequest, (request, response) => this.#take(request, response));
  }

  init(app: App): void {
    this.#app = app;
  }

  start(port: number): Promise<Server> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject).listen(port, () => {
        this.#server.off("error", reject);
        resolve(this.#server);
      });
    });
  }

  stop(): Promise<void> {
    // A closing server looks no more for slow senders, and anyone could keep it from its end.
    setTimeout(() => this.#server.closeAllConnections(), acknowledgedWithinMs).unref();
    return new Promise((resolve, reject) => this.#server.close((error) => (error ? reject(error) : resolve())));
  }

  #take(request: IncomingMessage, response: ServerResponse): void {
    if (request.method !== "POST" || request.url?.split("?")[0] !== path) {
      response.writeHead(404).end();
      return;
    }
    const cameAt = performance.now();
    const arrivedAt = Date.now();
    response.once("finish", () =>
      answeredRequests.publish({ status: response.statusCode, seconds: (performance.now() - cameAt) / 1000 }),
    );
    admit(this.#settings, request).then(
      (admission) =>
        admission.type === "refused"
          ? sendRefusal(this.#refusals, admission, response)
          : this.#admitted(admission.body, request, response, arrivedAt),
      (error: unknown) => {
        this.#settings.log.debug({ err: error }, "a request ended before the Slack process read it");
        response.destroy();
      },
    );
  }

  async #admitted(
    body: StringIndexed,
    request: IncomingMessage,
    response: ServerResponse,
    cameAt: number,
  ): Promise<void> {
    // With this, Slack checks that a server answers.
    if (body.ssl_check === "1") return void response.writeHead(200).end();
    if (body.type === "url_verification") return sendJson(response, { challenge: body.challenge });
    const { log } = this.#settings;
    try {
      await this.#app?.processEvent({
        body,
        ack: acknowledgement(response, log),
        // A trace begins with the arrival of the request.
        customProperties: { cameAt },
        ...retryOf(request),
      });
    } catch (error) {
      log.error({ err: error }, "could not handle a request of Slack");
      if (!response.headersSent) response.writeHead(500).end();
    }
  }
}

function retryOf({ headers }: IncomingMessage): { retryNum?: number; retryReason?: string } {
  const [number, reason] = [headers["x-slack-retry-num"], headers["x-slack-retry-reason"]];
  return {
    ...(typeof number === "string" && { retryNum: Number(number) }),
    ...(typeof reason === "string" && { retryReason: reason }),
  };
}

function sendRefusal(refusals: FailureLog, { status, why }: HeaderRefusal, response: ServerResponse): void {
  refusals.failed("refused a request", { status: String(status), why }, undefined);
  // It does not read the rest of a body: the connection ends with the answer.
  response.writeHead(status, { connection: "close" }).end();
}

type Answer = Parameters<AckFn<string | object>>[0];

/** A handler's only answer to a request: nothing, a text or an object. */
function acknowledgement(response: ServerResponse, log: Logger): AckFn<string | object> {
  let isAcknowledged = false;
  const timer = setTimeout(() => {
    log.error("no handler acknowledged a request of Slack");
    if (!response.headersSent) response.writeHead(404).end();
  }, acknowledgedWithinMs);
  response.once("close", () => clearTimeout(timer));
  return async (answer?: Answer) => {
    if (isAcknowledged) throw new ReceiverMultipleAckError();
    isAcknowledged = true;
    clearTimeout(timer);
    if (!response.headersSent) sendAnswer(response, answer);
  };
}

function sendAnswer(response: ServerResponse, answer: Answer): void {
  if (typeof answer === "object") sendJson(response, answer);
  else response.end(answer);
}

/** Without `writeHead`, Node knows the length, and sends head and body in one write. */
function sendJson(response: ServerResponse, value: object): void {
  response.setHeader("content-type", "application/json").end(JSON.stringify(value));
}

export class InFlight {
  readonly #running = new Set<Promise<unknown>>();

  track<T>(handler: Promise<T>): Promise<T> {
    this.#running.add(handler);
    const forget = () => void this.#running.delete(handler);
    handler.then(forget, forget);
    return handler;
  }

  get count(): number {
    return this.#running.size;
  }

  async drain(): Promise<void> {
    while (this.#running.size > 0) await Promise.allSettled([...this.#running]);
  }
}

interface Watching {
  readonly authorized: AuthorizeResult;
  readonly measuresAnswers: boolean;
  /** Of `/eks-access`: only these are in a trace. */
  readonly words: ReadonlySet<string>;
  /** Absent: this process makes no traces. */
  readonly traces: RequestTraces | undefined;
}

/** Bolt's app with its running work: Bolt's own `stop()` returns before its handlers are done. */
export class WatchedApp extends App {
  readonly #handling = new InFlight();
  readonly #acknowledging = new InFlight();
  readonly #watching: Watching;

  constructor(options: Omit<AppOptions, "authorize">, watching: Watching) {
    // Bolt writes into this object.
    super({ ...options, authorize: async () => ({ ...watching.authorized }) });
    this.#watching = watching;
  }

  override processEvent(event: ReceiverEvent): Promise<void> {
    const cameAt = Number(event.customProperties?.cameAt ?? Date.now());
    let acknowledged = () => {};
    const isAcknowledged = new Promise<void>((resolve) => {
      acknowledged = resolve;
    });
    const ack: ReceiverEvent["ack"] = async (response) => {
      await event.ack(response);
      const endedAt = Date.now();
      traceEndedWork({ name: "ack", beganAt: cameAt, endedAt });
      if (this.#watching.measuresAnswers) answeredRequests.publish({ status: 200, seconds: (endedAt - cameAt) / 1000 });
      acknowledged();
    };
    const sent = describeEvent(event.body, this.#watching.words);
    const customProperties = { ...event.customProperties, about: sent.request };
    const handled = this.#handling.track(this.#traced({ ...event, ack, customProperties }, sent, cameAt));
    handled.then(acknowledged, acknowledged);
    void this.#acknowledging.track(isAcknowledged);
    return handled;
  }

  async #traced(event: ReceiverEvent, sent: DescribedEvent, cameAt: number): Promise<void> {
    const { traces } = this.#watching;
    if (!traces) return super.processEvent(event);
    const parent = await traceOf(sent.request, traces);
    return traced({ name: sent.name, kind: "server", parent, beganAt: cameAt }, () => super.processEvent(event));
  }

  get handling(): number {
    return this.#handling.count;
  }

  async acknowledged(): Promise<void> {
    await this.#acknowledging.drain();
  }

  async drained(): Promise<void> {
    await this.#handling.drain();
  }
}

async function traceOf(request: string | null, traces: RequestTraces): Promise<TraceParent | null> {
  if (request === null) return null;
  const found = await traces.of([request]).catch(() => null);
  return found?.get(request) ?? null;
}
