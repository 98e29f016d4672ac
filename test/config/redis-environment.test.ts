import { expect, test } from "vitest";
import { readRedisEnvironment } from "../../src/config/environment.ts";

function read(env: Readonly<Record<string, string>>) {
  const problems: string[] = [];
  return { ...readRedisEnvironment(env, problems), problems };
}

test("by default Redis is on this machine, without a user", () => {
  expect(read({})).toEqual({ redisUrl: "redis://localhost:6379", redisAccess: {}, problems: [] });
});

test("secrets can stay out of the address", () => {
  const env = {
    REDIS_URL: "rediss+sentinel://a,b/mymaster",
    REDIS_USERNAME: "eks-access",
    REDIS_PASSWORD: "hunter2secret",
    REDIS_SENTINEL_USERNAME: "watcher",
    REDIS_SENTINEL_PASSWORD: "hunter3secret",
    REDIS_CA_FILE: "/etc/ca.pem",
    REDIS_CERT_FILE: "/etc/cert.pem",
    REDIS_KEY_FILE: "/etc/key.pem",
  };

  expect(read(env)).toEqual({
    redisUrl: "rediss+sentinel://a,b/mymaster",
    redisAccess: {
      username: "eks-access",
      password: "hunter2secret",
      sentinelUsername: "watcher",
      sentinelPassword: "hunter3secret",
      caFile: "/etc/ca.pem",
      certFile: "/etc/cert.pem",
      keyFile: "/etc/key.pem",
    },
    problems: [],
  });
});

test("the same password in both places is no mistake", () => {
  const { problems } = read({ REDIS_URL: "redis://:hunter2secret@redis", REDIS_PASSWORD: "hunter2secret" });

  expect(problems).toEqual([]);
});

test.each<[string, Readonly<Record<string, string>>, string]>([
  [
    "two users",
    { REDIS_URL: "redis://one:hunter2secret@redis", REDIS_USERNAME: "other" },
    "REDIS_USERNAME: REDIS_URL has another value. Remove one of them.",
  ],
  [
    "two passwords",
    { REDIS_URL: "redis://:hunter2secret@redis", REDIS_PASSWORD: "hunter2secret too" },
    "REDIS_PASSWORD: REDIS_URL has another value. Remove one of them.",
  ],
  [
    "an authority without TLS",
    { REDIS_URL: "redis://:hunter2secret@redis", REDIS_CA_FILE: "ca.pem" },
    "REDIS_CA_FILE: use rediss://… in REDIS_URL, or remove it.",
  ],
  [
    "a certificate without its key",
    { REDIS_URL: "rediss://:hunter2secret@redis", REDIS_CERT_FILE: "cert.pem" },
    "REDIS_CERT_FILE, REDIS_KEY_FILE: use both or neither.",
  ],
  [
    "a password for Sentinels that are not there",
    { REDIS_URL: "redis://redis", REDIS_SENTINEL_PASSWORD: "hunter2secret" },
    "REDIS_SENTINEL_PASSWORD: use redis+sentinel://… in REDIS_URL, or remove it.",
  ],
  [
    "Sentinels without the master's name",
    { REDIS_URL: "redis+sentinel://:hunter2secret@a:26379" },
    "REDIS_URL: correct its end: redis://user:password@host:6379/0, redis+sentinel://host:26379,host:26379/master?db=0 or redis+cluster://host:6379,host:6379, with rediss for TLS. Percent-encode user and password.",
  ],
])("%s is one problem with its remedy, and nothing of a secret", (_, env, problem) => {
  const { problems } = read(env);

  expect(problems).toEqual([problem]);
  expect(problems.join()).not.toContain("hunter2secret");
});

test("a wrong address hides no other mistake", () => {
  expect(read({ REDIS_URL: "http://redis", REDIS_KEY_FILE: "key.pem" }).problems).toEqual([
    expect.stringMatching(/^REDIS_URL: /),
    "REDIS_CERT_FILE, REDIS_KEY_FILE: use both or neither.",
  ]);
});
