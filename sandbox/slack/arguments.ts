import type { SandboxRequest } from "../http-server.ts";
import { isObject, type JsonObject, parseJson } from "./json.ts";
import { SlackRefusal } from "./refusal.ts";

/** The arguments of a Web API call: from the query, and from a form or JSON body. */
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

/** A text argument; undefined where it is absent or empty. */
export function textArgument(args: JsonObject, name: string): string | undefined {
  const value = args[name];
  if (typeof value === "number") return String(value);
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** A text argument that the method can't do without; its absence is refused with `error`. */
export function neededText(args: JsonObject, name: string, error = "invalid_arguments"): string {
  const value = textArgument(args, name);
  if (value !== undefined) return value;
  const messages = [`[ERROR] missing required field: ${name}`];
  throw new SlackRefusal(error, error === "invalid_arguments" ? { response_metadata: { messages } } : {});
}

/** A yes-or-no argument; forms send it as a text. */
export function flagArgument(args: JsonObject, name: string): boolean {
  return ["true", "1"].includes(String(args[name]));
}

/** A structured argument: JSON in a form, the thing itself in a JSON body. What can't be parsed is refused with `error`. */
export function jsonArgument(args: JsonObject, name: string, error: string): unknown {
  const value = args[name];
  if (typeof value !== "string") return value;
  const parsed = parseJson(value);
  if (parsed === undefined) throw new SlackRefusal(error);
  return parsed;
}
