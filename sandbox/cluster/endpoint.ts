import { Faults } from "../faults.ts";
import { type SandboxRequest, type SandboxRoute, startSandboxServer } from "../http-server.ts";
import type { ClusterCertificates } from "./certificate.ts";
import type { SandboxCluster, SandboxClusterOptions } from "./sandbox-cluster.ts";

/** What a client of a cluster is given: its address and its certificate authority. */
export type Endpoint = Pick<SandboxCluster, "endpoint" | "certificateAuthority" | "faults" | "stop">;

/** As the API server's own (kubernetes, secure_serving.go). */
const idleMs = 90_000;

/** Starts the HTTPS server that a cluster's clients see, with its faults and the telling of its calls. */
export async function startEndpoint(
  options: SandboxClusterOptions,
  certificates: ClusterCertificates,
  route: (request: SandboxRequest) => SandboxRoute,
): Promise<Endpoint> {
  const { name: cluster, faults = new Faults(), port = 0 } = options;
  const onCall = (call: string, status: number, milliseconds: number, by?: string) =>
    options.onCall?.({ cluster, call, status, milliseconds, by });
  const { url, stop } = await startSandboxServer({
    ...{ faults, port, tls: certificates, idleMs, route, onCall },
    ...(options.host ? { host: options.host } : {}),
  });
  return { endpoint: url, certificateAuthority: Buffer.from(certificates.authority).toString("base64"), faults, stop };
}
