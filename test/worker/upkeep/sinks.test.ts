import { createHmac } from "node:crypto";
import { openSync } from "node:fs";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { type SandboxAws, startSandboxAws } from "../../../sandbox/aws/account.ts";
import { jsonError } from "../../../sandbox/aws/refusal.ts";
import { Faults } from "../../../sandbox/faults.ts";
import { type SandboxRequest, type SandboxServer, startSandboxServer } from "../../../sandbox/http-server.ts";
import {
  type AuditEvent,
  type ChainedEvent,
  type Sink,
  sinkName,
  verifyChain,
} from "../../../src/access/audit-event.ts";
import { type AuditLog, redisAuditLog } from "../../../src/ledger/audit-log.ts";
import { connectRedis, type RedisConnection } from "../../../src/ledger/connect.ts";
import { redisLedger } from "../../../src/ledger/ledger.ts";
import { type Deadlines, usualDeadlines } from "../../../src/operations/deadlines.ts";
import { createLog, FailureLog, LogOutput } from "../../../src/operations/log.ts";
import { forgetOldEvents, startAuditKeeper } from "../../../src/worker/upkeep/keep-audit.ts";
import { auditSinks, deliver } from "../../../src/worker/upkeep/sinks.ts";
import { aRequest } from "../../builders/a-request.ts";
import { aChange } from "../../builders/an-event.ts";
import { keys } from "../../builders/keys.ts";
import { at } from "../../builders/times.ts";
import { aRedis, type TestRedis } from "../../redis.ts";

const account = "111122223333";
const bus = `arn:aws:events:eu-central-1:${account}:event-bus/audit`;
const s3 = {
  ...({ kind: "s3", bucket: "audit", region: "eu-central-1", account } as const),
  ...{ prefix: "eks-access/", lockSeconds: 86_400 },
};
const eventBridge = { kind: "eventbridge", busArn: bus } as const;
const webhook = () => ({ kind: "webhook", url: `${receiver.url}/audit` }) as const;
const secret = Buffer.alloc(32, 7);

let aws: SandboxAws;
let database: TestRedis;
let connection: RedisConnection;
let log: AuditLog;
let receiver: SandboxServer;
const faults = new Faults();
let received: SandboxRequest[] = [];

beforeAll(async () => {
  aws = await startSandboxAws({ account });
  const allow = ["s3:PutObject", "s3:PutObjectRetention", "s3:GetObject", "events:PutEvents", "sts:*"];
  const { arn } = aws.account.addRole({ name: "eks-access-worker", allow });
  const { accessKeyId, secretAccessKey, sessionToken } = aws.account.sessionFor(arn, "worker-pod");
  vi.stubEnv("AWS_ENDPOINT_URL", aws.url);
  vi.stubEnv("AWS_ACCESS_KEY_ID", accessKeyId);
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", secretAccessKey);
  vi.stubEnv("AWS_SESSION_TOKEN", sessionToken);
  const route = (request: SandboxRequest) => ({
    call: "webhook",
    answer: () => {
      received.push(request);
      return { status: 204 };
    },
  });
  receiver = await startSandboxServer({ faults, route });
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await Promise.all([aws.stop(), receiver.stop()]);
});

beforeEach(async () => {
  database = await aRedis();
  connection = await connectRedis(database.url);
  log = redisAuditLog(connection.redis);
  received = [];
  aws.auditPlaces.addBucket("audit", account);
  aws.auditPlaces.buses.set(bus, []);
});
afterEach(async () => {
  faults.clear();
  aws.faults.clear();
  await connection.close();
});

/** Appends events with the numbers from `from` on. */
async function events(from: number, to: number): Promise<void> {
  for (let number = from; number <= to; number += 1) {
    await redisLedger(connection.redis).commit(aChange(aRequest({ id: `r-${number}` })));
  }
}

async function deliverTo(...sinks: readonly Sink[]): Promise<void> {
  const places = { sinks, webhookSecret: secret, write: () => {}, now: () => at(0) };
  for (const sink of auditSinks(places)) await deliver(log, sink);
}

const objects = () => [...(aws.auditPlaces.buckets.get("audit")?.objects ?? [])];
/** The events in the bucket, in the order of its keys. */
const stored = () =>
  objects()
    .toSorted(([one], [other]) => one.localeCompare(other))
    .flatMap(([, { body }]) => body.trim().split("\n"))
    .map((line) => JSON.parse(line));

