import { setMaxListeners } from "node:events";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Dispatcher } from "undici";
import type { z } from "zod";
import { AccessError } from "../access/access-error.ts";
import type { RequestIds } from "../access/audit/event.ts";
import { answerTooLarge, textWithin } from "../operations/bounds.ts";
import { callWithinMs, endCall } from "../operations/deadlines.ts";
import { type ApiAnswer, type ApiCall, isWrite, observedCalls, type SendCall, userAgentFor } from "./api-calls.ts";
import { takeSockets } from "./cluster-sockets.ts";
import { RefusedByServer } from "./explain-kubernetes-error.ts";

/** Etcd keeps no object above 1.5 MiB, and lists come in pages. Parsing this many values blocks the process for less than 100 ms. */
const largestAnswer = { bytes: 2 * 1024 * 1024, values: 50_000 };

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
  /** `https://…` */
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
  /** Makes a call and reads the JSON of its answer. @throws RefusedByServer unless its status is a success */
  ask<T>(call: ApiCall, shape: z.ZodType<T>): Promise<Answered<T>>;
  /** The same without reading the answer. */
  send(call: ApiCall): Promise<ApiAnswer>;
  close(): void;
}

export interface Answered<T> {
  readonly value: T;
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
  const explained = explain401(observedCalls(sendCall, cluster.auditIds), cluster);
  const sendOne: SendCall = async (call) => {
    const answer = await explained(call);
    if (answer.status < 200 || answer.status > 299) throw new RefusedByServer(answer, remedies?.forbidden);
    return answer;
  };
  return {
    ask: async (call, shape) => {
      const { text, headers } = await sendOne(call);
      const body: unknown = JSON.parse(text);
      if (itemsIn(body) > maxItems) {
        throw answerTooLarge(
          `The API server of cluster ${cluster.name} answers with a page of more than ${maxItems} items`,
        );
      }
      return { value: shape.parse(body), headers };
    },
    send: sendOne,
    close: () => {
      closing.abort();
      sockets.release();
    },
  };
}

function itemsIn(body: unknown): number {
  const isList = typeof body === "object" && body !== null && "items" in body && Array.isArray(body.items);
  return isList ? (body.items as readonly unknown[]).length : 0;
}

/** Explains a 401. The API server gives no reason, and also answers 401 while its authenticator is down. */
function explain401(sendCall: SendCall, cluster: ClusterEndpoint): SendCall {
  return async (call) => {
    const answer = await sendCall(call);
    // A proxy in front of the API server answers in pages.
    if (!(answer.headers["content-type"] ?? "").includes("json")) return answer;
    if (answer.status === 401) await throwIfKnown(cluster);
    if (answer.status < 400) await cluster.as?.noteAccepted();
    return answer;
  };
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

const usualRemedy =
  "The identity is the same: the cluster's authenticator may be down, or the identity's access entry was deleted.";

interface Way {
  readonly endpoint: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly withinMs: number;
  readonly closing: AbortSignal;
  readonly dispatcher: Dispatcher;
}

/** Follows no redirection: the token is for this cluster. */
async function sendDirectly({ method, path, query, body, isUnreadAnswer }: ApiCall, way: Way): Promise<ApiAnswer> {
  const { origin, host } = new URL(way.endpoint);
  const what = `The API server at ${host}`;
  const { status, headers, parts } = await receive(what, way, {
    origin,
    path: query ? `${path}?${new URLSearchParams(query)}` : path,
    method,
    headers: { accept: "application/json", ...(body && { "content-type": "application/json" }), ...way.headers },
    body: body === undefined ? null : body instanceof Uint8Array ? body : JSON.stringify(body),
  });
  const isUnread = isUnreadAnswer && status < 300;
  const text = isUnread ? "" : knownText(host + path, Buffer.concat(parts), what);
  // undici frees the socket only then: an immediate call would open another one.
  await nextTurn();
  return { status, headers, text };
}

type Received = Pick<ApiAnswer, "status" | "headers"> & { readonly parts: readonly Buffer[] };

/** Without a stream and a signal for each call, which cost more than to read some hundred bytes. */
function receive(what: string, { withinMs, closing, dispatcher }: Way, call: Dispatcher.DispatchOptions) {
  return new Promise<Received>((resolve, reject) => {
    const parts: Buffer[] = [];
    let [status, bytes, headers]: [number, number, Received["headers"]] = [0, 0, {}];
    let sending: Dispatcher.DispatchController | null = null;
    let over: Error | null = null;
    const end = (reason: Error) => {
      over ??= reason;
      reject(over);
      sending?.abort(over);
    };
    const settled = endCall(withinMs, closing, end);
    if (over) return;
    dispatcher.dispatch(call, {
      onRequestStart: (controller) => {
        sending = controller;
        if (over) controller.abort(over);
      },
      onResponseStart: (_, answered, found) => {
        status = answered;
        headers = Object.fromEntries(
          Object.entries(found).map(([name, value = ""]) => [name, [value].flat().join(", ")]),
        );
      },
      onResponseData: (_, part) => {
        bytes += part.length;
        if (bytes <= largestAnswer.bytes) parts.push(part);
        else end(answerTooLarge(`${what} answers with more than ${largestAnswer.bytes} bytes`));
      },
      onResponseEnd: () => {
        settled();
        resolve({ status, headers, parts });
      },
      onResponseError: (_, error) => {
        settled();
        end(error);
      },
    });
  });
}

interface KnownAnswer {
  readonly bytes: Buffer;
  readonly text: string;
}

const knownAnswers = new Map<string, KnownAnswer>();
const largeAnswer = 16 * 1024;
const maxKnown = 16;

/** The text of an answer. It parses a text that stays the same to the byte once. @throws AccessError */
function knownText(place: string, bytes: Buffer, what: string): string {
  const known = knownAnswers.get(place);
  if (known?.bytes.equals(bytes)) return known.text;
  knownAnswers.delete(place);
  const text = textWithin(bytes, largestAnswer, what);
  if (bytes.length < largeAnswer) return text;
  knownAnswers.set(place, { bytes, text });
  for (const oldest of [...knownAnswers.keys()].slice(0, -maxKnown)) knownAnswers.delete(oldest);
  return text;
}
