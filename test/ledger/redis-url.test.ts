import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { addressInWords, type RedisAddress, readRedisUrl } from "../../src/ledger/redis-url.ts";

const plain: RedisAddress = {
  kind: "server",
  tls: false,
  nodes: [{ host: "redis", port: 6379 }],
  master: "",
  database: 0,
  username: undefined,
  password: undefined,
};

describe("an address of Redis", () => {
  test.each<[string, Partial<RedisAddress>]>([
    ["redis://redis", {}],
    ["redis://redis/", {}],
    ["redis://redis:6380/3", { nodes: [{ host: "redis", port: 6380 }], database: 3 }],
    ["redis://redis?db=3", { database: 3 }],
    ["rediss://redis", { tls: true }],
    ["redis://[::1]:7000", { nodes: [{ host: "::1", port: 7000 }] }],
    ["redis://:secret@redis", { password: "secret" }],
    ["redis://worker@redis", { username: "worker" }],
    ["redis://worker:p%40ss%2Fw%3Ard:2@redis", { username: "worker", password: "p@ss/w:rd:2" }],
    [
      "redis+sentinel://a,b:26380/mymaster?db=2",
      {
        kind: "sentinel",
        master: "mymaster",
        database: 2,
        nodes: [
          { host: "a", port: 26379 },
          { host: "b", port: 26380 },
        ],
      },
    ],
    ["rediss+sentinel://redis:6379/m", { kind: "sentinel", tls: true, master: "m" }],
    [
      "redis+cluster://worker:secret@redis,10.0.0.2:7000",
      {
        kind: "cluster",
        username: "worker",
        password: "secret",
        nodes: [
          { host: "redis", port: 6379 },
          { host: "10.0.0.2", port: 7000 },
        ],
      },
    ],
    ["rediss+cluster://redis", { kind: "cluster", tls: true }],
  ])("%s is read", (url, difference) => {
    expect(readRedisUrl(url)).toEqual({ type: "address", address: { ...plain, ...difference } });
  });

  test.each([
    ["nothing", "", "form"],
    ["another scheme", "https://redis", "form"],
    ["a password with a slash as it is", "redis://:se/cret@redis", "form"],
    ["a percent sign as it is", "redis://:se%cret@redis", "user or password"],
    ["several hosts without saying what they are", "redis://a,b", "scheme or hosts"],
    ["a port that is none", "redis://redis:70000", "host or port"],
    ["a host that is none", "redis://re dis", "host or port"],
    ["a database by name", "redis://redis/main", "end"],
    ["an unknown parameter", "redis://redis?family=6", "end"],
    ["Sentinels without the master's name", "redis+sentinel://a:26379", "end"],
    ["a database in a Cluster", "redis+cluster://a/1", "end"],
    ["a database in a Cluster as a parameter", "redis+cluster://a?db=1", "end"],
  ])("with %s is refused, with the part that is wrong, and every form that is read", (_, url, part) => {
    const reading = readRedisUrl(url);
    const problem = reading.type === "invalid" ? reading.problem : "";

    expect(problem.startsWith(`correct its ${part}: `)).toBe(true);
    expect(problem).toMatch(/Percent-encode user and password\.$/);
    expect(problem.match(/redis\S*:\/\/[^\s,]+\S*[^\s,]/g)?.map((form) => readRedisUrl(form).type)).toEqual([
      "address",
      "address",
      "address",
    ]);
  });

  test("that is shown to people is one that reads the same, without user and password", () => {
    const host = fc.constantFrom("redis", "10.0.0.1", "redis-1.example.com", "::1");
    const node = fc.record({ host, port: fc.integer({ min: 1, max: 65_535 }) });
    const kind = fc.constantFrom("server", "sentinel", "cluster");
    const nodes = fc.array(node, { minLength: 1, maxLength: 3 });

    fc.assert(
      fc.property(kind, nodes, fc.nat(99), fc.boolean(), (which, several, database, tls) => {
        const address: RedisAddress = {
          ...plain,
          kind: which,
          tls,
          nodes: which === "server" ? several.slice(0, 1) : several,
          master: which === "sentinel" ? "mymaster" : "",
          database: which === "cluster" ? 0 : database,
        };
        const shown = addressInWords({ ...address, username: "worker", password: "hunter2secret" });

        expect(readRedisUrl(shown)).toEqual({ type: "address", address });
      }),
    );
  });

  test("never shows its password in a problem", () => {
    const garbage = fc.string({ unit: "grapheme-ascii", maxLength: 20 });

    fc.assert(
      fc.property(garbage, garbage, (before, after) => {
        const reading = readRedisUrl(`redis://${before}:hunter2secret@${after}`);

        expect(reading.type === "invalid" ? reading.problem : "").not.toContain("hunter2secret");
      }),
    );
  });
});
