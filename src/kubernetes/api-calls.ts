import { setImmediate as nextTurn, setTimeout as wait } from "node:timers/promises";
import { createSecureContext, type SecureContext, TLSSocket } from "node:tls";
import { Agent, buildConnector, type Dispatcher } from "undici";
import { putNewest } from "../access/collections.ts";
import { observedCall, type RequestIds, resultOfStatus } from "../operations/announcements.ts";
import { ArrivedBytes, answerTooLarge, textWithin } from "../operations/bounds.ts";
import { deadlineSignal, endCall, succeeds } from "../operations/deadlines.ts";
import { burstWidth } from "../operations/parallel.ts";

export interface ApiCall {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  /** From the root: `/api/v1/pods`. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  /** The media type of the answer; absent: JSON. */
  readonly accept?: string;
  readonly body?: object;
  /** The id of the only request that the call is for. */
  readonly lease?: string | undefined;
}

export interface ApiAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly bytes: Buffer;
  /** @throws AccessError if it is too large to parse */
  readonly text: () => string;
}

/** Makes one call. Throws if nothing answers. */
export type SendCall = (call: ApiCall) => Promise<ApiAnswer>;

/** A UUID has 36 characters; a proxy in front of the API server could send anything. */
const maxId = 100;

/** Announces each call. @param auditIds gets the audit id of each write of a ConfigMap or a binding, and of each call of a sign-in */
export function observedCalls(send: SendCall, auditIds?: RequestIds): SendCall {
  return (call) => {
    const operation = `${call.method} ${resourceOf(call.path)}`;
    return observedCall(
      { service: "kubernetes", operation },
      async () => {
        const answer = await send(call);
        note(auditIds, operation, call, answer);
        return answer;
      },
      ({ status }) => resultOfStatus(status),
    );
  };
}

/** The call's id in the API server's audit log (kubernetes, apiserver, WithAuditInit); null: something else answered. */
export function auditIdOf({ headers }: Pick<ApiAnswer, "headers">): string | null {
  return headers["audit-id"]?.slice(0, maxId) ?? null;
}

const noted = /^(?:(?:PUT|POST) configmaps|(?:POST|DELETE) (?:cluster)?rolebindings|POST selfsubjectreviews|GET pods)$/;

/** Whether the call can change the cluster and so waits for admission webhooks. A review is a POST too. */
export function isWrite({ method, path }: ApiCall): boolean {
  return method !== "GET" && !resourceOf(path).endsWith("reviews");
}

function note(auditIds: RequestIds | undefined, operation: string, { query, lease }: ApiCall, answer: ApiAnswer): void {
  const id = auditIdOf(answer);
  if (id === null || !noted.test(operation)) return;
  auditIds?.add(query?.dryRun ? `${operation} (dry run)` : operation, id, lease);
}

