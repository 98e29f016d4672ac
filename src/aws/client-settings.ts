import { Readable } from "node:stream";
import { STSClient } from "@aws-sdk/client-sts";
import { fromNodeProviderChain } from "@aws-sdk/credential-providers";
import type { HttpRequest } from "@smithy/protocol-http";
import { AccessError } from "../access/access-error.ts";
import { type FinishedCall, observedCall, type RequestIds, resultOfStatus } from "../operations/announcements.ts";
import { ArrivedBytes, answerGuard } from "../operations/bounds.ts";
import { callWithinMs, deadlineSignal, endCall, usualDeadlines } from "../operations/deadlines.ts";
import { awsFailure, isOfNetwork } from "./explain-aws-error.ts";

/** The largest answers are pages of CloudTrail, 50 events of some kilobytes each. */
const largestAnswer = { bytes: 4 * 1024 * 1024, values: 20_000 };
/** STS and IAM answer in XML, with some kilobytes. */
const largestOfSts = { bytes: 64 * 1024, values: 64 * 1024 };

/** What the SDK finds in the environment and in the AWS files, the same for each service and caller. */
type Found = Pick<
  STSClient["config"],
  "authSchemePreference" | "useDualstackEndpoint" | "useFipsEndpoint" | "userAgentAppId"
>;

type Shared = Found & { readonly requestHandler: Sockets };

interface ClientSettings extends Shared {
  region: string;
  credentials: AwsCredentials | ReturnType<typeof fromNodeProviderChain>;
  maxAttempts: number;
  retryMode: "standard";
  cacheMiddleware: true;
}

const tries = 3;

const limits = {
  connectionTimeout: usualDeadlines.awsCall,
  requestTimeout: usualDeadlines.awsCall,
  throwOnRequestTimeout: true,
};

let shared: Shared | undefined;

/** A client with assumed credentials lives for one call; sockets and the environment's settings outlive it. */
export function clientSettings(source: CredentialSource, region: string): ClientSettings {
  shared ??= sharedByAll(region);
  return {
    region,
    credentials: source === "default" ? ownIdentity(region, shared.requestHandler) : source,
    maxAttempts: tries,
    retryMode: "standard",
    // A client builds the way of each kind of call once: that is a fifth of what a call costs.
    cacheMiddleware: true,
    ...shared,
  };
}

/** By default the SDK reads the AWS files once in a process, and misses rotated keys. */
function ownIdentity(region: string, requestHandler: Sockets): ReturnType<typeof fromNodeProviderChain> {
  // They can need a call of STS, with the deadline of every call.
  const find = fromNodeProviderChain({ ignoreCache: true, clientConfig: { region, requestHandler } });
  return (given) => foundInTime(find(given));
}

/** The SDK waits without a limit for what gives a pod its identity, and each later call would wait for the same answer. @throws AccessError */
export function foundInTime<T>(looking: Promise<T>): Promise<T> {
  const withinMs = tries * callWithinMs("awsCall");
  const run = deadlineSignal();
  return new Promise((resolve, reject) => {
    // Calls before this one took the time.
    if (run?.aborted) reject(orThrottled(run, run.reason));
    const late = (cause: Error) => reject(new AccessError("aws-unreachable", notFound, { cause, remedy: lookThere }));
    const stop = endCall(withinMs, new AbortController().signal, late);
    looking.then(resolve, (error: unknown) => reject(notFoundAs(error))).finally(stop);
  });
}

/** Of what gives the identity, a file or an agent, unlike an answer of AWS or of the network to a call for it. */
function notFoundAs(error: unknown): unknown {
  if (!(error instanceof Error) || "$metadata" in error || isOfNetwork(error)) return error;
  // Node quotes what is no JSON, and the command and the output of a program that failed: each can be a part of a key.
  const isCommand = error.message.startsWith("Command failed");
  const words = isCommand ? "the program that gives them failed" : error.message;
  const safe = error instanceof SyntaxError ? "what gives them answers with no JSON" : words;
  return Object.assign(new Error(safe), { name: "CredentialsProviderError" });
}

const notFound = "No AWS identity came in time";
const lookThere = "Check its source, such as the EKS Pod Identity agent.";

function sharedByAll(region: string): Shared {
  const { requestHandler, authSchemePreference, useDualstackEndpoint, useFipsEndpoint, userAgentAppId } = new STSClient(
    { region, requestHandler: limits },
  ).config;
  return {
    // A destroyed client must not cut off the calls of the others.
    requestHandler: observedSockets(Object.assign(requestHandler, { destroy: () => {} })),
    authSchemePreference,
    useDualstackEndpoint,
    useFipsEndpoint,
    userAgentAppId,
  };
}

type Sockets = STSClient["config"]["requestHandler"];

/** The deadlines of runs in which AWS throttled a call. */
const throttled = new WeakSet<AbortSignal>();
/** Each service has a name of its own for it. */
const throttling = /^429|throttl|rate exceeded|TooManyRequests|RequestLimitExceeded|SlowDown/i;

/** The SDK waits before another try. If the deadline passes meanwhile, AWS did answer. */
function orThrottled(run: AbortSignal | undefined, error: unknown): unknown {
  if (!run?.aborted || !throttled.has(run)) return error;
  const cause = Object.assign(new Error(run.reason.message), { name: "Throttling" });
  // The SDK would try again after an error with the name of the cause.
  return Object.assign(new Error("Request aborted", { cause }), { name: "AbortError" });
}

