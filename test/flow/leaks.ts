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
  return places.flatMap(({ name, text }) => {
    const found = secrets.filter((secret) => spellings(secret).some((spelling) => text.includes(spelling)));
    const patterns = alwaysSecret.filter((pattern) => pattern.test(text));
    return found.length + patterns.length > 0 ? [`${name} holds a secret`] : [];
  });
}

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
