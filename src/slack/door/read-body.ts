import type { IncomingMessage } from "node:http";
import { parse } from "node:querystring";

/** Null: it is larger than that. @throws where the connection ends before the body does */
export function readBody(request: IncomingMessage, limitBytes: number): Promise<string | null> {
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
export function readObject(body: string, contentType: string): object | null {
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
