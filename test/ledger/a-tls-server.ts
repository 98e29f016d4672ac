import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { issueCertificates } from "../../sandbox/cluster/certificate.ts";
import { freePort } from "../../sandbox/product-process.ts";
import { type ACluster, aCluster } from "./a-cluster.ts";
import { type AServer, aServer } from "./a-server.ts";

/** A server that answers on two ports: with TLS for us, without for its administrator. */
export interface ATlsServer {
  readonly server: AServer;
  readonly url: string;
  /** PEM of our own authority. */
  readonly caFile: string;
  /** Where a client proves itself: a certificate that the server trusts, and its key. */
  readonly certFile: string;
  readonly keyFile: string;
}

export interface TlsSettings {
  /** Whether the server asks its clients for a certificate. */
  readonly asksClients?: boolean;
  readonly sentinel?: boolean;
  /** Its certificate, if it shares one; absent: one of its own. */
  readonly files?: CertificateFiles;
}

type CertificateFiles = Awaited<ReturnType<typeof writeCertificates>>;

export async function aTlsServer(more: readonly string[] = [], settings: TlsSettings = {}): Promise<ATlsServer> {
  const { asksClients = false, sentinel = false, files: shared } = settings;
  const port = await freePort();
  let files = { caFile: "", certFile: "", keyFile: "" };
  const server = await aServer(
    async (folder) => {
      const ours = shared ?? (await writeCertificates(folder, "server"));
      const theirs = await writeCertificates(folder, "client");
      files = { ...theirs, caFile: ours.caFile };
      return [
        ...[`tls-port ${port}`, `tls-auth-clients ${asksClients ? "yes" : "no"}`],
        ...[
          `tls-cert-file "${ours.certFile}"`,
          `tls-key-file "${ours.keyFile}"`,
          `tls-ca-cert-file "${theirs.caFile}"`,
        ],
        ...more,
      ];
    },
    { sentinel },
  );
  return { server, url: `rediss://127.0.0.1:${port}`, ...files };
}

/** Writes an authority and a certificate of its own into files of these names. */
export async function writeCertificates(folder: string, purpose: "server" | "client", owner: string = purpose) {
  const { authority, cert, key } = issueCertificates(new Date(), purpose);
  const file = (name: string) => join(folder, `${owner}-${name}.pem`);
  const files = { caFile: file("ca"), certFile: file("cert"), keyFile: file("key") };
  await Promise.all([
    writeFile(files.caFile, authority),
    writeFile(files.certFile, cert),
    writeFile(files.keyFile, key),
  ]);
  return files;
}

/** A Redis Cluster of three nodes, by a name. */
export async function aTlsCluster(
  more: readonly string[] = [],
): Promise<ATlsServer & Pick<ACluster, "nodes" | "stop">> {
  // One authority for all of them.
  const shared = await mkdtemp(join(tmpdir(), "eks-access-cluster-"));
  const files = await writeCertificates(shared, "server");
  const cluster = await aCluster((lines) => aTlsServer([...lines, ...more], { files }));
  const stop = async () => {
    await cluster.stop();
    await rm(shared, { recursive: true, force: true });
  };
  const { nodes } = cluster;
  const { server, ...ours } = await cluster.nodeOfOurKeys();
  const ports = nodes.map(({ url }) => `localhost:${new URL(url).port}`);
  return {
    ...ours,
    server: { ...server, stop },
    nodes,
    stop,
    caFile: files.caFile,
    url: `rediss+cluster://${ports.join(",")}`,
  };
}
