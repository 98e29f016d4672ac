import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { issueCertificates } from "../../../sandbox/cluster/certificate.ts";
import { freePort } from "../../../sandbox/free-port.ts";
import { asAdministrator } from "./a-ledger-on.ts";
import { type AServer, aServer } from "./a-server.ts";

/** A server that answers on two ports: with TLS for us, without for its administrator. */
export interface ATlsServer {
  readonly server: AServer;
  readonly url: string;
  /** PEM of the authority that nobody but us knows. */
  readonly caFile: string;
  /** Where a client proves itself: a certificate that the server trusts, and its key. */
  readonly certFile: string;
  readonly keyFile: string;
}

export interface TlsSettings {
  /** Whether the server asks its clients for a certificate. */
  readonly asksClients?: boolean;
  readonly sentinel?: boolean;
}

export async function aTlsServer(more: readonly string[] = [], settings: TlsSettings = {}): Promise<ATlsServer> {
  const { asksClients = false, sentinel = false } = settings;
  const port = await freePort();
  let files = { caFile: "", certFile: "", keyFile: "" };
  const server = await aServer(
    async (folder) => {
      const ours = await writeCertificates(folder, "server");
      const theirs = await writeCertificates(folder, "client");
      files = { ...theirs, caFile: ours.caFile };
      return [
        ...[`tls-port ${port}`, `tls-auth-clients ${asksClients ? "yes" : "no"}`],
        ...[`tls-cert-file ${ours.certFile}`, `tls-key-file ${ours.keyFile}`, `tls-ca-cert-file ${theirs.caFile}`],
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

/** A Redis Cluster of one node, by a name. It is whole some moments after this resolves. */
export async function aTlsCluster(more: readonly string[] = []): Promise<ATlsServer> {
  const busPort = await freePort();
  const cluster = ["cluster-enabled yes", `cluster-port ${busPort}`, "cluster-announce-ip 127.0.0.1"];
  const one = await aTlsServer([...cluster, ...more]);
  await asAdministrator(one.server.url, (redis) => redis.cluster("ADDSLOTSRANGE", 0, 16_383));
  return { ...one, url: one.url.replace("rediss://127.0.0.1", "rediss+cluster://localhost") };
}
