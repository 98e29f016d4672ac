import type { ServerResponse } from "node:http";
import { type AckFn, ReceiverMultipleAckError } from "@slack/bolt";
import type { Logger } from "pino";

/** Slack gives up after three seconds; what nobody has acknowledged by then, nobody will. */
const acknowledgedWithinMs = 3_001;

type Answer = Parameters<AckFn<string | object>>[0];

/** The function by which a handler answers a request of Slack: once, with nothing, a text or an object. */
export function acknowledgement(response: ServerResponse, log: Logger): AckFn<string | object> {
  let isAcknowledged = false;
  const timer = setTimeout(() => {
    log.error("a request of Slack was acknowledged by nobody");
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

export function sendJson(response: ServerResponse, value: object): void {
  response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(value));
}
