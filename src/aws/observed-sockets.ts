import type { STSClient } from "@aws-sdk/client-sts";
import type { HttpRequest } from "@smithy/protocol-http";
import type { FinishedCall } from "../operations/metrics/announcements.ts";
import { observed, resultOfStatus } from "../operations/metrics/calls.ts";
import { callWithinMs, deadlineSignal } from "../operations/time-limit.ts";
import { boundedBody } from "./bounded-body.ts";

export type Sockets = STSClient["config"]["requestHandler"];

/**
 * Tells of each HTTP call, so that a call that the SDK tried three times counts as three. Each one has a deadline of its own, and
 * that of the run that makes it. What comes back is bounded.
 */
export function observedSockets(sockets: Sockets): Sockets {
  const handle = sockets.handle.bind(sockets);
  return Object.assign(sockets, {
    handle: (...[request, options]: Parameters<Sockets["handle"]>) =>
      observed(
        callOf(request),
        async () => {
          const limits = { requestTimeout: callWithinMs("awsCall"), ...signalWith(options) };
          const { response } = await handle(request, { ...options, ...limits });
          response.body = boundedBody(response.body, request.hostname);
          return { response };
        },
        ({ response }) => resultOfStatus(response.statusCode),
      ),
  });
}

/** What the SDK itself waits for stays: it may give up earlier. */
function signalWith(options: object = {}): { abortSignal?: AbortSignal } {
  const own = "abortSignal" in options ? options.abortSignal : undefined;
  const signals = [own, deadlineSignal()].filter((signal) => signal instanceof AbortSignal);
  return signals.length > 0 ? { abortSignal: AbortSignal.any(signals) } : {};
}

/** STS names its action in the body, CloudTrail in a header, and EKS by method and path. */
function callOf({ body, headers, method, path }: HttpRequest): Pick<FinishedCall, "service" | "operation"> {
  const action = typeof body === "string" ? /(?:^|&)Action=(\w+)/.exec(body)?.[1] : undefined;
  if (action) return { service: "sts", operation: action };
  const target = headers["x-amz-target"]?.split(".").at(-1);
  if (target) return { service: "cloudtrail", operation: target };
  const place = path.split("/").filter((_, index) => index % 2 === 1);
  return { service: "eks", operation: `${method} ${place.join("/")}` };
}
