import { z } from "zod";
import { observed } from "../metrics/calls.ts";
import { type SlackAnswer, send } from "./send.ts";

const answer = z.object({ ok: z.boolean(), error: z.string().optional() });

/** `fetch` for what Bolt and the Web API's client send to Slack: it tells of each call, and goes over sockets that are kept. */
export const observedFetch: typeof fetch = async (input, init) => {
  const url = new URL(input instanceof Request ? input.url : input);
  const operation = operationOf(url);
  const { status, headers, text } = await observed({ service: "slack", operation }, () => send(url, init), resultOf);
  return new Response(text === "" ? null : text, { status, headers });
};

/** The last part of an address of the Web API is the method. That of a response_url is a secret, and another one each time. */
function operationOf({ pathname }: URL): string {
  const [parent, last = ""] = pathname.split("/").slice(-2);
  return parent === "api" ? last : "response_url";
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
