import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { type AckFn, type App, type Receiver, ReceiverMultipleAckError, type StringIndexed } from "@slack/bolt";
import type { Logger } from "pino";
import { answeredRequests } from "../../operations/announcements.ts";
import { type AdmissionSettings, admit, type HeaderRefusal } from "./admit.ts";

/** Slack gives up after three seconds; a later acknowledgement does not count. */
const acknowledgedWithinMs = 3_001;

export interface ReceiverSettings extends AdmissionSettings {
  readonly log: Logger;
}

const path = "/slack/events";

/** Slack sends its few kilobytes at once: a slower sender would only hold a connection. In milliseconds. */
const slowestRequest = { headersTimeout: 5_000, requestTimeout: 10_000 };

/**
 * Receives Slack's requests over HTTP. Bolt's own receiver accepts a request from the future, and the same one again
 * for five minutes, so a person who reads a request could replay it.
 */
export class GuardedReceiver implements Receiver {
  readonly #settings: ReceiverSettings;
  readonly #server: Server;
  #app: App | null = null;

  constructor(settings: ReceiverSettings) {
    this.#settings = settings;
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
          ? sendRefusal(this.#settings, admission, response)
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

function sendRefusal({ log }: ReceiverSettings, { status, why }: HeaderRefusal, response: ServerResponse): void {
  log.warn({ status, why }, "refused a request");
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
  if (!answer) response.writeHead(200).end();
  else if (typeof answer === "string") response.writeHead(200).end(answer);
  else sendJson(response, answer);
}

function sendJson(response: ServerResponse, value: object): void {
  response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(value));
}
