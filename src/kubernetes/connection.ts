import { setMaxListeners } from "node:events";
import { z } from "zod";
import { AccessError, type FailureCode, outOfTimeRemedy } from "../access/access-error.ts";
import { outsideWords } from "../access/redact.ts";
import { parseJson } from "../access/seal.ts";
import type { RequestIds } from "../operations/announcements.ts";
import { answerTooLarge } from "../operations/bounds.ts";
import { callWithinMs } from "../operations/deadlines.ts";
import {
  type ApiAnswer,
  type ApiCall,
  isWrite,
  observedCalls,
  type SendCall,
  sendDirectly,
  sentAgain,
  takeSockets,
} from "./api-calls.ts";

/** Of one page: we ask for at most 500. zod notes a problem for each item, and 25,000 problems take longer than 100 ms. */
const maxItems = 1_000;

/** The largest token, in bytes, that every release accepts (aws-iam-authenticator, pkg/token, maxTokenLenBytes; issue 1106). */
const largestToken = 4096;

/** The token's identity. A 401 has no reason: an earlier success of the identity is a hint. */
export interface KnownIdentity {
  readonly arn: string;
  /** What to do if the API server refuses it; absent: the advice for a wrong creator. */
  readonly remedies?: Remedies | undefined;
  /** Null: unknown. */
  readonly lastAcceptedAt: () => Promise<Date | null>;
  readonly noteAccepted: () => Promise<void>;
}

/** How to fix a refusal of one identity, each a text of one or more sentences. */
export interface Remedies {
  /** A 401, if the identity was never accepted. */
  readonly unauthorized: string;
  /** A 401 after it was accepted; absent: as for every identity. */
  readonly noLongerAuthorized?: string;
  /** A 403; absent: as for every identity. */
  readonly forbidden?: string;
}

export interface ClusterEndpoint {
  /** The cluster's name in the configuration; failures name it. */
  readonly name: string;
  readonly endpoint: string;
  /** PEM in base64, from EKS: the only trusted authority. */
  readonly certificateAuthority: string;
  readonly token: string;
  readonly as?: KnownIdentity | undefined;
  /** Ids of requests, for the API server's audit log. */
  readonly requests?: readonly string[];
  /** Gets the ids of our writes in the API server's audit log; absent without a recorder. */
  readonly auditIds?: RequestIds | undefined;
}

export interface Connection {
  /** The same for all connections to one API server. */
  readonly server: string;
  /** Makes a call and reads the JSON of its answer. @throws RefusedByServer unless the API server says success */
  ask<T>(call: ApiCall, shape: z.ZodType<T>): Promise<Answered<T>>;
  /** The same without reading the answer. */
  send(call: ApiCall): Promise<ApiAnswer>;
  close(): void;
}

export interface Answered<T> {
  readonly value: T;
  readonly bytes: number;
  readonly headers: ApiAnswer["headers"];
}

/** Opens nothing yet: the first call opens sockets, or uses those of an earlier call. */
export function createConnection(cluster: ClusterEndpoint, timeoutMs?: number): Connection {
  const authority = Buffer.from(cluster.certificateAuthority, "base64").toString("utf8");
  const sockets = takeSockets(cluster.endpoint, authority);
  const closing = new AbortController();
  setMaxListeners(0, closing.signal);
  const headers = { authorization: `Bearer ${cluster.token}`, "user-agent": userAgentFor(cluster.requests ?? []) };
  const sendCall: SendCall = (call) => {
    const withinMs = timeoutMs ?? callWithinMs(isWrite(call) ? "clusterWrite" : "clusterCall");
    const { endpoint } = cluster;
    return sendDirectly(call, { endpoint, headers, withinMs, closing: closing.signal, dispatcher: sockets.dispatcher });
  };
  const remedies = cluster.as?.remedies;
  const explained = explain401(sentAgain(observedCalls(sendCall, cluster.auditIds)), cluster);
  const sendOne: SendCall = async (call) => {
    const answer = await explained(call);
    if (answer.status < 200 || answer.status > 299 || isForeign(answer))
      throw new RefusedByServer(answer, remedies?.forbidden);
    return answer;
  };
  return {
    server: sockets.server,
    ask: async (call, shape) => {
      const { bytes, text, headers } = await sendOne(call);
      const body: unknown = JSON.parse(text());
      const isList = typeof body === "object" && body !== null && "items" in body && Array.isArray(body.items);
      if (isList && (body.items as readonly unknown[]).length > maxItems) {
        throw answerTooLarge(`A page of ${cluster.name} has more than ${maxItems} items`);
      }
      return { value: shape.parse(body), bytes: bytes.length, headers };
    },
    send: sendOne,
    close: () => {
      closing.abort();
      sockets.release();
    },
  };
}

