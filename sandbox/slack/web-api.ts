import type { SandboxAnswer, SandboxRequest } from "../http-server.ts";
import type { JsonObject } from "../json.ts";
import { argumentsOf, type Method, type Methods, SlackRefusal } from "./methods/method.ts";
import { type RateCounter, rateLimits } from "./rate-limits.ts";
import type { SlackState } from "./state.ts";

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
    const wait = waitBefore(api, name, method, args);
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

function waitBefore(api: WebApi, name: string, method: Method, args: JsonObject): number | undefined {
  const key = method.countedBy ? `${name} ${method.countedBy(args)}` : name;
  return api.count?.(key, rateLimits[method.limit]);
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
    headers: {
      "content-type": "application/json; charset=utf-8",
      "x-oauth-scopes": state.identity.scopes.join(","),
    },
    body: JSON.stringify(body),
  };
}
