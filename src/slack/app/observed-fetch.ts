import { z } from "zod";
import { observed } from "../../operations/metrics/calls.ts";
import { type SlackAnswer, send } from "./send.ts";

const answer = z.object({ ok: z.boolean(), error: z.string().optional() });

const responseUrl = "response_url";

/** `fetch` for what Bolt and the Web API's client send to Slack: it tells of each call, and goes over sockets that are kept. */
export const observedFetch: typeof fetch = async (input, init) => {
  const url = new URL(input instanceof Request ? input.url : input);
  const operation = operationOf(url);
  const { status, headers, text } = await observed({ service: "slack", operation }, () => send(url, init), resultOf);
  // Nobody reads what a response_url says beside the status, and a body costs more than the call itself.
  return operation === responseUrl ? new Response(null, { status }) : new Response(text || null, { status, headers });
};

/** The last part of an address of the Web API is the method. That of a response_url is a secret, and another one each time. */
function operationOf({ pathname }: URL): string {
  const [parent, last = ""] = pathname.split("/").slice(-2);
  return parent === "api" ? last : responseUrl;
}

/** A refusal of the Web API is a 200; a response_url answers with a word, or with JSON. */
function resultOf({ status, text }: SlackAnswer): string {
  if (status !== 200) return String(status);
  if (!text.startsWith("{")) return text === "" || text === "ok" ? "ok" : "unreadable";
  const read = answer.safeParse(parse(text));
  if (!read.success) return "unreadable";
  return read.data.ok ? "ok" : (read.data.error ?? "unknown");
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
