import { setMaxListeners } from "node:events";
import type { z } from "zod";
import { AccessError } from "../access/access-error.ts";
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
import { isByPolicy, isForeign, isUnauthorizedUser, RefusedByServer, statusIn } from "./failures.ts";

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
      throw new RefusedByServer(
        answer,
        remedies?.forbidden,
        isUnauthorizedUser(answer) && (await isUnready(explained)),
      );
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

/** Until it has read the roles, an API server refuses everyone but system:masters, here too; afterwards it says what it waits for. */
async function isUnready(send: SendCall): Promise<boolean> {
  const answer = await send({ method: "GET", path: "/readyz" }).catch(() => null);
  return answer !== null && !isForeign(answer) && (answer.status >= 500 || isUnauthorizedUser(answer));
}

/** Explains a 401. The API server gives no reason, and also answers 401 while its authenticator is down. */
function explain401(sendCall: SendCall, cluster: ClusterEndpoint): SendCall {
  return async (call) => {
    const answer = await sendCall(call);
    // A proxy in front of the API server answers in pages.
    if (!(answer.headers["content-type"] ?? "").includes("json")) return answer;
    const status = answer.status === 401 ? statusIn(answer) : undefined;
    if (status && !isByPolicy(status)) {
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