/** `configmaps` of `/api/v1/namespaces/kube-system/configmaps/aws-auth`. */
function resourceOf(path: string): string {
  const place = path.replace(/^\/(?:api|apis\/[^/]+)\/[^/]+\//, "");
  return place.replace(/^namespaces\/[^/]+\/(?=.)/, "").split("/")[0] || path;
}

/** A longer wait is the request's: others on the cluster wait for this run. */
const longestWaitMs = 2_000;
const tries = 3;

/** Sends a throttled call again when the API server asks for it, as client-go does: it had no effect, and a run makes many. */
export function sentAgain(send: SendCall): SendCall {
  let last: Promise<unknown> = Promise.resolve();
  // Together they would meet the same limit again.
  const sendInTurn: SendCall = (call) => {
    const answer = last.then(() => send(call));
    last = succeeds(answer);
    return answer;
  };
  return async (call) => {
    for (let attempt = 1; ; attempt += 1) {
      const answer = await (attempt === 1 ? send : sendInTurn)(call);
      const waitMs = Number(answer.headers["retry-after"] ?? Number.NaN) * 1_000;
      if (answer.status !== 429 || attempt >= tries || !(waitMs <= longestWaitMs)) return answer;
      const signal = deadlineSignal();
      if (!(await succeeds(wait(waitMs, undefined, signal && { signal })))) return answer;
    }
  };
}

interface ClusterSockets {
  /** Another authority is another API server, whatever its address. */
  readonly server: string;
  readonly dispatcher: Dispatcher;
  /** This user has no more calls. */
  release(): void;
}

interface Kept {
  readonly agent: Agent;
  users: number;
  expiry?: NodeJS.Timeout;
}

/** Shorter than any proxy's limit for an idle connection: the API server's is 90 s (secure_serving.go), an AWS load balancer's 350 s. */
const idleMs = 20_000;
const connectMs = 5_000;

const kept = new Map<string, Kept>();

/**
 * The sockets to an API server outlive a run: the next run within some seconds needs no TLS handshake, which costs as much processor
 * time as all the calls of a run. They hold no credentials: each call brings its own token.
 * @param authority PEM
 */
export function takeSockets(endpoint: string, authority: string): ClusterSockets {
  const place = `${endpoint}\n${authority}`;
  const sockets = kept.get(place) ?? open(place, authority);
  clearTimeout(sockets.expiry);
  sockets.users += 1;
  let isReleased = false;
  return {
    server: place,
    dispatcher: sockets.agent,
    release: () => {
      if (isReleased) return;
      isReleased = true;
      sockets.users -= 1;
      if (sockets.users > 0) return;
      // Neither the timer nor an idle socket keeps a process alive.
      sockets.expiry = setTimeout(() => {
        kept.delete(place);
        void sockets.agent.destroy();
      }, idleMs).unref();
    },
  };
}

function open(place: string, authority: string): Kept {
  const timeouts = { keepAliveTimeout: idleMs, keepAliveMaxTimeout: idleMs };
  const agent = new Agent({ connect: connectorTo(place, authority), connections: burstWidth, ...timeouts });
  const sockets = { agent, users: 0 };
  kept.set(place, sockets);
  return sockets;
}

/** The last TLS session of each API server: to resume it costs a third of a handshake. Only the server of that handshake has its keys. */
const sessions = new Map<string, Buffer>();
const maxSessions = 2_000;

function connectorTo(place: string, authority: string): buildConnector.connector {
  let secureContext: SecureContext | undefined;
  return (options, connected) => {
    // As a list: for an empty text Node.js would trust every public authority.
    secureContext ??= createSecureContext({ ca: [authority] });
    const session = sessions.get(place);
    const connect = buildConnector({ secureContext, timeout: connectMs, ...(session && { session }) });
    connect(options, (...result) => {
      const [, socket] = result;
      // After the server's certificate was checked.
      if (socket instanceof TLSSocket) socket.on("session", (next) => putNewest(sessions, place, next, maxSessions));
      connected(...result);
    });
  };
}

/** Etcd keeps no object above 1.5 MiB, and lists come in pages. Parsing this many good values blocks the process for less than 100 ms; refusing bad ones, for up to 0.6 s. */
const largestAnswer = { bytes: 2 * 1024 * 1024, values: 50_000 };

interface Route {
  readonly endpoint: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly withinMs: number;
  readonly closing: AbortSignal;
  readonly dispatcher: Dispatcher;
}

const json = "application/json";

/** Follows no redirection: the token is for this cluster. */
export async function sendDirectly(
  { method, path, query, accept = json, body }: ApiCall,
  route: Route,
): Promise<ApiAnswer> {
  const { origin, host } = new URL(route.endpoint);
  const what = `The API server at ${host}`;
  const place = host + path;
  const { status, headers, bytes } = await receive(what, route, {
    origin,
    path: query ? `${path}?${new URLSearchParams(query)}` : path,
    method,
    headers: { accept, ...(body && { "content-type": json }), ...route.headers },
    body: body === undefined ? null : JSON.stringify(body),
  });
  // undici frees the socket only then: an immediate call would open another one.
  await nextTurn();
  return { status, headers, bytes, text: () => knownText(place, bytes, what) };
}

type Received = Pick<ApiAnswer, "status" | "headers" | "bytes">;

/** Without a stream and a signal for each call, which cost more than to read some hundred bytes. */
function receive(what: string, { withinMs, closing, dispatcher }: Route, call: Dispatcher.DispatchOptions) {
  return new Promise<Received>((resolve, reject) => {
    const arrived = new ArrivedBytes();
    let [status, headers]: [number, Received["headers"]] = [0, {}];
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
        arrived.add(part);
        if (arrived.length > largestAnswer.bytes)
          end(answerTooLarge(`${what} answers with more than ${largestAnswer.bytes} bytes`));
      },
      onResponseEnd: () => {
        settled();
        resolve({ status, headers, bytes: arrived.whole() });
      },
      onResponseError: (_, error) => {
        settled();
        end(error);
      },
    });
  });
}

const knownAnswers = new Map<string, { readonly bytes: Buffer; readonly text: string }>();
const largeAnswer = 16 * 1024;
const maxKnown = 16;

/** The text of an answer that stays the same to the byte is made once. @throws AccessError */
function knownText(place: string, bytes: Buffer, what: string): string {
  const known = knownAnswers.get(place);
  if (known?.bytes.equals(bytes)) return known.text;
  knownAnswers.delete(place);
  const text = textWithin(bytes, largestAnswer, what);
  if (bytes.length >= largeAnswer) putNewest(knownAnswers, place, { bytes, text }, maxKnown);
  return text;
}
