import type { IncomingMessage, ServerResponse } from "node:http";
import { HTTPModuleFunctions, HTTPReceiver, type HTTPReceiverOptions, verifySlackRequest } from "@slack/bolt";
import type { Logger } from "pino";
import { answeredRequests } from "../../metrics/announcements.ts";
import { deliveryId } from "./only-once.ts";
import { bodyLimitBytes, type DoorRefusal, refuseHeaders } from "./refuse-headers.ts";
import type { SeenRequests } from "./seen-requests.ts";

export interface Door {
  readonly signingSecret: string;
  readonly seen: SeenRequests;
  readonly now: () => Date;
  readonly log: Logger;
}

/**
 * Bolt's receiver behind a door of ours. Bolt refuses a wrong signature and a request that is too old; it takes one from
 * the future, and takes the same one again for five minutes. Both would let whoever has read a request play it again.
 */
export class GuardedReceiver extends HTTPReceiver {
  constructor(door: Door, options: Omit<HTTPReceiverOptions, "signingSecret" | "bodyLimit">) {
    super({ ...options, signingSecret: door.signingSecret, bodyLimit: bodyLimitBytes });
    const pass = this.requestListener;
    this.requestListener = (request, response) => {
      if (request.method !== "POST") return pass(request, response);
      const cameAt = performance.now();
      response.once("finish", () =>
        answeredRequests.tell({ status: response.statusCode, seconds: (performance.now() - cameAt) / 1000 }),
      );
      refuse(door, request).then(
        (refusal) => (refusal ? turnAway(door, refusal, response) : pass(request, response)),
        (error: unknown) => {
          door.log.debug({ err: error }, "a request ended before it was read");
          response.destroy();
        },
      );
    };
  }
}

/** Null: it may come in. Its body is read then, and kept at the request for Bolt. */
async function refuse(door: Door, request: IncomingMessage): Promise<DoorRefusal | null> {
  const refusal = refuseHeaders(request.headers, door.now());
  if (refusal) return refusal;
  const body = await readBody(request);
  if (body === null) return { status: 413, why: "its body is too large" };
  const signature = String(request.headers["x-slack-signature"]);
  const timestamp = Number(request.headers["x-slack-request-timestamp"]);
  if (!isSigned(door, body, signature, timestamp)) return { status: 401, why: "its signature is not of our secret" };
  const sent = readObject(request);
  if (!sent) return { status: 400, why: "its body is not of a form that Slack sends" };
  // What has an id is looked for by it in the ledger behind this door (only-once.ts): asking twice would make acks late.
  const isNew = deliveryId(sent) === null ? await door.seen.isNew(signature) : door.seen.isNewHere(signature);
  if (isNew) return null;
  // Slack itself may send again within the second: to be told that it has arrived, it must not be told off.
  return { status: request.headers["x-slack-retry-num"] === undefined ? 409 : 200, why: "it came before" };
}

/** Bolt takes whatever JSON is in the body, and ends the process with an unhandled rejection where that is `null`. */
function readObject(request: IncomingMessage): object | null {
  if (!HTTPModuleFunctions.isBufferedIncomingMessage(request)) return null;
  try {
    const body: unknown = HTTPModuleFunctions.parseHTTPRequestBody(request);
    return typeof body === "object" && body !== null && !Array.isArray(body) ? body : null;
  } catch {
    return null;
  }
}

/** Null: it is too large. @throws where the connection ends before the body does */
async function readBody(request: IncomingMessage): Promise<string | null> {
  try {
    const { rawBody } = await HTTPModuleFunctions.bufferIncomingMessage(request, bodyLimitBytes);
    return rawBody.toString();
  } catch (error) {
    if (error instanceof Error && "status" in error && error.status === 413) return null;
    throw error;
  }
}

/** Compared in constant time, by Bolt. */
function isSigned({ signingSecret, now }: Door, body: string, signature: string, timestamp: number): boolean {
  try {
    const headers = { "x-slack-signature": signature, "x-slack-request-timestamp": timestamp };
    verifySlackRequest({ signingSecret, body, headers, nowMilliseconds: now().getTime() });
    return true;
  } catch {
    return false;
  }
}

function turnAway({ log }: Door, { status, why }: DoorRefusal, response: ServerResponse): void {
  log.warn({ status, why }, "a request was turned away");
  // What is left of a body is not read: the connection ends with the answer.
  response.writeHead(status, { connection: "close" }).end();
}
