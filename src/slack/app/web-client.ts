import { WebClient, type WebClientOptions } from "@slack/web-api";
import { Agent, request } from "undici";
import { z } from "zod";
import { explain } from "../../access/failure/access-error.ts";
import { boundedText } from "../../access/failure/bounded-text.ts";
import type { SlackEnvironment } from "../../config/environment.ts";
import { broken, type Finding, found, named } from "../../diagnosis/link.ts";
import { usualDeadlines } from "../../operations/deadlines.ts";
import { observed } from "../../operations/metrics/calls.ts";
import { slackFailure } from "./slack-failure.ts";

/** What the bot has to be allowed, as manifest.yml asks for it. */
export const neededScopes = ["commands", "chat:write", "usergroups:read", "users:read", "users:read.email"] as const;

/** The largest answers are the people of a user group and a view that was opened. */
const largestAnswer = { bytes: 4 * 1024 * 1024, values: 20_000 };

/**
 * Sockets to Slack, kept between calls. No more than so many at once to each of its hosts; the Web API's client has no more
 * calls under way either. An answer that does not come is given up, also where whoever asked sets no time.
 */
const sockets = new Agent({
  connections: 100,
  // A process that gets no processor for some seconds must not take that for a Slack that is away.
  connect: { timeout: 10_000 },
  headersTimeout: 15_000,
  bodyTimeout: 15_000,
});

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

/** The client's own defaults are no time-out and ten tries in half an hour: neither is of use to us. */
export function webClientOptions(
  { apiUrl }: SlackEnvironment,
  { timeoutMs, retries }: { readonly timeoutMs: number; readonly retries: number },
): WebClientOptions {
  return {
    ...(apiUrl ? { slackApiUrl: apiUrl } : {}),
    timeout: timeoutMs,
    retryConfig: { retries },
    fetch: observedFetch,
  };
}

/** The messenger's client: waits when Slack says so; what fails is tried again by the queue. */
export function messengerClient(environment: SlackEnvironment, { slackBackground } = usualDeadlines): WebClient {
  return clientFor(environment, slackBackground);
}

/** The directory's client: somebody waits for the answer of a command or a click, so nothing is tried again. */
export function directoryClient(environment: SlackEnvironment, { slackCall } = usualDeadlines): WebClient {
  return clientFor(environment, slackCall);
}

/**
 * For App Homes and threads, which are many and can wait: where Slack says to come later the call fails, and the queue tries
 * again.
 * The client would hold back every other call meanwhile.
 */
export function backgroundClient(environment: SlackEnvironment, { slackBackground } = usualDeadlines): WebClient {
  return clientFor(environment, slackBackground, { rejectRateLimitedCalls: true });
}

function clientFor(environment: SlackEnvironment, timeoutMs: number, more: WebClientOptions = {}): WebClient {
  return new WebClient(environment.botToken, { ...webClientOptions(environment, { timeoutMs, retries: 0 }), ...more });
}

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

/** What Slack answered. */
interface SlackAnswer {
  readonly status: number;
  readonly headers: [name: string, value: string][];
  readonly text: string;
}

/**
 * Sends one request, and reads the whole answer. `fetch` does the same with streams of the web's kind, at five times the
 * processor time. A redirection is not followed: what is sent holds the bot's token.
 */
async function send(url: URL, init: RequestInit = {}): Promise<SlackAnswer> {
  const { statusCode, headers, body } = await request(url, {
    dispatcher: sockets,
    method: init.method === "POST" ? "POST" : "GET",
    headers: Object.fromEntries(new Headers(init.headers)),
    body: textIn(init.body),
    signal: init.signal,
  });
  return { status: statusCode, headers: pairs(headers), text: await boundedText(body, largestAnswer, "Slack") };
}

/** Nothing that we send is a file or a stream. */
function textIn(body: RequestInit["body"]): string | null {
  if (body == null || typeof body === "string") return body ?? null;
  throw new TypeError("only text is sent to Slack");
}

function pairs(headers: Readonly<Record<string, string | string[] | undefined>>): [string, string][] {
  return Object.entries(headers).flatMap(([name, value = []]) =>
    [value].flat().map((each): [string, string] => [name, each]),
  );
}

/** Whose token it is, and whether the app was installed with every scope of manifest.yml. */
export async function examineSlack(client: WebClient): Promise<readonly Finding[]> {
  try {
    const { team, user, response_metadata: metadata } = await client.auth.test();
    const missing = neededScopes.filter((scope) => !metadata?.scopes?.includes(scope));
    return [
      found(`the token is of ${named(user ?? "")} in ${named(team ?? "")}`),
      missing.length === 0
        ? found("the app has every scope that it needs")
        : broken(
            `the app lacks ${missing.map(named).join(", ")}`,
            "Add them as in manifest.yml under OAuth & Permissions, and install the app again.",
          ),
    ];
  } catch (error) {
    return [broken("Slack was asked who the token is", explain(slackFailure(error, "Slack")))];
  }
}