/** Announces each HTTP call: three tries of the SDK count as three. Each has its own deadline and that of its run. The answer is bounded. */
function observedSockets(sockets: Sockets): Sockets {
  const handle = sockets.handle.bind(sockets);
  return Object.assign(sockets, {
    handle: (...[request, options]: Parameters<Sockets["handle"]>) =>
      observedCall(
        callOf(request),
        async () => {
          const largest = /^(?:sts|iam)$/.test(callOf(request).service) ? largestOfSts : largestAnswer;
          const limits = { requestTimeout: callWithinMs("awsCall"), ...signalWith(options) };
          const run = deadlineSignal();
          const { response } = await handle(request, { ...options, ...limits }).catch((error: unknown) => {
            throw orThrottled(run, error);
          });
          const guard = answerGuard(largest, request.hostname);
          response.body = await boundedBody(response.body, guard, callWithinMs("awsCall"));
          const { statusCode, headers } = response;
          const refusal = statusCode >= 400 ? `${statusCode} ${headers["x-amzn-errortype"]} ${response.body}` : "";
          if (run && throttling.test(refusal)) throttled.add(run);
          return { response };
        },
        ({ response }) => resultOfStatus(response.statusCode),
      ),
  });
}

/** The SDK's own time limit can still end the call earlier. */
function signalWith(options: object = {}): { abortSignal?: AbortSignal } {
  const own = "abortSignal" in options ? options.abortSignal : undefined;
  const [signal, ...others] = [own, deadlineSignal()].filter((each) => each instanceof AbortSignal);
  return signal ? { abortSignal: others.length > 0 ? AbortSignal.any([signal, ...others]) : signal } : {};
}

const targets: Readonly<Record<string, FinishedCall["service"]>> = {
  CloudTrail_20131101: "cloudtrail",
  AWSIdentityStore: "identitystore",
  SWBExternalService: "sso",
  AWSEvents: "events",
  AWSOrganizationsV20161128: "organizations",
};

/** STS and IAM name their action and version in the body, others in a header, S3 in the query but for HEAD, and EKS by method and path. */
function callOf({ body, headers, method, path, query }: HttpRequest): Pick<FinishedCall, "service" | "operation"> {
  const action = typeof body === "string" ? /(?:^|&)Action=(\w+)/.exec(body)?.[1] : undefined;
  if (action) return { service: body.includes("Version=2010-05-08") ? "iam" : "sts", operation: action };
  const [target, service = ""] = headers["x-amz-target"]?.split(".").toReversed() ?? [];
  if (target) return { service: targets[service] ?? "cloudtrail", operation: target };
  if (query["x-id"] || method === "HEAD") return { service: "s3", operation: `${method} object` };
  const place = path.split("/").filter((_, index) => index % 2 === 1);
  return { service: "eks", operation: `${method} ${place.join("/")}` };
}

/** An answer's whole body. Fails above the limit, or if it does not end in time: the SDK's own time limit ends with the headers. */
async function boundedBody(body: unknown, guard: (part: Uint8Array) => void, withinMs: number): Promise<unknown> {
  if (!(body instanceof Readable)) return body;
  // The SDK retries an error of this name.
  const late = () => Object.assign(new Error(`the answer did not end within ${withinMs} ms`), { name: "TimeoutError" });
  const timer = setTimeout(() => body.destroy(late()), withinMs);
  const arrived = new ArrivedBytes();
  try {
    for await (const part of body) {
      guard(part);
      arrived.add(part);
    }
  } finally {
    clearTimeout(timer);
  }
  return arrived.whole();
}

/** Keys of an IAM user, or of a session if there is a session token. Kept in memory only. */
export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  readonly expiration?: Date;
}

/** `"default"`: the credentials that the SDK finds (IRSA, Pod Identity, environment, profile, instance role). */
export type CredentialSource = AwsCredentials | "default";

/** The answer to one call. @throws AccessError as `awsFailure` */
export async function awsAnswer<T>(what: string, answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    throw awsFailure(error, what);
  }
}

/** EKS always answers with what was asked for, also with an empty list: without it, nothing is known. @throws AccessError */
export function answeredWith<T>(found: T | undefined, what: string): T {
  if (found !== undefined) return found;
  throw incomplete(what);
}

export function incomplete(what: string): AccessError {
  return new AccessError("aws-unexpected", `AWS's answer to ${what} is incomplete`);
}

/** The same for a list: AWS never leaves its items out. @throws AccessError */
export function answeredList<T>(found: T[] | undefined, what: string): readonly T[] {
  const isItem = (each: T) => typeof each === "string" || (typeof each === "object" && each !== null);
  return answeredWith(Array.isArray(found) && found.every(isItem) ? found : undefined, what);
}

type Answered = { readonly $metadata?: { readonly requestId?: string | undefined } };

/** Logs the request id, for CloudTrail and AWS Support. @param action in IAM's form @param about as in `RequestIds` */
export async function logRequestId<T extends object>(
  log: RequestIds | undefined,
  action: string,
  call: Promise<T>,
  about?: string,
): Promise<T> {
  const addId = (answered: object) => {
    const { $metadata }: Answered = answered;
    if ($metadata?.requestId) log?.add(action, $metadata.requestId, about);
  };
  try {
    const answer = await call;
    addId(answer);
    return answer;
  } catch (error) {
    if (error instanceof Error) addId(error);
    throw error;
  }
}
