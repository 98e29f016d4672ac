import { type Configuration, createConfiguration, ServerConfiguration } from "@kubernetes/client-node";
import { Agent } from "undici";
import type { RequestIds } from "../audit/request-ids.ts";
import { directHttp } from "./direct-http.ts";
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
  /** Ids of requests, for the API server's audit log. */
  readonly requests?: readonly string[];
  /** Gets the ids under which the API server's audit log has our writes; absent where nobody records them. */
  readonly auditIds?: RequestIds | undefined;
}

/** What the generated API clients are made with, over sockets that are shared and closed together. */
export interface Connection {
  readonly configuration: Configuration;
  close(): void;
}

/**
 * Opens nothing yet: sockets come with the first call. KubeConfig is left aside because it makes a new agent, and so a
 * new TLS connection that nobody closes, for each call (client-node 2.0, config.ts); and no call of the client has
 * a time-out of its own.
 */
export function createConnection(cluster: ClusterEndpoint, timeoutMs: number): Connection {
  const ca = Buffer.from(cluster.certificateAuthority, "base64").toString("utf8");
  const userAgent = userAgentFor(cluster.requests ?? []);
  const agent = new Agent({ connect: { ca, timeout: Math.min(timeoutMs, 5_000) }, connections: 4 });
  const configuration = createConfiguration({
    baseServer: new ServerConfiguration(cluster.endpoint, {}),
    authMethods: {
      default: {
        getName: () => "bearer token",
        applySecurityAuthentication: (request) => {
          request.setHeaderParam("Authorization", `Bearer ${cluster.token}`);
          request.setHeaderParam("User-Agent", userAgent);
          request.setDispatcher(agent);
          request.setSignal(AbortSignal.timeout(timeoutMs));
        },
      },
    },
  });
  return {
    configuration: { ...configuration, httpApi: observedHttp(directHttp, cluster.auditIds) },
    close: () => void agent.destroy(),
  };
}