test("an event that the worker's log has no room for comes again", async () => {
  const full = new LogOutput(openSync("/dev/full", "w"), () => {});
  const arrived: number[] = [];
  const logSink = (write: (event: ChainedEvent) => void) => {
    const [sink] = auditSinks({ sinks: [{ kind: "log" }], webhookSecret: null, write, now: () => at(0) });
    return sink ?? expect.fail("no sink");
  };
  await events(1, 4);

  // It has room for two.
  const halted = deliver(
    log,
    logSink(() => full.write("-".repeat(600_000))),
  );
  await expect(halted).rejects.toThrow("no room");
  await deliver(
    log,
    logSink(({ sequence }) => void arrived.push(sequence)),
  );

  expect(arrived).toEqual([3, 4]);
});

/** Keeps the log with one sink, and says so in a log of errors. */
function aKeeper(sink: Sink, deadlines: Partial<Deadlines> = {}) {
  const lines: string[] = [];
  const workerLog = createLog("error", "worker", { write: (line: string) => void lines.push(line) });
  const failed: string[] = [];
  const failures = Object.assign(new FailureLog(workerLog), {
    failed: (_what: string, _about: object, error: unknown) => void failed.push(String(error)),
  });
  const keeper = startAuditKeeper({
    ...{ auditLog: log, ledger: redisLedger(connection.redis), keys, log: workerLog, failures, now: () => new Date() },
    settings: () => ({ channel: null, anchorEverySeconds: 60, keepSeconds: null, sinks: [sink] }),
    ...{ webhookSecret: secret, deadlines: { ...usualDeadlines, ...deadlines } },
  });
  return { lines, failed, stop: keeper.stop };
}

test("a worker whose own lines are few still logs each event", async () => {
  await events(1, 1);

  const { lines, stop } = aKeeper({ kind: "log" });
  await vi.waitFor(async () => expect(await log.delivered("log")).toBe(1));
  await stop();

  expect(lines.map((line) => JSON.parse(line).audit.sequence)).toEqual([1]);
});

test("a webhook has as long as the configuration gives it", async () => {
  await events(1, 1);
  faults.plan("webhook", { type: "hang" }, { times: 9 });

  const { failed, stop } = aKeeper(webhook(), { webhook: 50 });
  await vi.waitFor(() => expect(failed).toEqual([expect.stringContaining("can't be reached")]));
  await stop();

  expect(await log.delivered(sinkName(webhook()))).toBe(0);
});

test("Redis gets no token of a webhook's URL, and another URL gets the whole log", async () => {
  await events(1, 1);
  const sink = { ...webhook(), url: `${webhook().url}/a-token` };

  const { stop } = aKeeper(sink);
  await vi.waitFor(async () => expect(await log.delivered(sinkName(sink))).toBe(1));
  await stop();

  const keys = await connection.redis.keys("*");
  const sinks = await connection.redis.hkeys("{eks-access}:audit-delivered");
  expect(keys.filter((key) => key.includes("audit-webhook"))).toHaveLength(1);
  expect([...keys, ...sinks].join("\n")).not.toContain("a-token");
  expect(await log.delivered(sinkName(webhook()))).toBe(0);
});

