import { Socket } from "node:net";
import { type WebAPICallResult, WebAPIRateLimitedError, WebClient, type WebClientOptions } from "@slack/web-api";
import { Agent, buildConnector, Pool, request } from "undici";
import { z } from "zod";
import { AccessError, explainFailure } from "../../access/access-error.ts";
import { parseJson } from "../../access/seal.ts";
import type { SlackEnvironment } from "../../config/environment.ts";
import { broken, type Finding, found, named } from "../../diagnosis/link.ts";
import { observedCall } from "../../operations/announcements.ts";
import { boundedText } from "../../operations/bounds.ts";
import { callWithinMs, usualDeadlines } from "../../operations/deadlines.ts";

export const neededScopes = ["commands", "chat:write", "usergroups:read", "users:read", "users:read.email"] as const;

/** The largest answers are the people of a user group and a view that was opened. */
const largestAnswer = { bytes: 4 * 1024 * 1024, values: 20_000 };

let sockets: Agent | undefined;

/** Kept between calls, with a limit for each host. A call without an answer always ends. */
function openSockets(): Agent {
  sockets ??= new Agent({
    connections: 100,
    // A process without a processor for some seconds must not count as a Slack that is away.
    connect: connectorThrough(proxySettings(process.env), { timeout: 10_000 }),
    headersTimeout: 15_000,
    bodyTimeout: 15_000,
  });
  return sockets;
}

/** In seconds. Slack counts calls by the minute; the client would keep every message back for as long as an answer says. */
const longestWait = 60;

const answer = z.object({ ok: z.boolean(), error: z.string().optional() });

const responseUrl = "response_url";

/** `fetch` for Bolt and the Web API's client: it measures each call and keeps its sockets. */
export const observedFetch: typeof fetch = async (input, init) => {
  const url = new URL(input instanceof Request ? input.url : input);
  const operation = operationOf(url);
  const call = { service: "slack", operation } as const;
  const { status, headers, text } = await observedCall(call, () => send(url, init), resultOf);
  // Only the status of a response_url matters, and reading the body takes longer than the call.
  return operation === responseUrl ? new Response(null, { status }) : new Response(text || null, { status, headers });
};

/** Without a retry, a call of a limited rate fails: otherwise all calls of the client would wait as long as Slack asks. */
export function webClientOptions(
  { apiUrl }: SlackEnvironment,
  { timeoutMs, retries }: { readonly timeoutMs: number; readonly retries: number },
): WebClientOptions {
  return {
    ...(apiUrl ? { slackApiUrl: apiUrl } : {}),
    timeout: timeoutMs,
    retryConfig: { retries },
    rejectRateLimitedCalls: retries === 0,
    fetch: observedFetch,
  };
}

/** The messenger's client for new messages: it waits when Slack says so, and the queue retries failures. */
export function messengerClient(environment: SlackEnvironment, { slackBackground } = usualDeadlines): WebClient {
  return clientFor(environment, slackBackground, { rejectRateLimitedCalls: false });
}

/** The directory's client: a person waits for the answer, so it never retries. */
export function directoryClient(environment: SlackEnvironment, { slackCall } = usualDeadlines): WebClient {
  return clientFor(environment, slackCall);
}

/** For updates, App Homes and threads, which can wait: if Slack limits the rate, the queue retries, and no other call waits. */
export function backgroundClient(environment: SlackEnvironment, { slackBackground } = usualDeadlines): WebClient {
  return clientFor(environment, slackBackground);
}

/** Half a character, which a cut through an emoji leaves, has no place in the form that the client sends: a message would never change. */
class WellFormedClient extends WebClient {
  override apiCall(method: string, options: Record<string, unknown> = {}): Promise<WebAPICallResult> {
    const whole = (value: unknown) => (typeof value === "string" ? Buffer.from(value).toString() : value);
    const sent = Object.entries(options).map(([name, value]) => [name, whole(value)]);
    return super.apiCall(method, Object.fromEntries(sent));
  }
}

function clientFor(environment: SlackEnvironment, timeoutMs: number, more: WebClientOptions = {}): WebClient {
  return new WellFormedClient(environment.botToken, {
    ...webClientOptions(environment, { timeoutMs, retries: 0 }),
    ...more,
  });
}

