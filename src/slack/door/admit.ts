import { createHmac, timingSafeEqual } from "node:crypto";
import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import { parse } from "node:querystring";
import { deliveryId, isRetry } from "./only-once.ts";
import { bodyLimitBytes, type DoorRefusal, refuseHeaders } from "./refuse-headers.ts";
import type { SeenRequests } from "./seen-requests.ts";
import { isOfSlacksShape } from "./shape.ts";

export interface Gate {
  readonly signingSecret: string;
  readonly seen: SeenRequests;
  readonly now: () => Date;
  /** Told of what came before, and is none of Slack's own retries. */
  readonly replayed: (body: object) => void;
}

/** What Slack sent, or why it may not come in. */
export type Admission =
  | { readonly type: "admitted"; readonly body: object }
  | ({ readonly type: "refused" } & DoorRefusal);

/**
 * Reads a request, and says whether it may come in: of Slack's form, shape and size, of this time, signed with our secret, and not
 * come before.
 *
 * @throws where the connection ends before the body does
 */
export async function admit(gate: Gate, request: IncomingMessage): Promise<Admission> {
  const { headers } = request;
  const refusal = refuseHeaders(headers, gate.now());
  if (refusal) return { type: "refused", ...refusal };
  const body = await readBody(request, bodyLimitBytes);
  if (body === null) return refused(413, "its body is too large");
  const signature = String(headers["x-slack-signature"]);
  if (!isSigned(gate.signingSecret, headers, body)) return refused(401, "its signature is not of our secret");
  const sent = readObject(body, String(headers["content-type"]).trim().toLowerCase());
  if (!sent || !isOfSlacksShape(sent)) return refused(400, "its body is not of a form that Slack sends");
  // What has an id is looked for by it in the ledger behind this door (only-once.ts): asking twice would make acks late.
  const isNew = deliveryId(sent) === null ? await gate.seen.isNew(signature) : gate.seen.isNewHere(signature);
  if (isNew) return { type: "admitted", body: sent };
  // Slack itself may send again within the second: to be told that it has arrived, it must not be told off.
  const retryNumber = headers["x-slack-retry-num"];
  if (!isRetry(sent, retryNumber, "http")) gate.replayed(sent);
  return refused(retryNumber === undefined ? 409 : 200, "it came before");
}

/** https://docs.slack.dev/authentication/verifying-requests-from-slack; compared in constant time. */
function isSigned(secret: string, headers: IncomingHttpHeaders, body: string): boolean {
  const signed = createHmac("sha256", secret).update(`v0:${headers["x-slack-request-timestamp"]}:${body}`).digest();
  const signature = Buffer.from(String(headers["x-slack-signature"]).slice("v0=".length), "hex");
  return signature.length === signed.length && timingSafeEqual(signature, signed);
}

function refused(status: DoorRefusal["status"], why: string): Admission {
  return { type: "refused", status, why };
}

/** Null: it is larger than that. @throws where the connection ends before the body does */
function readBody(request: IncomingMessage, limitBytes: number): Promise<string | null> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    let bytes = 0;
    request.on("data", (part: Buffer) => {
      bytes += part.length;
      if (bytes > limitBytes) {
        request.removeAllListeners("data").pause();
        return resolve(null);
      }
      parts.push(part);
    });
    request.once("end", () => resolve(Buffer.concat(parts).toString("utf8")));
    request.once("error", reject);
    request.once("close", () => {
      if (!request.complete) reject(new Error("the connection ended before the body did"));
    });
  });
}

/** What a body holds that Slack sent: JSON, a form, or a form that holds JSON. Null: it is not of such a form. */
function readObject(body: string, contentType: string): object | null {
  if (contentType.startsWith("application/json")) return objectIn(body);
  const form = parse(body);
  return typeof form.payload === "string" ? objectIn(form.payload) : form;
}

function objectIn(text: string): object | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? value : null;
  } catch {
    return null;
  }
}
