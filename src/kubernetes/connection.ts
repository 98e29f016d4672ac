import {
  type Configuration,
  createConfiguration,
  type HttpLibrary,
  ServerConfiguration,
} from "@kubernetes/client-node";
import type { RequestIds } from "../access/audit/request-ids.ts";
import { callWithinMs, deadlineSignal } from "../operations/time-limit.ts";
import { takeSockets } from "./cluster-sockets.ts";
import { directHttp } from "./direct-http.ts";
import { tellLargeToken } from "./large-token.ts";
import { tellWhoWasLetIn } from "./let-in.ts";
import { observedHttp } from "./observed-http.ts";
import { userAgentFor } from "./user-agent.ts";

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
