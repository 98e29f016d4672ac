import type { SandboxRequest, SandboxRoute } from "../http-server.ts";
import { answerResponse } from "./response-urls.ts";
import { answerCall, type WebApi } from "./web-api.ts";

/** Which call a request is: `slack.<method>` under /api/, `slack.response_url` under /actions/. */
export function routeOf(api: WebApi, request: SandboxRequest): SandboxRoute {
  const path = request.url.pathname;
  if (path.startsWith("/api/")) {
    const name = path.slice("/api/".length);
    return { call: `slack.${name}`, answer: () => answerCall(api, name, request) };
  }
  if (path.startsWith("/actions/") && request.method === "POST") {
    const body = request.body.toString("utf8");
    return { call: "slack.response_url", answer: () => answerResponse(api.state, path, body) };
  }
  return { call: "slack.unknown", answer: () => ({ status: 404, body: '{"ok":false,"error":"not_found"}' }) };
}