describe("a bucket", () => {
  test("gets each event once, locked, and the chain holds over all objects", async () => {
    await events(1, 3);
    await deliverTo(s3);
    await events(4, 5);
    await deliverTo(s3);
    await deliverTo(s3);

    const chain = stored().map((event) => ({
      ...{ sequence: Number(event.sequence), event: event.data, previous: event.chainprevious, hash: event.chainhash },
    }));
    expect(chain.map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4, 5]);
    expect(verifyChain(chain)).toMatchObject({ type: "whole" });
    expect(objects().map(([key, { lockedUntil }]) => [key, lockedUntil])).toEqual([
      [expect.stringMatching(/^eks-access\/\d{4}\/\d\d\/\d\d\/000000000000001\.jsonl$/), "2026-03-02T09:00:00Z"],
      [expect.stringMatching(/000000000000004\.jsonl$/), "2026-03-02T09:00:00Z"],
    ]);
  });

  test("whose answer names no stored object lacks the events", async () => {
    await events(1, 1);
    aws.faults.plan("s3.PutObject", { type: "answer", status: 200, body: "" }, { times: 1 });

    await expect(deliverTo(s3)).rejects.toMatchObject({ code: "aws-unexpected" });
    await deliverTo(s3);

    expect(stored()).toHaveLength(1);
  });

  test("that is down for a day gets everything afterwards, each event once, and nothing is forgotten meanwhile", async () => {
    const kept = { channel: null, anchorEverySeconds: 60, keepSeconds: 3600, sinks: [s3] };
    for (let hour = 0; hour < 24; hour += 4) {
      await events(hour * 10 + 1, hour * 10 + 40);
      aws.faults.plan("s3.PutObject", { type: "answer", status: 403, body: "" }, { times: 1 });
      await expect(deliverTo(s3)).rejects.toThrow();
      expect(await forgetOldEvents(log, kept, keys.preview, at((hour + 2) * 3600))).toBeNull();
    }

    await deliverTo(s3);
    await deliverTo(s3);

    const numbers = stored().map(({ sequence }) => Number(sequence));
    expect(numbers).toEqual(Array.from({ length: 240 }, (_, index) => index + 1));
  });

  test("gets no event twice from a worker that died after it stored a batch, also with newer events since", async () => {
    await events(1, 2);
    const dying = { ...log, markDelivered: () => Promise.reject(new Error("killed")) };
    const places = { sinks: [s3], webhookSecret: null, write: () => {}, now: () => at(0) };
    for (const sink of auditSinks(places)) await expect(deliver(dying, sink)).rejects.toThrow("killed");
    await events(3, 4);

    await deliverTo(s3);

    expect(stored().map(({ sequence }) => Number(sequence))).toEqual([1, 2, 3, 4]);
  });

  test("that holds another log's events is never taken for ours: they get another prefix", async () => {
    await events(1, 1);
    await deliverTo(s3);
    await connection.redis.flushdb();
    await events(7, 7);

    await expect(deliverTo(s3)).rejects.toMatchObject({ code: "audit-sink-differs" });
    await deliverTo({ ...s3, prefix: "restored/" });

    expect(objects()).toHaveLength(2);
  });

  test("without Object Lock, or of another account, gets nothing where a lock is configured", async () => {
    await events(1, 1);
    const bucket = aws.auditPlaces.addBucket("audit", account, false);

    await expect(deliverTo(s3)).rejects.toMatchObject({ code: "aws-request-refused" });
    aws.auditPlaces.addBucket("audit", "444455556666");
    await expect(deliverTo(s3)).rejects.toMatchObject({ code: "aws-access-denied" });

    expect([bucket.objects.size, objects()]).toEqual([0, []]);
  });

  test("takes a role of its own first, and only its own rights", async () => {
    await events(1, 1);
    const writer = { name: "audit-writer", allow: ["s3:PutObject", "s3:PutObjectRetention"] };
    const { arn: roleArn } = aws.account.addRole({
      ...writer,
      trust: { principals: [`arn:aws:iam::${account}:role/eks-access-worker`], externalId: "eks-access-7f3d" },
    });

    await deliverTo({ ...s3, roleArn, externalId: "eks-access-7f3d" });

    expect(stored()).toHaveLength(1);
    expect(aws.calls.findLast(({ call }) => call === "s3.PutObject")?.by).toContain(":assumed-role/audit-writer/");
  });
});

