export interface RedisNode {
  readonly host: string;
  readonly port: number;
}

/** The servers of REDIS_URL: one server, the Sentinels that know the master, or some nodes of a Redis Cluster. */
export interface RedisAddress {
  readonly kind: "server" | "sentinel" | "cluster";
  /** For the servers and the Sentinels. */
  readonly tls: boolean;
  readonly nodes: readonly RedisNode[];
  /** The Sentinels' name for the master; empty for the other kinds. */
  readonly master: string;
  readonly database: number;
  readonly username: string | undefined;
  readonly password: string | undefined;
}

export type RedisUrlReading =
  | { readonly type: "address"; readonly address: RedisAddress }
  /** A sentence to follow a colon, without any part of the URL that could be a secret. */
  | { readonly type: "invalid"; readonly problem: string };

const kinds = { "": "server", "+sentinel": "sentinel", "+cluster": "cluster" } as const;
const usualPorts = { server: 6379, sentinel: 26379, cluster: 6379 } as const;

/** WHATWG's parser accepts no URL with several hosts, so this reads it. */
const shape =
  /^(?<secure>rediss?)(?<form>\+sentinel|\+cluster)?:\/\/(?:(?<user>[^@/]*)@)?(?<hosts>[^@/?#]+)(?:\/(?<path>[^?#@]*))?(?:\?(?<query>[^#]*))?$/;

const forms =
  "use redis://host:6379, redis+sentinel://host:26379,host:26379/master or redis+cluster://host:6379,host:6379, and rediss for TLS. Percent-encode user name and password.";

/** `redis[s]://[user:password@]host[:port][/db]`, `redis[s]+sentinel://…,…/master[?db=db]`, `redis[s]+cluster://…,…`. */
export function readRedisUrl(url: string): RedisUrlReading {
  const parts = shape.exec(url)?.groups;
  if (!parts) return invalid(forms);
  const kind = kinds[(parts.form ?? "") as keyof typeof kinds];
  const [username, password] = readUser(parts.user ?? "");
  if (username === null || password === null) {
    return invalid("use %25 for a % in user name or password.");
  }
  const nodes = (parts.hosts ?? "").split(",").map((host) => readNode(host, usualPorts[kind]));
  if (kind === "server" && nodes.length > 1) {
    return invalid("use redis+sentinel:// or redis+cluster:// for several hosts.");
  }
  const rest = readRest(kind, parts.path ?? "", parts.query ?? "");
  if (typeof rest === "string") return invalid(rest);
  const known = nodes.filter((node) => node !== null);
  if (known.length < nodes.length) return invalid("use host:port, with an IPv6 address in brackets.");
  const credentials = { username: username || undefined, password: password || undefined };
  return {
    type: "address",
    address: { kind, tls: parts.secure === "rediss", nodes: known, ...rest, ...credentials },
  };
}

/** The address for people: without user and password. */
export function addressInWords({ kind, tls, nodes, master, database }: RedisAddress): string {
  const scheme = `${tls ? "rediss" : "redis"}${kind === "server" ? "" : `+${kind}`}`;
  const hosts = nodes.map(({ host, port }) => `${host.includes(":") ? `[${host}]` : host}:${port}`).join(",");
  if (kind === "cluster") return `${scheme}://${hosts}`;
  return kind === "server"
    ? `${scheme}://${hosts}/${database}`
    : `${scheme}://${hosts}/${master}${database ? `?db=${database}` : ""}`;
}

function invalid(problem: string): RedisUrlReading {
  return { type: "invalid", problem };
}

/** Null: it is not percent-encoded. A password can have colons. */
function readUser(text: string): readonly (string | null)[] {
  const [user = "", ...password] = text.split(":");
  return [decode(user), decode(password.join(":"))];
}

function decode(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}

function readNode(text: string, usualPort: number): RedisNode | null {
  const parts = /^(?:\[(?<v6>[\da-fA-F:.]+)\]|(?<host>[\w.-]+))(?::(?<port>\d{1,5}))?$/.exec(text)?.groups;
  const host = parts?.v6 ?? parts?.host;
  const port = Number(parts?.port ?? usualPort);
  return host === undefined || port < 1 || port > 65_535 ? null : { host, port };
}

/** What follows the hosts, or the mistake in it. */
function readRest(
  kind: RedisAddress["kind"],
  path: string,
  query: string,
): Pick<RedisAddress, "master" | "database"> | string {
  const { db, ...others } = Object.fromEntries(new URLSearchParams(query));
  const [stranger] = Object.keys(others);
  if (stranger !== undefined) return "remove all parameters except db.";
  if (kind === "cluster" && (path !== "" || (db ?? "0") !== "0")) {
    return "remove what follows the hosts.";
  }
  const master = kind === "sentinel" ? path : "";
  if (kind === "sentinel" && !/^[\w.-]+$/.test(master)) {
    return "use redis+sentinel://host:26379/master.";
  }
  const number = db ?? (kind === "server" && path !== "" ? path : "0");
  if (!/^\d{1,5}$/.test(number)) return "use a number for the database: redis://host:6379/0.";
  return { master, database: Number(number) };
}