/** A Web API address ends with its method. A response_url is secret, and new each time. */
function operationOf({ pathname }: URL): string {
  const [parent, last = ""] = pathname.split("/").slice(-2);
  return parent === "api" ? last : responseUrl;
}

/** The Web API refuses with a 200; a response_url answers with a word, or with JSON. */
function resultOf({ status, text }: Awaited<ReturnType<typeof send>>): string {
  if (status !== 200) return String(status);
  if (!text.startsWith("{")) return text === "" || text === "ok" ? "ok" : "unreadable";
  const read = answer.safeParse(parseJson(text));
  if (!read.success) return "unreadable";
  return read.data.ok ? "ok" : (read.data.error ?? "unknown");
}

/** `fetch` takes five times the processor time. It follows no redirection: the request has the bot's token. */
async function send(url: URL, init: RequestInit = {}) {
  const { statusCode, headers, body } = await request(url, {
    dispatcher: openSockets(),
    method: init.method === "POST" ? "POST" : "GET",
    headers: Object.fromEntries(new Headers(init.headers)),
    body: textIn(init.body),
    // Bolt sets none for a response_url.
    signal: init.signal ?? AbortSignal.timeout(callWithinMs("slackBackground")),
  });
  const asked = Number(headers["retry-after"]);
  const known = asked > longestWait ? { ...headers, "retry-after": String(longestWait) } : headers;
  return { status: statusCode, headers: pairs(known), text: await boundedText(body, largestAnswer, "Slack") };
}

/** We send no file and no stream. */
function textIn(body: RequestInit["body"]): string | null {
  if (body == null || typeof body === "string") return body ?? null;
  throw new TypeError("only text is sent to Slack");
}

function pairs(headers: Readonly<Record<string, string | string[] | undefined>>): [string, string][] {
  return Object.entries(headers).flatMap(([name, value = []]) =>
    [value].flat().map((each): [string, string] => [name, each]),
  );
}

export async function examineSlack(client: WebClient): Promise<readonly Finding[]> {
  try {
    const { team, user, response_metadata: metadata } = await client.auth.test();
    const missing = neededScopes.filter((scope) => !metadata?.scopes?.includes(scope));
    return [
      found(`the token belongs to ${named(user ?? "")} in ${named(team ?? "")}`),
      missing.length === 0
        ? found("the app has every scope it needs")
        : broken(
            `the app lacks ${missing.map(named).join(", ")}`,
            "Add them under OAuth & Permissions, then reinstall the app.",
          ),
    ];
  } catch (error) {
    return [broken("ask Slack for the token's identity", explainFailure(slackFailure(error, "Slack")))];
  }
}

/** Slack's own error code of a failed Web API call, for example `channel_not_found`; null: there is none. */
export function slackErrorCode(error: unknown): string | null {
  // An answer with status 429, which the client does not read.
  if (error instanceof WebAPIRateLimitedError) return "ratelimited";
  const data = typeof error === "object" && error !== null && "data" in error ? error.data : null;
  if (typeof data !== "object" || data === null || !("error" in data)) return null;
  // The client puts what it can't read here, such as a proxy's page.
  return typeof data.error === "string" && /^\w{1,100}$/.test(data.error) ? data.error : null;
}

const passing = new Set(["internal_error", "fatal_error", "service_unavailable", "request_timeout"]);

export function slackFailure(error: unknown, where: string): AccessError {
  const code = slackErrorCode(error);
  if (code === "ratelimited") {
    const limited = `Slack limits calls for ${where} now`;
    return new AccessError("slack-unreachable", limited, { cause: error, remedy: "Try again in a minute." });
  }
  if (code && !passing.has(code)) {
    const isOut = ["is_archived", "not_in_channel", "channel_not_found"].includes(code);
    const forChannel = isOut && "Unarchive it, invite the bot, or set another channel.";
    const remedy = code === "no_such_subteam" ? "Remove it from eks-access.yml." : forChannel;
    return new AccessError("slack-refused", `Can't reach ${where}: Slack answers ${code}`, {
      cause: error,
      ...(remedy && { remedy }),
    });
  }
  // A proxy's refusal, in the client's own error.
  if (error instanceof Error && error.cause instanceof AccessError) return error.cause;
  return new AccessError("slack-unreachable", `Can't reach ${where}`, { cause: error });
}

