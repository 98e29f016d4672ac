import { broken, type Finding, found, named, notAsked } from "../../diagnosis/link.ts";

/** What a ledger needs of Redis, read from the text of `INFO`: each is what keeps an acknowledged decision. */
export function examineRedis(info: string): readonly Finding[] {
  const fields = new Map(
    info.split("\r\n").flatMap((line): [string, string][] => {
      const [name = "", ...value] = line.split(":");
      return value.length > 0 ? [[name, value.join(":")]] : [];
    }),
  );
  return [examineVersion(fields), examinePersistence(fields), examineEviction(fields)];
}

function examineVersion(fields: ReadonlyMap<string, string>): Finding {
  const version = fields.get("valkey_version") ?? fields.get("redis_version");
  if (!version) return notAsked("Redis did not tell its version", "Let its user run INFO.");
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major > 6 || (major === 6 && minor >= 2)
    ? found(`version ${named(version)}`)
    : broken(`version ${named(version)} is too old`, "Use Redis 6.2 or newer, or Valkey.");
}

function examinePersistence(fields: ReadonlyMap<string, string>): Finding {
  const isOn = fields.get("aof_enabled");
  if (isOn === undefined) return notAsked("Redis did not tell how it persists", "Let its user run INFO.");
  return isOn === "1"
    ? found("it writes an append-only file")
    : broken(
        "it writes no append-only file, so that a restart forgets what was acknowledged",
        "Set appendonly yes and appendfsync always.",
      );
}

function examineEviction(fields: ReadonlyMap<string, string>): Finding {
  const policy = fields.get("maxmemory_policy");
  if (policy === undefined) return notAsked("Redis did not tell what it evicts", "Let its user run INFO.");
  return policy === "noeviction"
    ? found("it evicts nothing")
    : broken(`it may evict leases when its memory is full (${named(policy)})`, "Set maxmemory-policy noeviction.");
}

/** `appendfsync` is no part of INFO, and not every user may ask for it. */
export function examineFsync(setting: string | null): Finding {
  if (setting === null)
    return notAsked("Redis did not tell when it writes to the disk", "See that appendfsync is always.");
  return setting === "always"
    ? found("each write is on the disk before it is acknowledged")
    : broken(
        `a power cut forgets up to a second of decisions (appendfsync ${named(setting)})`,
        "Set appendfsync always.",
      );
}
