import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { issueCertificates } from "../../src/sandbox/cluster/certificate.ts";
import { freePort } from "../../src/sandbox/free-port.ts";
import { asAdministrator } from "./a-ledger-on.ts";
import { type AServer, aServer } from "./a-server.ts";

/** A server that answers on two ports: with TLS for us, without for its administrator. */
export interface ATlsServer {
  readonly server: AServer;
  readonly url: string;
  /** PEM of the authority that nobody but us knows. */
  readonly caFile: string;
}

export async function aTlsServer(more: readonly string[] = []): Promise<ATlsServer> {
  const port = await freePort();
  const { authority, cert, key } = issueCertificates(new Date());
  let caFile = "";
  const server = await aServer(async (folder) => {
    caFile = join(folder, "ca.pem");
    const [certFile, keyFile] = [join(folder, "cert.pem"), join(folder, "key.pem")];
    await Promise.all([writeFile(caFile, authority), writeFile(certFile, cert), writeFile(keyFile, key)]);
    const files = [`tls-cert-file ${certFile}`, `tls-key-file ${keyFile}`, `tls-ca-cert-file ${caFile}`];
    return [`tls-port ${port}`, "tls-auth-clients no", ...files, ...more];
  });
  return { server, url: `rediss://127.0.0.1:${port}`, caFile };
}

/** A Redis Cluster of one node, by a name. It is whole some moments after this resolves. */
export async function aTlsCluster(more: readonly string[] = []): Promise<ATlsServer> {
  const busPort = await freePort();
  const cluster = ["cluster-enabled yes", `cluster-port ${busPort}`, "cluster-announce-ip 127.0.0.1"];
  const one = await aTlsServer([...cluster, ...more]);
  await asAdministrator(one.server.url, (redis) => redis.cluster("ADDSLOTSRANGE", 0, 16_383));
  return { ...one, url: one.url.replace("rediss://127.0.0.1", "rediss+cluster://localhost") };
}
