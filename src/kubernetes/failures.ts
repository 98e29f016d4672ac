import { z } from "zod";
import { AccessError, type FailureCode, outOfTimeRemedy } from "../access/access-error.ts";
import { outsideWords } from "../access/redact.ts";
import { parseJson } from "../access/seal.ts";
import type { ApiAnswer } from "./api-calls.ts";

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
  /** It refuses what everyone may: it can have no roles yet. */
  readonly isUnready: boolean;

  constructor(answer: ApiAnswer, remedy?: string, isUnready = false) {
    super(`the API server answered ${answer.status}`);
    this.answer = answer;
    this.remedy = remedy;
    this.isUnready = isUnready;
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

/** Whether RBAC or another authorizer refuses a call. A quota, a webhook or the escalation check can answer 403 too. */
export function isUnauthorizedUser(answer: ApiAnswer): boolean {
  const status = answer.status === 403 ? statusIn(answer) : undefined;
  return !isByPolicy(status) && /\bUser "[^"]*" cannot /.test(status?.message ?? "");
}

/** Whether the API server does not know the resource at all: it says so in text, or in a Status (kubernetes, apiserver). */
export function isUnknownApi(error: unknown): boolean {
  return error instanceof RefusedByServer && error.answer.status === 404 && !isForeign(error.answer);
}

function answered({ answer, remedy, isUnready }: RefusedByServer, what: string): AccessError {
  const status = statusIn(answer);
  // It redirects no call.
  const isElsewhere = answer.status < 400 || saidByStatus.includes(answer.status);
  if (!status && (isForeign(answer) || isElsewhere)) return foreignAnswer(answer, what);
  // A 401 says "Unauthorized" twice.
  const said =
    status?.message && status.message !== status.reason ? `: ${outsideWords(status.message, maxAnswer)}` : "";
  const seconds = Number(answer.headers["retry-after"]);
  const retryAfterMs = Number.isFinite(seconds) && seconds > 0 ? seconds * 1000 : undefined;
  const code = isUnready ? "cluster-unexpected" : codeOf(answer.status, status);
  const ours = quotaRemedy(status) ?? remedy;
  return new AccessError(code, `The API server answered ${answer.status} to ${what}${said}`, {
    cause: new Error(outsideWords(`${answer.status} ${status?.reason ?? ""} ${status?.message ?? ""}`.trim(), 4000)),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    ...(code === "cluster-forbidden" && ours !== undefined && { remedy: ours }),
    ...(isUnready && { remedy: "If this lasts, check /eks-access creator." }),
    ...(code === "cluster-refused-write" && !isByPolicy(status) && { remedy: "Fix that, then ask again." }),
  });
}

/** A ResourceQuota refuses with a 403 too, also before its first count (kubernetes, apiserver, resourcequota, checkRequest). */
export function quotaRemedy({ message = "" }: Partial<Status> = {}): string | undefined {
  if (/ exceeded quota: /.test(message)) return "Raise that quota.";
  return / status unknown for quota: /.test(message) ? "Try again." : undefined;
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

export function isByPolicy(status: Status | undefined): boolean {
  return /admission webhook|admission policy|ValidatingAdmissionPolicy/i.test(status?.message ?? "");
}

/** To these the API server itself adds a Status with its reason (kubernetes, apiserver, responsewriters). */
const saidByStatus: readonly number[] = [400, 401, 403, 413, 415, 422];

const anotherServer = "Check for a proxy or login page.";

/** A proxy or a login page: its 401 or 404 says nothing about the cluster. */
function foreignAnswer({ status, text }: ApiAnswer, what: string): AccessError {
  return new AccessError("cluster-unreachable", `Something other than the API server answered ${status} to ${what}`, {
    remedy: anotherServer,
    cause: new Error(`${status} ${outsideWords(text(), 1000)}`),
  });
}

/** Whatever its status: the API server answers in no pages. */
export function isForeign({ headers }: ApiAnswer): boolean {
  return (headers["content-type"] ?? "").includes("html");
}

function unanswered(error: unknown, what: string): AccessError {
  const { name, message } = rootOf(error);
  const cause = Object.assign(new Error(outsideWords(message, maxAnswer)), { name });
  if (/CERT|UNABLE_TO_|ERR_TLS|ERR_SSL|EPROTO/.test(name)) {
    return new AccessError("cluster-unreachable", `The endpoint has no trusted certificate for ${what} (${name})`, {
      remedy: outOfTimeRemedy(name) ?? "Check for a proxy or an old certificateAuthority.",
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

/** Of no object, which can exist all the same (kubernetes, apimachinery, NewGenericServerResponse). */
const unknownResource = "the server could not find the requested resource";

const statuses = new WeakMap<ApiAnswer, Status | undefined>();

/** Parsed once: a refusal is looked at several times, and one of 1 MiB takes 20 ms. */
export function statusIn(answer: ApiAnswer): Status | undefined {
  if (!statuses.has(answer)) {
    const { data } = statusShape.safeParse(parseJson(answer.text()));
    const reason = data?.message.startsWith(unknownResource) ? "" : data?.reason;
    statuses.set(answer, data && { reason: reason ?? "", message: data.message, kind: data.details.kind });
  }
  return statuses.get(answer);
}
