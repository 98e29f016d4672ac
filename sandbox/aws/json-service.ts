import { z } from "zod";
import type { SandboxAnswer, SandboxRequest } from "../http-server.ts";
import type { AwsContext } from "./context.ts";
import { type Caller, mayCall } from "./identities.ts";
import { type Answer, jsonError, refuse } from "./refusal.ts";
import { verifySignature } from "./signature.ts";

export interface JsonCall {
  caller: Caller;
  region: string;
  body: unknown;
}

/** The handler of each call, by names such as `cloudtrail.LookupEvents`. A ZodError is the caller's mistake. */
export type JsonHandlers = Readonly<Record<string, (call: JsonCall) => Answer>>;

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
  const signed = verifySignature(request, service, context);
  if (signed.type === "refused") return jsonError(signed.code, signed.message);
  const answer = answerSigned(handlers, name, { ...signed, body: JSON.parse(request.body.toString("utf8")) });
  const by = signed.caller.arn;
  if (answer.type === "refused") return { ...jsonError(answer.code, answer.message, answer.more), by };
  const headers = { "content-type": "application/x-amz-json-1.1" };
  return { status: 200, headers, body: JSON.stringify(answer.body), by };
}

function answerSigned(handlers: JsonHandlers, name: string, call: JsonCall): Answer {
  const handler = Object.hasOwn(handlers, name) ? handlers[name] : undefined;
  if (!handler) return refuse("UnknownOperationException", "");
  const action = name.replace(".", ":");
  if (!onResources.has(name) && !mayCall(call.caller, action, "*")) {
    return refuse("AccessDenied", `User: ${call.caller.arn} is not authorized to perform: ${action}`);
  }
  try {
    return handler(call);
  } catch (error) {
    if (!(error instanceof z.ZodError)) throw error;
    const [issue] = error.issues;
    return refuse("ValidationException", `Value at '${issue?.path.join(".")}' failed to satisfy constraint`);
  }
}
