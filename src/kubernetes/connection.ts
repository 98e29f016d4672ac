import { setImmediate as nextTurn } from "node:timers/promises";
import {
  type Configuration,
  createConfiguration,
  type HttpLibrary,
  type RequestContext,
  ResponseContext,
  ServerConfiguration,
  wrapHttpLibrary,
} from "@kubernetes/client-node";
import { request as send } from "undici";
import type { RequestIds } from "../access/audit/request-ids.ts";
import { AccessError } from "../access/failure/access-error.ts";
import { boundedText } from "../access/failure/bounded-text.ts";
import { callWithinMs, deadlineSignal } from "../operations/time-limit.ts";
import { takeSockets } from "./cluster-sockets.ts";
import { observedHttp } from "./observed-http.ts";

/**
 * Bytes. Etcd keeps no object above 1.5 MiB, and of lists a page is asked for. The whole answer is parsed at once, in which time the
 * process does nothing else.
 */
const largestAnswer = 2 * 1024 * 1024;

/**
 * What the generated clients send with. Their own goes over `fetch`, which costs several times the processor time of the call.
 * A redirection is not followed: the token is for this cluster.
 */
const directHttp: HttpLibrary = wrapHttpLibrary({ send: sendDirectly });

/** When an API server last let an identity in, by its endpoint and the identity: as many as there are creators. */
const letIn = new Map<string, Date>();

/** Bytes of a token that every release of the authenticator takes (aws-iam-authenticator, pkg/token, maxTokenLenBytes; issue 1106). */
const largestToken = 4096;

/** How many characters of requests a header carries; the audit log of eks-access has them all. */
const longest = 200;

/** Where a cluster is and how to be let in. */
export interface ClusterEndpoint {
  /** The name that people know the cluster by; failures name it. */
  readonly name: string;
  /** `https://…` */
  readonly endpoint: string;
  /** PEM in base64, as EKS tells it: the only authority that is trusted. */
  readonly certificateAuthority: string;
  readonly token: string;
  /** The ARN whose token it is, where a 401 is to be explained by when it was let in before. */
  readonly as?: string | undefined;
  /** Ids of requests, for the API server's audit log. */
  readonly requests?: readonly string[];
  /** Gets the ids under which the API server's audit log has our writes; absent where nobody records them. */
  readonly auditIds?: RequestIds | undefined;
}

/** What the generated API clients are made with. */
export interface Connection {
  readonly configuration: Configuration;
  /** Ends the calls that run. */
  close(): void;
}

/**
 * Opens nothing yet: sockets come with the first call, or are there from a call before. KubeConfig is left aside because it
 * makes a new agent, and so a new TLS connection that nobody closes, for each call (client-node 2.0, config.ts); and no call
 * of the client has a time-out of its own.
 */
export function createConnection(cluster: ClusterEndpoint, timeoutMs?: number): Connection {
  const authority = Buffer.from(cluster.certificateAuthority, "base64").toString("utf8");
  const sockets = takeSockets(cluster.endpoint, authority);
  const userAgent = userAgentFor(cluster.requests ?? []);
  const closing = new AbortController();
  const configuration = createConfiguration({
    baseServer: new ServerConfiguration(cluster.endpoint, {}),
    authMethods: {
      default: {
        getName: () => "bearer token",
        applySecurityAuthentication: (request) => {
          request.setHeaderParam("Authorization", `Bearer ${cluster.token}`);
          request.setHeaderParam("User-Agent", userAgent);
          request.setDispatcher(sockets.dispatcher);
          const isWrite = request.getHttpMethod() === "PUT";
          const withinMs = timeoutMs ?? callWithinMs(isWrite ? "clusterWrite" : "clusterCall");
          const ends = [AbortSignal.timeout(withinMs), closing.signal, deadlineSignal() ?? closing.signal];
          request.setSignal(AbortSignal.any(ends));
        },
      },
    },
  });
  return {
    configuration: { ...configuration, httpApi: explained(observedHttp(directHttp, cluster.auditIds), cluster) },
    close: () => {
      closing.abort();
      sockets.release();
    },
  };
}