/** Explains a 401. The API server gives no reason, and also answers 401 while its authenticator is down. */
function explain401(sendCall: SendCall, cluster: ClusterEndpoint): SendCall {
  return async (call) => {
    const answer = await sendCall(call);
    // A proxy in front of the API server answers in pages.
    if (!(answer.headers["content-type"] ?? "").includes("json")) return answer;
    if (answer.status === 401 && !isByPolicy(statusIn(answer))) {
      throwIfClockDiffers(cluster, answer.headers);
      await throwIfKnown(cluster);
    }
    if (answer.status < 400) await cluster.as?.noteAccepted();
    return answer;
  };
}

/** AWS takes no signature from five minutes ahead, or from fifteen behind. */
const clockDiffersMs = 5 * 60_000;

/** @throws AccessError if the server's own time says why it takes no token of this machine */
function throwIfClockDiffers({ name }: ClusterEndpoint, headers: ApiAnswer["headers"]): void {
  const aheadMs = Date.now() - Date.parse(headers.date ?? "");
  if (!(Math.abs(aheadMs) > clockDiffersMs)) return;
  const off = `${Math.round(Math.abs(aheadMs) / 60_000)} min ${aheadMs > 0 ? "ahead of" : "behind"}`;
  const what = `The API server of cluster ${name} answered 401, and this machine's clock is ${off} its own`;
  throw new AccessError("cluster-unauthorized", what, { remedy: "Set the clocks by NTP." });
}

/** @throws AccessError if the token is too large, or more is known of its identity */
async function throwIfKnown({ name, token, as }: ClusterEndpoint): Promise<void> {
  const said = `The API server of cluster ${name} answered 401`;
  // A newer release may accept it, so we send it. Its size grows with the session, for example with its tags.
  const bytes = Buffer.byteLength(token);
  if (bytes > largestToken) {
    const what = `${said} to a token of ${bytes} bytes; its authenticator accepts ${largestToken}`;
    throw new AccessError("cluster-token-too-large", what);
  }
  const before = await as?.lastAcceptedAt();
  const { remedies } = as ?? {};
  if (before) {
    const remedy = remedies?.noLongerAuthorized ?? usualRemedy;
    const what = `${said} to ${as?.arn}, but accepted it at ${before.toISOString()}`;
    throw new AccessError("cluster-unauthorized", what, { remedy });
  }
  if (!remedies) return;
  throw new AccessError("cluster-unauthorized", `${said} to ${as?.arn}`, { remedy: remedies.unauthorized });
}

const usualRemedy = "Its authenticator may be down, or the access entry gone.";

/** The longest list of request ids in a header. The audit log of eks-access has all of them. */
const longest = 200;

/** Names us and the requests in the API server's audit log. A role's session name does too; an IAM user has none. */
export function userAgentFor(requests: readonly string[]): string {
  // Of the characters that a comment of the header allows (RFC 9110, 5.6.5), only those of our ids.
  const ids = requests.map((id) => id.replace(/[^\w-]/g, "")).filter((id) => id !== "");
  const shown: string[] = [];
  for (const id of ids) {
    if ([...shown, id].join(" ").length > longest) break;
    shown.push(id);
  }
  const left = ids.length - shown.length;
  const words = [...shown, ...(left > 0 ? [`and ${left} more`] : [])].join(" ");
  return words ? `eks-access (${words})` : "eks-access";
}

/** A message in Slack has to hold the answer. */
const maxAnswer = 400;

/** The API server's own body, `Status` (API conventions, "Response Status Kind"). */
interface Status {
  readonly reason: string;
  readonly message: string;
  /** The resource of `reason`, for example `rolebindings`; empty: it does not say. */
  readonly kind: string;
}

/** An answer without success. Its text is not redacted: only `kubernetesFailure` reads it. */
export class RefusedByServer extends Error {
  readonly answer: ApiAnswer;
  /** How to fix a 403 of its API server; undefined: as for every identity. */
  readonly remedy: string | undefined;

  constructor(answer: ApiAnswer, remedy?: string) {
    super(`the API server answered ${answer.status}`);
    this.answer = answer;
    this.remedy = remedy;
  }
}

/** Translates a failure of a call to a cluster. @param what the call: `GET configmap aws-auth of cluster payments` */
export function kubernetesFailure(error: unknown, what: string): AccessError {
  if (error instanceof AccessError) return error;
  return error instanceof RefusedByServer ? answered(error, what) : unanswered(error, what);
}

/** Of the promise of a call. */
export function failing(what: string): (error: unknown) => never {
  return (error) => {
    throw kubernetesFailure(error, what);
  };
}

/** The same for an object that can be absent: null. */
export function unlessAbsent(what: string): (error: unknown) => null {
  return (error) => (isNotFound(error) ? null : failing(what)(error));
}

/** The refusal of the API server itself, not of a proxy; undefined: it did not refuse the call. */
export function statusOf(error: unknown): Status | undefined {
  return error instanceof RefusedByServer ? statusIn(error.answer) : undefined;
}

