import { type ChildProcess, spawn } from "node:child_process";
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { ClusterCertificates } from "../../../../sandbox/cluster/certificate.ts";
import { freePort } from "../../../../sandbox/product-process.ts";
import { type ForwardTarget, forward, forwardTarget } from "./forward.ts";

/** A real kube-apiserver with an etcd of its own, on the loopback address. */
export interface RealApiServer {
  target: ForwardTarget;
  /** A bearer token of system:masters that the sandbox itself uses. */
  adminToken: string;
  stop(): Promise<void>;
}

export interface RealApiServerOptions {
  /** The folder with the programs `kube-apiserver` and `etcd`, as KUBEBUILDER_ASSETS names it. */
  assets: string;
  certificates: ClusterCertificates;
  /** Where the API server asks who a token belongs to, and what RBAC does not allow: webhooks for TokenReview and SubjectAccessReview. */
  hooks: { tokens: string; access: string };
  /** How long it believes an answer. */
  cacheMs: number;
}

/** Another process may take a port between its being found free and a program's listening on it. */
const attempts = 5;

/** Starts both programs and waits until the API server is ready. Fails with the end of their logs when they stop instead. */
export async function startRealApiServer(options: RealApiServerOptions): Promise<RealApiServer> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await startOnce(options);
    } catch (error) {
      if (attempt >= attempts || !String(error).includes("address already in use")) throw error;
    }
  }
}

async function startOnce(options: RealApiServerOptions): Promise<RealApiServer> {
  const folder = await mkdtemp(join(tmpdir(), "eks-access-apiserver-"));
  const adminToken = randomBytes(24).toString("hex");
  await writeFiles(folder, options, adminToken);
  const [client, peer, port] = [await freePort(), await freePort(), await freePort()];
  const etcd = run(options.assets, "etcd", etcdFlags(folder, client, peer), folder);
  const server = run(options.assets, "kube-apiserver", serverFlags(folder, client, port, options.cacheMs), folder);
  const target = forwardTarget(`https://127.0.0.1:${port}`, options.certificates.authority);
  const stop = async () => {
    target.agent.destroy();
    await Promise.all([kill(server), kill(etcd)]);
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await ready(target, adminToken, [etcd, server]);
  } catch (error) {
    const logs = await Promise.all(["etcd", "kube-apiserver"].map((program) => logOf(folder, program)));
    await stop();
    throw new Error(`the API server did not start: ${error}\n${logs.join("\n")}`, { cause: error });
  }
  return { target, adminToken, stop };
}

async function writeFiles(
  folder: string,
  { certificates, hooks }: RealApiServerOptions,
  adminToken: string,
): Promise<void> {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const files = {
    "tls.crt": certificates.cert,
    "tls.key": certificates.key,
    "service-account.key": privateKey.export({ type: "sec1", format: "pem" }).toString(),
    "tokens.csv": `${adminToken},sandbox-admin,sandbox-admin,"system:masters"\n`,
    "tokens.json": JSON.stringify(hookConfig(hooks.tokens)),
    "access.json": JSON.stringify(hookConfig(hooks.access)),
  };
  await Promise.all(Object.entries(files).map(([name, text]) => writeFile(join(folder, name), text, { mode: 0o600 })));
}

/** The configuration of a webhook for an API server: a kubeconfig. */
function hookConfig(server: string): object {
  return {
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "sandbox", cluster: { server } }],
    contexts: [{ name: "webhook", context: { cluster: "sandbox", user: "" } }],
    "current-context": "webhook",
  };
}

function etcdFlags(folder: string, client: number, peer: number): string[] {
  const [clientUrl, peerUrl] = [`http://127.0.0.1:${client}`, `http://127.0.0.1:${peer}`];
  return [
    `--data-dir=${join(folder, "etcd")}`,
    `--listen-client-urls=${clientUrl}`,
    `--advertise-client-urls=${clientUrl}`,
    `--listen-peer-urls=${peerUrl}`,
    `--initial-advertise-peer-urls=${peerUrl}`,
    `--initial-cluster=default=${peerUrl}`,
    "--unsafe-no-fsync",
  ];
}

function serverFlags(folder: string, etcd: number, port: number, cacheMs: number): string[] {
  const file = (name: string) => join(folder, name);
  return [
    `--etcd-servers=http://127.0.0.1:${etcd}`,
    "--bind-address=127.0.0.1",
    `--secure-port=${port}`,
    `--tls-cert-file=${file("tls.crt")}`,
    `--tls-private-key-file=${file("tls.key")}`,
    "--service-cluster-ip-range=10.100.0.0/24",
    "--service-account-issuer=https://sandbox.invalid",
    `--service-account-key-file=${file("service-account.key")}`,
    `--service-account-signing-key-file=${file("service-account.key")}`,
    "--authorization-mode=RBAC,Webhook",
    `--authorization-webhook-config-file=${file("access.json")}`,
    "--authorization-webhook-version=v1",
    // An access policy that was removed is not believed any longer: the sandbox has a delay of its own.
    "--authorization-webhook-cache-authorized-ttl=0s",
    "--authorization-webhook-cache-unauthorized-ttl=0s",
    `--token-auth-file=${file("tokens.csv")}`,
    `--authentication-token-webhook-config-file=${file("tokens.json")}`,
    "--authentication-token-webhook-version=v1",
    `--authentication-token-webhook-cache-ttl=${cacheMs}ms`,
    // Pods of the sandbox have no service account, and no controller makes one.
    "--disable-admission-plugins=ServiceAccount",
    // The loopback address can't be an endpoint of the service kubernetes.
    "--endpoint-reconciler-type=none",
  ];
}

interface Program {
  child: ChildProcess;
  /** Why it no longer runs, or never did; null while it runs. */
  end: Error | null;
}

function run(assets: string, name: string, flags: readonly string[], folder: string): Program {
  const log = `exec "$0" "$@" >"${join(folder, name)}.log" 2>&1`;
  const child = spawn("sh", ["-c", log, join(assets, name), ...flags], { stdio: "ignore" });
  const program: Program = { child, end: null };
  child.once("error", (error) => {
    program.end = error;
  });
  child.once("exit", (code, signal) => {
    program.end = new Error(`${name} ended with ${signal ?? `code ${code}`}`);
  });
  return program;
}

async function logOf(folder: string, program: string): Promise<string> {
  const log = await readFile(join(folder, `${program}.log`), "utf8").catch(() => "");
  return log.slice(-2000);
}

async function ready(target: ForwardTarget, token: string, programs: readonly Program[]): Promise<void> {
  const deadline = performance.now() + 60_000;
  const headers = { authorization: `Bearer ${token}` };
  const get = (pathAndQuery: string) =>
    forward(target, { method: "GET", headers, body: Buffer.alloc(0), pathAndQuery });
  // The namespace is made by a controller, a moment after the server calls itself ready.
  const paths = ["/readyz", "/api/v1/namespaces/kube-system", "/api/v1/namespaces/default"];
  for (;;) {
    const answers = await Promise.allSettled(paths.map(get));
    if (answers.every((answer) => answer.status === "fulfilled" && answer.value.status === 200)) return;
    for (const { end } of programs) if (end) throw end;
    if (performance.now() > deadline) throw new Error("not ready within a minute");
    await pause(100);
  }
}

/** Nothing of it is kept, so a graceful end is not needed. */
async function kill({ child, end }: Program): Promise<void> {
  if (end) return;
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGKILL");
  await ended;
}
