import type { RedisAccess } from "../ledger/redis/client.ts";
import { readRedisUrl } from "../ledger/redis/redis-url.ts";

/** Where Redis is, and as whom. `url` may hold a password: it is not for a log or a message. */
export interface RedisEnvironment {
  readonly redisUrl: string;
  readonly redisAccess: RedisAccess;
}

/** Reads REDIS_… of the environment; adds each problem as a sentence without anything secret. */
export function readRedisEnvironment(
  env: Readonly<Record<string, string | undefined>>,
  problems: string[],
): RedisEnvironment {
  const redisUrl = env.REDIS_URL || "redis://localhost:6379";
  const redisAccess = {
    username: env.REDIS_USERNAME || undefined,
    password: env.REDIS_PASSWORD || undefined,
    sentinelUsername: env.REDIS_SENTINEL_USERNAME || undefined,
    sentinelPassword: env.REDIS_SENTINEL_PASSWORD || undefined,
    caFile: env.REDIS_CA_FILE || undefined,
    certFile: env.REDIS_CERT_FILE || undefined,
    keyFile: env.REDIS_KEY_FILE || undefined,
  };
  problems.push(...problemsOf(redisUrl, redisAccess));
  return { redisUrl, redisAccess };
}

function problemsOf(redisUrl: string, access: RedisAccess): readonly string[] {
  const reading = readRedisUrl(redisUrl);
  if (reading.type === "invalid") return [`REDIS_URL: ${reading.problem}`];
  const { tls, kind, username, password } = reading.address;
  const rules: readonly (readonly [isBroken: boolean, problem: string])[] = [
    [differ(username, access.username), "REDIS_USERNAME: use one user; REDIS_URL names another."],
    [differ(password, access.password), "REDIS_PASSWORD: use one password; REDIS_URL holds another."],
    [!tls && Boolean(access.caFile), "REDIS_CA_FILE: use rediss in REDIS_URL with it; it is for TLS."],
    [!tls && Boolean(access.certFile), "REDIS_CERT_FILE: use rediss in REDIS_URL with it; it is for TLS."],
    [!access.certFile !== !access.keyFile, "REDIS_CERT_FILE, REDIS_KEY_FILE: set both or neither."],
    [
      kind !== "sentinel" && Boolean(access.sentinelPassword),
      "REDIS_SENTINEL_PASSWORD: use redis+sentinel://… in REDIS_URL with it.",
    ],
  ];
  return rules.filter(([isBroken]) => isBroken).map(([, problem]) => problem);
}

function differ(one: string | undefined, other: string | undefined): boolean {
  return one !== undefined && other !== undefined && one !== other;
}