/** Whether the API server itself says that the object does not exist. A webhook can deny a call with the same status. */
export function isNotFound(error: unknown): boolean {
  const status = error instanceof RefusedByServer && error.answer.status === 404 ? statusOf(error) : undefined;
  return status?.reason === "NotFound" && !isByPolicy(status);
}

/** Whether the API server does not know the resource at all: it says so in text, or in a Status (kubernetes, apiserver). */
export function isUnknownApi(error: unknown): boolean {
  return error instanceof RefusedByServer && error.answer.status === 404 && !isForeign(error.answer);
}

function answered({ answer, remedy }: RefusedByServer, what: string): AccessError {
  const status = statusIn(answer);
  if (!status && isForeign(answer)) return foreignAnswer(answer, what);
  // A 401 says "Unauthorized" twice.
  const said =
    status?.message && status.message !== status.reason ? `: ${outsideWords(status.message, maxAnswer)}` : "";
  const seconds = Number(answer.headers["retry-after"]);
  const retryAfterMs = Number.isFinite(seconds) && seconds > 0 ? seconds * 1000 : undefined;
  const code = codeOf(answer.status, status);
  return new AccessError(code, `The API server answered ${answer.status} to ${what}${said}`, {
    cause: new Error(outsideWords(`${answer.status} ${status?.reason ?? ""} ${status?.message ?? ""}`.trim(), 4000)),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    ...(code === "cluster-forbidden" && remedy !== undefined && { remedy }),
    ...(code === "cluster-refused-write" && !isByPolicy(status) && { remedy: "Fix that, then ask again." }),
  });
}

function codeOf(httpStatus: number, status: Status | undefined): FailureCode {
  // A webhook can deny with any code; 403 is the default.
  if (isByPolicy(status)) {
    return httpStatus >= 500 ? "cluster-unexpected" : "cluster-refused-write";
  }
  if (httpStatus === 401) return "cluster-unauthorized";
  if (httpStatus === 403) return "cluster-forbidden";
  if (httpStatus === 409) return "cluster-conflict";
  if (httpStatus === 429) return "cluster-throttled";
  return [400, 413, 415, 422].includes(httpStatus) ? "cluster-refused-write" : "cluster-unexpected";
}

function isByPolicy(status: Status | undefined): boolean {
  return /admission webhook|admission policy|ValidatingAdmissionPolicy/i.test(status?.message ?? "");
}

const anotherServer = "Check for a proxy or login page.";

/** A proxy or a login page: its 401 or 404 says nothing about the cluster. */
function foreignAnswer({ status, text }: ApiAnswer, what: string): AccessError {
  return new AccessError("cluster-unreachable", `Something other than the API server answered ${status} to ${what}`, {
    remedy: anotherServer,
    cause: new Error(`${status} ${outsideWords(text(), 1000)}`),
  });
}

/** Whatever its status: the API server answers in no pages. */
function isForeign({ headers }: ApiAnswer): boolean {
  return (headers["content-type"] ?? "").includes("html");
}

function unanswered(error: unknown, what: string): AccessError {
  const { name, message } = rootOf(error);
  const cause = Object.assign(new Error(outsideWords(message, maxAnswer)), { name });
  if (/CERT|UNABLE_TO_|ERR_TLS|ERR_SSL|EPROTO/.test(name)) {
    return new AccessError("cluster-unreachable", `The endpoint has no trusted certificate for ${what} (${name})`, {
      remedy: outOfTimeRemedy(name) ?? anotherServer,
      cause,
    });
  }
  // Of Node, of undici, of AbortSignal.timeout. Any other error came after an answer.
  if (/^(E[A-Z_]+|UND_ERR_\w+|HPE_\w+|TimeoutError|AbortError)$/.test(name)) {
    const why = name === "TimeoutError" ? `${name}: ${message}` : name;
    return new AccessError("cluster-unreachable", `The API server did not answer ${what} (${why})`, { cause });
  }
  return notReadable(what, cause);
}

export function notReadable(what: string, cause?: unknown): AccessError {
  return new AccessError("cluster-unexpected", `The answer to ${what} is not readable`, {
    remedy: anotherServer,
    cause,
  });
}

/** fetch wraps the cause: `TypeError: fetch failed`, with the socket's own error inside. */
function rootOf(error: unknown): { name: string; message: string } {
  if (!(error instanceof Error)) return { name: "Error", message: "" };
  if (error.cause instanceof Error) return rootOf(error.cause);
  const { code } = error as { code?: unknown };
  return { name: typeof code === "string" ? code : error.name, message: error.message };
}

const statusShape = z.object({
  kind: z.literal("Status"),
  reason: z.string().catch(""),
  message: z.string().catch(""),
  details: z.object({ kind: z.string().catch("") }).catch({ kind: "" }),
});

function statusIn({ text }: ApiAnswer): Status | undefined {
  const { data } = statusShape.safeParse(parseJson(text()));
  return data && { reason: data.reason, message: data.message, kind: data.details.kind };
}