/** Slack's answers when the channel or person no longer exists, or the bot may not reach it. */
const gone = new Set([
  ...["channel_not_found", "is_archived", "not_in_channel", "user_disabled", "user_not_found", "cannot_dm_bot"],
  ...["messages_tab_disabled", "restricted_action", "restricted_action_read_only_channel"],
  ...["restricted_action_non_threadable_channel", "restricted_action_thread_locked", "cannot_reply_to_message"],
]);

/** Whether a retry can't help because the reader is gone; the bot itself is fine. */
export function isGone(error: unknown): boolean {
  return gone.has(slackErrorCode(error) ?? "");
}

/** Why a form could not open: Slack allows three seconds after the click or the command. */
export function formFailure(error: unknown): AccessError {
  if (!/trigger/.test(slackErrorCode(error) ?? "")) return slackFailure(error, "the form");
  const late = "Slack waits three seconds for a form";
  return new AccessError("slack-refused", late, { cause: error, remedy: "Try again." });
}

type Connector = buildConnector.connector;

/** In milliseconds. A proxy that takes a connection and does not answer must not keep it. */
const answersWithinMs = 10_000;

export interface ProxySettings {
  /** Of an HTTP proxy; null: each connection is direct. It can hold a password. */
  readonly proxy: URL | null;
  /** Hosts that are reached directly, as curl reads NO_PROXY. */
  readonly noProxy: string;
}

/** As curl does: the names in small letters first. `HTTP_PROXY` does not count, because Slack speaks only HTTPS. */
export function proxySettings(env: Readonly<Record<string, string | undefined>>): ProxySettings {
  const address = env.https_proxy || env.HTTPS_PROXY;
  return { proxy: address ? new URL(address) : null, noProxy: env.no_proxy || env.NO_PROXY || "" };
}

/** Connections to HTTPS addresses, through the proxy's CONNECT: it sees the host's name, and no word that is sent. */
export function connectorThrough({ proxy, noProxy }: ProxySettings, options: buildConnector.BuildOptions): Connector {
  const connectTo = buildConnector(options);
  if (!proxy) return connectTo;
  const tunnels = new Pool(proxy.origin, { headersTimeout: answersWithinMs });
  const headers = credentialsOf(proxy);
  const tunnelTo = async (address: string) => {
    const { statusCode, socket } = await tunnels.connect({ path: address, headers });
    if (statusCode === 200 && socket instanceof Socket) return socket;
    socket.destroy();
    const what = `Can't reach Slack: the proxy ${proxy.host} answers ${statusCode}`;
    throw new AccessError("slack-unreachable", what, { remedy: "Correct HTTPS_PROXY or NO_PROXY." });
  };
  return (wanted, done) => {
    const { protocol, hostname, port } = wanted;
    const at = { hostname, port: port || "443" };
    if (protocol !== "https:" || isExcepted(noProxy, at)) return connectTo(wanted, done);
    tunnelTo(`${at.hostname}:${at.port}`).then(
      (httpSocket) => connectTo({ ...wanted, httpSocket }, done),
      (error: unknown) => done(error instanceof Error ? error : new Error(String(error)), null),
    );
  };
}

function credentialsOf({ username, password }: URL): Readonly<Record<string, string>> {
  if (username === "" && password === "") return {};
  const login = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { "proxy-authorization": `Basic ${Buffer.from(login).toString("base64")}` };
}

/** `example.com`, `.example.com` and `*.example.com` are the domain and what is in it; with `:443`, only that port of it. */
export function isExcepted(noProxy: string, { hostname, port }: Pick<URL, "hostname" | "port">): boolean {
  return noProxy.split(/[\s,]+/).some((entry) => {
    const [, name = "", only = port] = /^\*?\.?(.+?)(?::(\d+))?$/.exec(entry.toLowerCase()) ?? [];
    return entry === "*" || (name !== "" && only === port && `.${hostname.toLowerCase()}`.endsWith(`.${name}`));
  });
}
