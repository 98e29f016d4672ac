import { Redis } from "ioredis";
import type { Sandbox } from "../../sandbox/sandbox.ts";

/** What is a credential whoever it belongs to: a token for a cluster, a signed URL. */
const alwaysSecret = [/k8s-aws-v1\.(?!\[redacted\])[\w-]+/, /X-Amz-Signature=(?!\[redacted\])\w+/];

export interface Place {
  readonly name: string;
  readonly text: string;
}

/** Each place that holds a secret, in words that don't repeat it. */
export function leaksIn(places: readonly Place[], secrets: readonly string[]): readonly string[] {
  const holdsOne = searchFor(secrets.flatMap(spellings));
  const isLeak = (text: string) => holdsOne(text) || alwaysSecret.some((pattern) => pattern.test(text));
  return places.flatMap(({ name, text }) => (isLeak(text) ? [`${name} holds a secret`] : []));
}

/** Looks for all of them in one pass: a fleet's sessions have thousands of secrets, and one by one they take half a minute. */
function searchFor(wanted: readonly string[]): (text: string) => boolean {
  const length = Math.min(...wanted.map((each) => each.length));
  const byStart = new Map<string, Set<string>>();
  // Most places of a text begin none of them: two characters show it.
  const isFirst = new Uint8Array(0x1_0000);
  for (const each of wanted) {
    const start = each.slice(0, length);
    byStart.set(start, (byStart.get(start) ?? new Set()).add(each));
    isFirst[pairAt(each, 0)] = 1;
  }
  const isAt = (text: string, at: number) =>
    [...(byStart.get(text.slice(at, at + length)) ?? [])].some((each) => text.startsWith(each, at));
  return (text) => {
    for (let at = 0; at + length <= text.length; at += 1) if (isFirst[pairAt(text, at)] && isAt(text, at)) return true;
    return false;
  };
}

const pairAt = (text: string, at: number) => ((text.charCodeAt(at) << 8) ^ text.charCodeAt(at + 1)) & 0xffff;

/** As it is, in JSON, in a URL, in base64, and in hex. */
function spellings(secret: string): readonly string[] {
  const bytes = Buffer.from(secret);
  return [
    secret,
    JSON.stringify(secret).slice(1, -1),
    encodeURIComponent(secret),
    bytes.toString("base64").replace(/=+$/, ""),
    bytes.toString("base64url"),
    bytes.toString("hex"),
  ];
}

/** Where a secret could end up: what the processes said, all of Redis, all that people can read, and the cluster itself. */
export async function placesOf(sandbox: Sandbox, redisUrl: string, log: readonly string[]): Promise<readonly Place[]> {
  const { slack } = sandbox;
  const seen = slack.people.map(({ id }) => {
    const person = slack.person(id);
    return [person.ephemerals(), person.directMessages(), person.home(), person.view()];
  });
  const channels = slack.channels().map(({ id }) => slack.messages(id).map((each) => [each, slack.replies(each)]));
  return [
    { name: "The log", text: log.join("\n") },
    { name: "Slack", text: JSON.stringify([seen, channels]) },
    { name: "aws-auth", text: JSON.stringify([...sandbox.clusters.values()].map((each) => each.awsAuth())) },
    ...(await placesOfRedis(redisUrl)),
  ];
}

/** Each key with its value: records, events, jobs. */
async function placesOfRedis(url: string): Promise<readonly Place[]> {
  const redis = new Redis(url);
  try {
    const keys = await redis.keys("*");
    return await Promise.all(
      keys.map(async (key) => ({
        name: `Redis's ${key}`,
        text: `${key}\n${JSON.stringify(await storedValue(redis, key))}`,
      })),
    );
  } finally {
    redis.disconnect();
  }
}

async function storedValue(redis: Redis, key: string): Promise<unknown> {
  const type = await redis.type(key);
  if (type === "hash") return redis.hgetall(key);
  if (type === "list") return redis.lrange(key, 0, -1);
  if (type === "set") return redis.smembers(key);
  if (type === "zset") return redis.zrange(key, "0", "-1");
  if (type === "stream") return redis.xrange(key, "-", "+");
  return redis.get(key);
}
