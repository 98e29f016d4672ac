import type { SandboxAnswer, SandboxRequest } from "../http-server.ts";
import { isObject, type JsonObject, parseJson } from "../json.ts";
import type { SandboxMessage } from "./inputs.ts";
import type { SlackIdentity, SlackState } from "./state.ts";

export type RateLimit = { perMinute: number; burst: number };

/** Each method of each app separately; posting by channel. @see https://docs.slack.dev/apis/web-api/rate-limits */
export const rateLimits = {
  "tier 1": { perMinute: 1, burst: 10 },
  "tier 2": { perMinute: 20, burst: 20 },
  "tier 3": { perMinute: 50, burst: 50 },
  "tier 4": { perMinute: 100, burst: 100 },
  /** One message a second in a channel; "short bursts >1 allowed". */
  posting: { perMinute: 60, burst: 10 },
} as const satisfies Record<string, RateLimit>;

/** Counts a call. Undefined: it is allowed; otherwise the seconds to wait. */
export type RateCounter = (key: string, limit: RateLimit) => number | undefined;

/** Token buckets that fill with the clock. */
export function rateCounter(now: () => Date): RateCounter {
  const buckets = new Map<string, { tokens: number; at: number }>();
  return (key, limit) => {
    const at = now().getTime();
    const bucket = buckets.get(key) ?? { tokens: limit.burst, at };
    const perMillisecond = limit.perMinute / 60_000;
    const tokens = Math.min(limit.burst, bucket.tokens + (at - bucket.at) * perMillisecond);
    // Fractions of a token don't add up exactly.
    if (tokens < 1 - 1e-9) {
      buckets.set(key, { tokens, at });
      return Math.ceil((1 - tokens) / perMillisecond / 1_000);
    }
    buckets.set(key, { tokens: tokens - 1, at });
    return undefined;
  };
}

/** An answer `{ ok: false, error }` of the Web API, as an exception. */
export class SlackRefusal extends Error {
  readonly error: string;
  /** More fields of the answer: `needed`, `provided`, `response_metadata`. */
  readonly details: JsonObject;

  constructor(error: string, details: JsonObject = {}) {
    super(error);
    this.name = "SlackRefusal";
    this.error = error;
    this.details = details;
  }
}

export interface Method {
  scope?: string;
  limit: keyof typeof rateLimits;
  /** What the rate limit counts separately: the channel, for posting. */
  countedBy?: (args: JsonObject) => string;
  /** Needs the app-level token instead of the bot's. */
  appToken?: boolean;
  /** The fields of the answer beside `ok`; throws SlackRefusal. */
  answer: (state: SlackState, args: JsonObject) => JsonObject;
}

export type Methods = Readonly<Record<string, Method>>;

/** A message in the form of the Web API and the payloads. */
export function messageJson(identity: SlackIdentity, message: SandboxMessage): JsonObject {
  return {
    type: "message",
    user: message.user,
    bot_id: identity.botId,
    app_id: identity.appId,
    team: identity.teamId,
    text: message.text,
    ts: message.ts,
    blocks: message.blocks,
    ...(message.thread_ts ? { thread_ts: message.thread_ts } : {}),
    ...(message.edits > 0 ? { edited: { user: identity.botUserId, ts: message.ts } } : {}),
  };
}

/** Slack's answer to wrong blocks or views: each problem with a pointer to its place. */
export function refusedFor(error: "invalid_blocks" | "invalid_arguments", problems: readonly string[]): SlackRefusal {
  const messages = problems.map((problem) => `[ERROR] ${problem}`);
  return new SlackRefusal(error, { errors: problems, response_metadata: { messages } });
}

function argumentsOf(request: SandboxRequest): JsonObject {
  const query = Object.fromEntries(request.url.searchParams);
  const body = request.body.toString("utf8");
  const contentType = request.headers["content-type"] ?? "";
  if (!contentType.startsWith("application/json"))
    return { ...query, ...Object.fromEntries(new URLSearchParams(body)) };
  const parsed = body === "" ? {} : parseJson(body);
  if (!isObject(parsed)) throw new SlackRefusal("invalid_json");
  return { ...query, ...parsed };
}

export function textArgument(args: JsonObject, name: string): string | undefined {
  const value = args[name];
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** A required text argument. Without it the method refuses with `error`. */
export function neededText(args: JsonObject, name: string, error = "invalid_arguments"): string {
  const value = textArgument(args, name);
  if (value === undefined) throw new SlackRefusal(error);
  return value;
}

/** A structured argument: JSON in a form, a value in a JSON body. It refuses an unreadable one with `error`. */
export function jsonArgument(args: JsonObject, name: string, error: string): unknown {
  const value = args[name];
  if (typeof value !== "string") return value;
  const parsed = parseJson(value);
  if (parsed === undefined) throw new SlackRefusal(error);
  return parsed;
}

export interface WebApi {
  state: SlackState;
  methods: Methods;
  count: RateCounter | undefined;
}

export function answerCall(api: WebApi, name: string, request: SandboxRequest): SandboxAnswer {
  try {
    const method = Object.hasOwn(api.methods, name) ? api.methods[name] : undefined;
    if (method === undefined) throw new SlackRefusal("unknown_method", { req_method: name });
    const args = argumentsOf(request);
    authenticate(api.state, method, args, request);
    const key = method.countedBy ? `${name} ${method.countedBy(args)}` : name;
    const wait = api.count?.(key, rateLimits[method.limit]);
    if (wait !== undefined) return limited(wait);
    return json({ ok: true, ...method.answer(api.state, args) }, api.state);
  } catch (error) {
    if (error instanceof SlackRefusal) return json({ ok: false, error: error.error, ...error.details }, api.state);
    throw error;
  }
}

/** A token is a bearer header or an argument. */
function authenticate(state: SlackState, method: Method, args: JsonObject, request: SandboxRequest): void {
  const bearer = request.headers.authorization?.match(/^Bearer (\S+)$/i)?.[1];
  const token = bearer ?? args.token;
  if (token === undefined || token === "") throw new SlackRefusal("not_authed");
  const { botToken, appToken, scopes } = state.identity;
  if (token !== botToken && token !== appToken) throw new SlackRefusal("invalid_auth");
  if ((token === appToken) !== (method.appToken ?? false)) throw new SlackRefusal("not_allowed_token_type");
  const needed = method.scope;
  if (needed !== undefined && !scopes.includes(needed)) {
    throw new SlackRefusal("missing_scope", { needed, provided: scopes.join(",") });
  }
}

function limited(seconds: number): SandboxAnswer {
  return {
    status: 429,
    headers: { "retry-after": String(seconds) },
    body: JSON.stringify({ ok: false, error: "ratelimited" }),
  };
}

function json(body: JsonObject, state: SlackState): SandboxAnswer {
  return {
    status: 200,
    headers: { "content-type": "application/json; charset=utf-8", "x-oauth-scopes": state.identity.scopes.join(",") },
    body: JSON.stringify(body),
  };
}
