import { Socket } from "node:net";
import { buildConnector, Pool } from "undici";
import { AccessError } from "../../access/access-error.ts";

type Connector = buildConnector.connector;

/** In milliseconds. A proxy that takes a connection and does not answer must not keep it. */
const answersWithinMs = 10_000;

export interface ProxySettings {
  /** Of an HTTP proxy; null: each connection is direct. It can hold a password. */
  readonly proxy: URL | null;
  /** Hosts that are reached directly, as curl reads NO_PROXY. */
  readonly noProxy: string;
}

/** As curl does: the names in small letters first. `HTTP_PROXY` does not count, because Slack speaks only HTTPS. */
export function proxySettings(env: Readonly<Record<string, string | undefined>>): ProxySettings {
  const address = env.https_proxy || env.HTTPS_PROXY;
  return { proxy: address ? new URL(address) : null, noProxy: env.no_proxy || env.NO_PROXY || "" };
}

/** Connections to HTTPS addresses, through the proxy's CONNECT: it sees the host's name, and no word that is sent. */
export function connectorThrough({ proxy, noProxy }: ProxySettings, options: buildConnector.BuildOptions): Connector {
  const connectTo = buildConnector(options);
  if (!proxy) return connectTo;
  const tunnels = new Pool(proxy.origin, { headersTimeout: answersWithinMs });
  const headers = credentialsOf(proxy);
  const tunnelTo = async (address: string) => {
    const { statusCode, socket } = await tunnels.connect({ path: address, headers });
    if (statusCode === 200 && socket instanceof Socket) return socket;
    socket.destroy();
    const what = `Can't reach Slack: the proxy ${proxy.host} answers ${statusCode}`;
    throw new AccessError("slack-unreachable", what, { remedy: "Correct HTTPS_PROXY or NO_PROXY." });
  };
  return (wanted, done) => {
    const { protocol, hostname, port } = wanted;
    const at = { hostname, port: port || "443" };
    if (protocol !== "https:" || isExcepted(noProxy, at)) return connectTo(wanted, done);
    tunnelTo(`${at.hostname}:${at.port}`).then(
      (httpSocket) => connectTo({ ...wanted, httpSocket }, done),
      (error: unknown) => done(error instanceof Error ? error : new Error(String(error)), null),
    );
  };
}

function credentialsOf({ username, password }: URL): Readonly<Record<string, string>> {
  if (username === "" && password === "") return {};
  const login = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { "proxy-authorization": `Basic ${Buffer.from(login).toString("base64")}` };
}

/** `example.com`, `.example.com` and `*.example.com` are the domain and what is in it; with `:443`, only that port of it. */
export function isExcepted(noProxy: string, { hostname, port }: Pick<URL, "hostname" | "port">): boolean {
  return noProxy.split(/[\s,]+/).some((entry) => {
    const [, name = "", only = port] = /^\*?\.?(.+?)(?::(\d+))?$/.exec(entry.toLowerCase()) ?? [];
    return entry === "*" || (name !== "" && only === port && `.${hostname.toLowerCase()}`.endsWith(`.${name}`));
  });
}
