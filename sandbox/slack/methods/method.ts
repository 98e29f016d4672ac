import type { SandboxRequest } from "../../http-server.ts";
import { isObject, type JsonObject, parseJson } from "../../json.ts";
import type { rateLimits } from "../rate-limits.ts";
import type { SandboxMessage } from "../shapes.ts";
import type { SlackIdentity, SlackState } from "../state.ts";

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

export function argumentsOf(request: SandboxRequest): JsonObject {
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
  if (typeof value === "number") return String(value);
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** A required text argument. Without it the method refuses with `error`. */
export function neededText(args: JsonObject, name: string, error = "invalid_arguments"): string {
  const value = textArgument(args, name);
  if (value !== undefined) return value;
  const messages = [`[ERROR] missing required field: ${name}`];
  throw new SlackRefusal(error, error === "invalid_arguments" ? { response_metadata: { messages } } : {});
}

/** A structured argument: JSON in a form, a value in a JSON body. It refuses an unreadable one with `error`. */
export function jsonArgument(args: JsonObject, name: string, error: string): unknown {
  const value = args[name];
  if (typeof value !== "string") return value;
  const parsed = parseJson(value);
  if (parsed === undefined) throw new SlackRefusal(error);
  return parsed;
}
