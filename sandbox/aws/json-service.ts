import { z } from "zod";
import type { SandboxAnswer, SandboxRequest } from "../http-server.ts";
import type { AwsContext } from "./context.ts";
import { mayCall } from "./identities.ts";
import { jsonError, refuse } from "./refusal.ts";
import { answerSigned, type Signed } from "./signature.ts";

export type JsonCall = Signed & { body: unknown };

/** The handler of each call, by names such as `cloudtrail.LookupEvents`. A ZodError is the caller's mistake. @throws Refusal */
export type JsonHandlers = Readonly<Record<string, (call: JsonCall) => object>>;

/** By the beginning of a target: the service's name in signatures and in IAM's actions. */
const services: Readonly<Record<string, string>> = {
  AWSEvents: "events",
  AWSIdentityStore: "identitystore",
  AWSOrganizationsV20161128: "organizations",
  CloudTrail_20131101: "cloudtrail",
  SWBExternalService: "sso",
};

export function jsonCallName(target: string): string {
  const [action = "", prefix = ""] = target.split(".").toReversed();
  return `${services[prefix] ?? prefix}.${action}`;
}

/** IAM allows these on a resource in their body, so their handlers check the right. */
const onResources: ReadonlySet<string> = new Set(["events.PutEvents"]);

export function answerJson(
  context: AwsContext,
  handlers: JsonHandlers,
  name: string,
  request: SandboxRequest,
): SandboxAnswer {
  const [service = ""] = name.split(".");
  const errorOf = (code: string, message: string, _: number, more: object) => jsonError(code, message, more);
  return answerSigned(context, request, service, errorOf, (signed) => {
    const body = handle(handlers, name, { ...signed, body: JSON.parse(request.body.toString("utf8")) });
    return { status: 200, headers: { "content-type": "application/x-amz-json-1.1" }, body: JSON.stringify(body) };
  });
}

function handle(handlers: JsonHandlers, name: string, call: JsonCall): object {
  const handler = Object.hasOwn(handlers, name) ? handlers[name] : undefined;
  if (!handler) refuse("UnknownOperationException", "");
  const action = name.replace(".", ":");
  if (!onResources.has(name) && !mayCall(call.caller, action, "*")) {
    refuse("AccessDenied", `User: ${call.caller.arn} is not authorized to perform: ${action}`);
  }
  try {
    return handler(call);
  } catch (error) {
    if (!(error instanceof z.ZodError)) throw error;
    const [issue] = error.issues;
    return refuse("ValidationException", `Value at '${issue?.path.join(".")}' failed to satisfy constraint`);
  }
}
