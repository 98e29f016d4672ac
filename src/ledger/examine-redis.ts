import { AccessError } from "../access/access-error.ts";
import { broken, type Finding, found, named, notAsked } from "../diagnosis/link.ts";
import { type RedisAddress, readRedisUrl } from "./redis-url.ts";
import { type TurnLedger, takeWrite } from "./turns.ts";

export interface RedisFacts {
  readonly url: string;
  /** The text of `INFO`; empty: its user can't run it. */
  readonly info: string;
  /** From `CONFIG`; null: unknown. */
  readonly fsync: string | null;
}

/** The settings of Redis that the ledger needs: each keeps acknowledged decisions. */
export function examineRedis({ url, info, fsync }: RedisFacts): readonly Finding[] {
  const reading = readRedisUrl(url);
  const address = reading.type === "address" ? reading.address : null;
  const service = address && serviceOf(address);
  const fields = new Map(
    info.split("\r\n").flatMap((line): [string, string][] => {
      const [name = "", ...value] = line.split(":");
      return value.length > 0 ? [[name, value.join(":")]] : [];
    }),
  );
  const isCluster = service ? services[service].isCluster : false;
  return [
    examineVersion(fields),
    ...(service ? [services[service].keeps] : [examinePersistence(fields), examineFsync(fsync)]),
    examineEviction(fields),
    ...examineForm(address, isCluster || fields.get("cluster_enabled") === "1"),
  ];
}

export async function examineWrites(ledger: Pick<TurnLedger, "takeTurn">): Promise<Finding> {
  try {
    await takeWrite(ledger);
    return found("it takes writes");
  } catch (error) {
    if (!(error instanceof AccessError)) throw error;
    return broken(error.what, error.remedy);
  }
}

const keepsDecisions = "it keeps each decision that it acknowledges";
const canLose = ["ElastiCache can lose requests", "Use MemoryDB, or nodes with --durability sync."] as const;
const setFsync = "Set appendonly yes and appendfsync always.";
const unsaid = notAsked("Redis does not say", "Let its user run INFO.");

/** A service of AWS. It takes no CONFIG and writes no append-only file (both developer guides, "Restricted commands"). */
type Service = "memorydb" | "elasticache" | "elasticache-serverless";

const services: Readonly<Record<Service, { readonly keeps: Finding; readonly isCluster: boolean }>> = {
  memorydb: { keeps: found(keepsDecisions), isCluster: true },
  elasticache: { keeps: notAsked(...canLose), isCluster: false },
  "elasticache-serverless": { keeps: broken(...canLose), isCluster: true },
};

/** By the name of its endpoint. Null: a Redis of your own. */
function serviceOf({ nodes: [first] }: RedisAddress): Service | null {
  const host = first?.host.toLowerCase() ?? "";
  if (/\.memorydb\.[a-z0-9-]+\.amazonaws\.com(?:\.cn)?$/.test(host)) return "memorydb";
  if (!/\.cache\.amazonaws\.com(?:\.cn)?$/.test(host)) return null;
  return host.includes(".serverless.") ? "elasticache-serverless" : "elasticache";
}

/** A cluster redirects most keys to another node, which only a client for clusters follows. */
function examineForm(address: RedisAddress | null, isCluster: boolean): readonly Finding[] {
  if (!isCluster || !address) return [];
  return address.kind === "cluster"
    ? [found("a cluster, and REDIS_URL says so")]
    : [
        broken(
          "it is a cluster, and REDIS_URL names one server",
          `Begin REDIS_URL with ${address.tls ? "rediss" : "redis"}+cluster://.`,
        ),
      ];
}

function examineVersion(fields: ReadonlyMap<string, string>): Finding {
  const version = fields.get("valkey_version") ?? fields.get("redis_version");
  if (!version) return unsaid;
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major > 6 || (major === 6 && minor >= 2)
    ? found(`version ${named(version)}`)
    : broken(`version ${named(version)} is too old`, "Use Redis 6.2 or newer, or Valkey.");
}

function examinePersistence(fields: ReadonlyMap<string, string>): Finding {
  const isOn = fields.get("aof_enabled");
  if (isOn === undefined) return unsaid;
  return isOn === "1"
    ? found("it writes an append-only file")
    : broken("it writes no append-only file, so a restart loses acknowledged requests", setFsync);
}

function examineEviction(fields: ReadonlyMap<string, string>): Finding {
  const policy = fields.get("maxmemory_policy");
  if (policy === undefined) return unsaid;
  return policy === "noeviction"
    ? found("it evicts nothing")
    : broken(`it may evict leases when its memory is full (${named(policy)})`, "Set maxmemory-policy noeviction.");
}

/** `appendfsync` is not in INFO, and some users can't read it. */
function examineFsync(setting: string | null): Finding {
  if (setting === null) return notAsked("Redis does not say", setFsync);
  return setting === "always"
    ? found(keepsDecisions)
    : broken(`a power cut loses up to a second of decisions (appendfsync ${named(setting)})`, setFsync);
}