describe("an event bus", () => {
  test("gets each event once, ten at most in a call, and after a refusal those that it lacks", async () => {
    await events(1, 12);
    const throttled = { ...jsonError("ThrottlingException", "Rate exceeded"), type: "answer" } as const;
    aws.faults.plan("events.PutEvents", throttled, { times: 3 });
    await expect(deliverTo(eventBridge)).rejects.toMatchObject({ code: "aws-throttled" });

    await deliverTo(eventBridge);

    const details = (aws.auditPlaces.buses.get(bus) ?? []).map(({ detail }) => detail as { sequence: string });
    expect(details.map(({ sequence }) => Number(sequence))).toEqual(
      Array.from({ length: 12 }, (_, index) => index + 1),
    );
  });

  test("gets what it takes of events that are too large, with a mark, and all others whole", async () => {
    const { event } = aChange(aRequest());
    for (const bytes of [200_000, 100_000, 300_000, 10])
      await redisLedger(connection.redis).append({ ...event, detail: { why: "x".repeat(bytes) } });
    for (const long of [{ actor: "x".repeat(300_000) }, { at: `2026-01-01T00:00:00.${"0".repeat(300_000)}Z` }])
      await redisLedger(connection.redis).append({ ...event, ...long });

    await deliverTo(eventBridge);

    const arrived = (aws.auditPlaces.buses.get(bus) ?? []).map(({ detail }) => detail as { data: AuditEvent });
    const whyOf = ({ data }: { data: AuditEvent }) => String(data.detail.why ?? "").length;
    expect(arrived.map(whyOf)).toEqual([200_000, 100_000, 0, 10, 0, 0]);
    expect(arrived[2]?.data).toMatchObject({ actor: "U0ENGINEER", request: "r-1", detail: { tooLarge: 300_167 } });
    expect(arrived[4]?.data.actor).toBe("x".repeat(300));
  });

  test("takes an event with chain values without end", async () => {
    await events(1, 2);
    const long = "f".repeat(300_000);
    await connection.redis.del("{eks-access}:events");
    const { event } = aChange(aRequest());
    const fields = ["event", JSON.stringify(event), "previous", long, "hash", long, "erased", long];
    await connection.redis.xadd("{eks-access}:events", "3-0", ...fields);

    await deliverTo(s3, eventBridge);

    expect([aws.auditPlaces.buses.get(bus)?.length, stored().length]).toEqual([1, 1]);
  });

  test.each([
    ["names no event", {}],
    ["names none of them", { FailedEntryCount: 0, Entries: [] }],
    ["names too few", { FailedEntryCount: 0, Entries: [{ EventId: "1" }] }],
    ["has no id", { FailedEntryCount: 0, Entries: [{ EventId: "1" }, { EventId: null }] }],
    ["has nothing in its place", { FailedEntryCount: 0, Entries: [{ EventId: "1" }, null] }],
  ])("whose answer %s lacks what it does not name", async (_, body) => {
    await events(1, 2);
    const partial = { type: "answer", status: 200, body: JSON.stringify(body) } as const;
    aws.faults.plan("events.PutEvents", partial, { times: 1 });

    await deliverTo(eventBridge).catch(() => {});
    await deliverTo(eventBridge);

    const arrived = (aws.auditPlaces.buses.get(bus) ?? []).map(({ detail }) => detail as { sequence: string });
    expect(Number(arrived.at(-1)?.sequence)).toBe(2);
  });

  test("that is absent is a failure, and nothing counts as delivered", async () => {
    await events(1, 1);
    const busArn = bus.replace("/audit", "/absent");

    await expect(deliverTo({ kind: "eventbridge", busArn })).rejects.toThrow(/refused an event.*NotFound/);
    expect(await log.delivered(`eventbridge ${busArn}`)).toBe(0);
  });
});