/** A 401 says why only where we know it. */
function explained(http: HttpLibrary, cluster: ClusterEndpoint): HttpLibrary {
  return tellLargeToken(tellWhoWasLetIn(http, cluster), cluster);
}

/**
 * What the API server's own audit log shows beside each call: us, and for which requests. A role's session name tells it too;
 * an IAM user that created a cluster has none.
 */
export function userAgentFor(requests: readonly string[]): string {
  // Of what may stand in a comment of the header (RFC 9110, 5.6.5), only what our ids are made of.
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

/**
 * Says of a 401 that the token is larger than the authenticator may take: the API server tells nobody why it let nobody in, and
 * who the token is for may be just who it should be. A newer release may take it, so it is sent all the same. The text of the
 * token holds the session's own token of STS, which may grow with what the session carries, its tags for example.
 */
function tellLargeToken(
  http: HttpLibrary,
  { name, token }: { readonly name: string; readonly token: string },
): HttpLibrary {
  const bytes = Buffer.byteLength(token);
  if (bytes <= largestToken) return http;
  return wrapHttpLibrary({
    send: async (request) => {
      const answer = await http.send(request).toPromise();
      // What stands between us and the API server answers in pages.
      const isOfApiServer = (answer.headers["content-type"] ?? "").includes("json");
      if (answer.httpStatusCode !== 401 || !isOfApiServer) return answer;
      const what = `The API server of cluster ${name} answered 401 to a token of ${bytes} bytes, of which its authenticator may take ${largestToken}`;
      throw new AccessError("cluster-token-too-large", what);
    },
  });
}

/**
 * Says of a 401 that the API server has let the same identity in before. It gives no reason for a 401, and answers so while its
 * authenticator is down as well: who was let in is who the configuration should name.
 *
 * @param as whose token it is; undefined: nothing is remembered
 */
function tellWhoWasLetIn(
  http: HttpLibrary,
  { name, endpoint, as }: { readonly name: string; readonly endpoint: string; readonly as?: string | undefined },
): HttpLibrary {
  if (as === undefined) return http;
  const key = `${endpoint} ${as}`;
  return wrapHttpLibrary({
    send: async (request) => {
      const answer = await http.send(request).toPromise();
      // What stands between us and the API server answers in pages.
      if (!(answer.headers["content-type"] ?? "").includes("json")) return answer;
      const before = letIn.get(key);
      if (answer.httpStatusCode < 400) letIn.set(key, new Date());
      if (answer.httpStatusCode !== 401 || !before) return answer;
      const what = `The API server of cluster ${name} answered 401 to ${as}, which it let in at ${before.toISOString()}`;
      throw new AccessError("cluster-unauthorized", what, {
        mend: "It is who it was: the cluster's authenticator may be down, or the access entry of that identity was deleted since.",
      });
    },
  });
}

async function sendDirectly(request: RequestContext): Promise<ResponseContext> {
  const dispatcher = request.getDispatcher();
  const signal = request.getSignal();
  // undici would take a socket for it, and throw that away.
  signal?.throwIfAborted();
  const { statusCode, headers, body } = await send(request.getUrl(), {
    method: request.getHttpMethod(),
    headers: request.getHeaders(),
    body: textIn(request),
    signal,
    ...(dispatcher && { dispatcher }),
  });
  const text = await boundedText(body, largestAnswer, `The API server at ${new URL(request.getUrl()).host}`);
  // Only then undici takes the socket for free: a call that follows at once would open another one.
  await nextTurn();
  const joined = Object.entries(headers).map(([name, value = ""]) => [name, [value].flat().join(", ")]);
  return new ResponseContext(statusCode, Object.fromEntries(joined), {
    text: async () => text,
    binary: async () => Buffer.from(text),
    stream: () => new Blob([text]).stream(),
  });
}

/** The API speaks JSON alone. */
function textIn(request: RequestContext): string | null {
  const body = request.getBody();
  if (body === undefined || typeof body === "string") return body ?? null;
  throw new TypeError("only text is sent to an API server");
}
