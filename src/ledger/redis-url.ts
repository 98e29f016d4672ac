export type RedisNode = { readonly host: string; readonly port: number };

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
  /** No problem shows any part of the URL: it could be a secret. */
  | { readonly type: "invalid"; readonly problem: string };

const kinds = { "": "server", "+sentinel": "sentinel", "+cluster": "cluster" } as const;
const usualPorts = { server: 6379, sentinel: 26379, cluster: 6379 } as const;

/** WHATWG's parser accepts no URL with several hosts, so this reads it. */
const shape =
  /^(?<secure>rediss?)(?<form>\+sentinel|\+cluster)?:\/\/(?:(?<user>[^@/]*)@)?(?<hosts>[^@/?#]+)(?:\/(?<path>[^?#@]*))?(?:\?(?<query>[^#]*))?$/;

/** Which part is wrong, and the whole form, to follow a colon. */
const invalid = (part: string): RedisUrlReading => ({
  type: "invalid",
  problem: `correct its ${part}: redis://user:password@host:6379/0, redis+sentinel://host:26379,host:26379/master?db=0 or redis+cluster://host:6379,host:6379, with rediss for TLS. Percent-encode user and password.`,
});

/** `redis[s]://[user:password@]host[:port][/db]`, `redis[s]+sentinel://…,…/master[?db=db]`, `redis[s]+cluster://…,…`. */
export function readRedisUrl(url: string): RedisUrlReading {
  const parts = shape.exec(url)?.groups;
  if (!parts) return invalid("form");
  const kind = kinds[(parts.form ?? "") as keyof typeof kinds];
  const [username, password] = readUser(parts.user ?? "");
  if (username === null || password === null) return invalid("user or password");
  const nodes = (parts.hosts ?? "").split(",").map((host) => readNode(host, usualPorts[kind]));
  if (kind === "server" && nodes.length > 1) return invalid("scheme or hosts");
  const rest = readRest(kind, parts.path ?? "", parts.query ?? "");
  const known = nodes.filter((node) => node !== null);
  if (known.length < nodes.length) return invalid("host or port");
  if (!rest) return invalid("end");
  const credentials = { username: username || undefined, password: password || undefined };
  return { type: "address", address: { kind, tls: parts.secure === "rediss", nodes: known, ...rest, ...credentials } };
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

/** What follows the hosts. Null: it has a mistake. */
function readRest(
  kind: RedisAddress["kind"],
  path: string,
  query: string,
): Pick<RedisAddress, "master" | "database"> | null {
  const { db, ...others } = Object.fromEntries(new URLSearchParams(query));
  if (Object.keys(others).length > 0) return null;
  if (kind === "cluster" && (path !== "" || (db ?? "0") !== "0")) return null;
  const master = kind === "sentinel" ? path : "";
  if (kind === "sentinel" && !/^[\w.-]+$/.test(master)) return null;
  const number = db ?? (kind === "server" && path !== "" ? path : "0");
  return /^\d{1,5}$/.test(number) ? { master, database: Number(number) } : null;
}