describe("a webhook", () => {
  test("gets a signed batch that a receiver can verify", async () => {
    await events(1, 2);
    await deliverTo(webhook());

    const [{ headers, body } = expect.fail("nothing came")] = received;
    const text = body.toString("utf8");
    const signed = `${headers["webhook-id"]}.${headers["webhook-timestamp"]}.${text}`;
    expect(headers["webhook-signature"]).toBe(`v1,${createHmac("sha256", secret).update(signed).digest("base64")}`);
    expect(headers["content-type"]).toBe("application/cloudevents-batch+json");
    expect(JSON.parse(text).map((event: { id: string }) => event.id)).toEqual([
      expect.stringMatching(/^1-/),
      expect.stringMatching(/^2-/),
    ]);
  });

  test("that was down gets everything once it is back, each event once", async () => {
    await events(1, 2);
    faults.plan("webhook", { type: "answer", status: 503, body: "down" }, { times: 1 });
    await expect(deliverTo(webhook())).rejects.toMatchObject({
      code: "audit-webhook",
      message: expect.stringContaining("answered 503"),
    });
    await events(3, 3);

    await deliverTo(webhook());
    await deliverTo(webhook());

    const numbers = received
      .flatMap(({ body }) => JSON.parse(body.toString("utf8")))
      .map(({ sequence }) => Number(sequence));
    expect(numbers).toEqual([1, 2, 3]);
  });

  test("that dies between taking a batch and its answer gets that batch again with the same ids, and no gap", async () => {
    await events(1, 3);
    await deliverTo(webhook());
    await events(4, 5);
    // It takes the second batch, and dies before it answers.
    faults.plan("webhook", { type: "cut-after" }, { times: 1 });
    await expect(deliverTo(webhook())).rejects.toMatchObject({ code: "audit-webhook" });
    await deliverTo(webhook());

    const batches = received.map(({ headers, body }) => {
      const ids = JSON.parse(body.toString("utf8")).map((event: { id: string }) => event.id);
      return { id: headers["webhook-id"], ids };
    });
    expect(batches.map(({ ids }) => ids.map((id: string) => Number(id.split("-")[0])))).toEqual([
      [1, 2, 3],
      [4, 5],
      [4, 5],
    ]);
    expect(batches[2]).toEqual(batches[1]);
  });

  test("that redirects gets nothing elsewhere", async () => {
    await events(1, 1);
    faults.plan(
      "webhook",
      { type: "answer", status: 307, headers: { location: `${receiver.url}/elsewhere` } },
      { times: 1 },
    );

    await expect(deliverTo(webhook())).rejects.toMatchObject({ message: expect.stringContaining("answered 307") });
    expect(received).toEqual([]);
  });
});

describe("a receiver that keeps one event of each number has them all, each once,", () => {
  const asBus = () => (aws.auditPlaces.buses.get(bus) ?? []).map(({ detail }) => detail as Received);
  const asWebhook = () => received.flatMap(({ body }) => JSON.parse(body.toString("utf8")) as Received[]);
  interface Received {
    readonly id: string;
    readonly sequence: string;
    readonly chainhash: string;
  }

  test.each([
    ["S3", () => s3, "s3.PutObject", () => stored() as Received[]],
    ["EventBridge", () => eventBridge, "events.PutEvents", asBus],
    ["a webhook", webhook, "webhook", asWebhook],
  ] as const)("after kills and a day without %s", async (_name, place, call, arrived) => {
    const planned = call === "webhook" ? faults : aws.faults;
    const places = { sinks: [place()], webhookSecret: secret, write: () => {}, now: () => at(0) };
    // Killed after the place took a batch, and before the ledger notes that.
    const dying = { ...log, markDelivered: () => Promise.reject(new Error("killed")) };
    for (let hour = 0; hour < 24; hour += 4) {
      await events(hour * 13 + 1, hour * 13 + 52);
      planned.plan(call, { type: "answer", status: 403, body: "" });
      await expect(deliverTo(place())).rejects.toThrow();
    }
    for (let kill = 0; kill < 3; kill += 1) {
      const [sink = expect.fail("no sink")] = auditSinks(places);
      await expect(deliver(dying, sink)).rejects.toThrow("killed");
      planned.plan(call, { type: "cut-after" });
      await deliverTo(place()).catch(() => {});
      await events(313 + kill, 313 + kill);
    }
    await deliverTo(place());

    const byNumber = new Map<number, Set<string>>();
    for (const { id, sequence, chainhash } of arrived()) {
      const number = Number(sequence);
      byNumber.set(number, (byNumber.get(number) ?? new Set()).add(`${id} ${chainhash}`));
    }
    expect([...byNumber.keys()]).toEqual(Array.from({ length: 315 }, (_, index) => index + 1));
    expect([...byNumber.values()].filter(({ size }) => size > 1)).toEqual([]);
  });
});

test("an event whose cluster is no text that an address takes stops no sink", async () => {
  await redisLedger(connection.redis).append({ ...aChange(aRequest()).event, cluster: "\ud800" });

  await deliverTo(s3, eventBridge, webhook());

  expect([stored().length, aws.auditPlaces.buses.get(bus)?.length, received.length]).toEqual([1, 1, 1]);
});

test("another target gets the whole log from its beginning", async () => {
  await events(1, 2);
  await deliverTo(s3);
  aws.auditPlaces.addBucket("second", account);

  await deliverTo({ ...s3, bucket: "second" });

  expect(aws.auditPlaces.buckets.get("second")?.objects.size).toBe(1);
});
