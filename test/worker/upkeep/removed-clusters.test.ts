import { afterEach, beforeEach, expect, test } from "vitest";
import { permanentSeconds } from "../../../src/access/lease/lease-record.ts";
import type { FleetCluster } from "../../../src/access/policy/fleet-list.ts";
import { readNotice } from "../../../src/access/shared-lists.ts";
import { type Config, readConfig } from "../../../src/config/config.ts";
import { connectRedis, connectRedisBlocking, type RedisConnection } from "../../../src/ledger/connect.ts";
import { type Ledger, redisLedger } from "../../../src/ledger/ledger.ts";
import { openQueues, type Queues } from "../../../src/ledger/queues.ts";
import { startWorker } from "../../../src/worker/worker.ts";
import { clusterIn, clustersOf, configOf, configText } from "../../builders/a-cluster.ts";
import { aFleetCluster, fleetText } from "../../builders/a-fleet.ts";
import { aPlannedMigration } from "../../builders/a-migration.ts";
import { aLeasedRequest, anApprovedRequest, aRequest } from "../../builders/a-request.ts";
import { aChange, anEvent } from "../../builders/an-event.ts";
import { keys } from "../../builders/keys.ts";
import { at, hours } from "../../builders/times.ts";
import { silentContext } from "../../fault/silent-context.ts";
import { aRedis, type TestRedis } from "../../redis.ts";

let database: TestRedis;
let connection: RedisConnection;
let queues: Queues;
let ledger: Ledger;

beforeEach(async () => {
  database = await aRedis();
  connection = await connectRedis(database.url);
  queues = openQueues(connection.redis);
  ledger = redisLedger(connection.redis);
  await ledger.commit(aChange(aLeasedRequest({ endsAt: at(hours(4)).toISOString() }, { version: 1 })));
});
afterEach(async () => {
  await queues.close();
  await connection.close();
  await database.close();
});

const withoutIt = configOf(configText.replace("  staging:", "  stage:"));
const notices = async () => (await ledger.notices()).map((stored) => readNotice(stored, keys));

/** A worker starts with this configuration, and stops after its first look. */
async function start(config: Config): Promise<void> {
  const context = { ...silentContext(ledger), queues, keys, config, now: () => at(hours(1)) };
  const blocking = connectRedisBlocking(database.url);
  const worker = startWorker(() => context, blocking);
  await worker.stop(AbortSignal.timeout(10_000));
  blocking.disconnect();
}

/** The configuration with these clusters in the list of the fleet. */
function fleetOf(...clusters: readonly FleetCluster[]): Config {
  const reading = readConfig(fleetText, { clusters, now: at(0) });
  return reading.type === "config" ? reading.config : expect.unreachable(reading.problems.join());
}

const inFleet = aFleetCluster({ eksName: "staging" });

test("the operators and the audit log read which leases a worker can't end, of a cluster that was renamed in eks-access.yml, and what to do", async () => {
  const permanent = { id: "r-2", version: 1, durationSeconds: permanentSeconds };
  await ledger.commit(aChange(aLeasedRequest({ endsAt: at(permanentSeconds).toISOString() }, permanent)));

  await start(withoutIt);

  expect(await notices()).toEqual([
    expect.objectContaining({
      title: "staging is not in eks-access.yml: this worker can't end its 2 leases",
      lines: [
        "Add staging again until they end. If it was deleted, run eks-access retire staging.",
        "Otherwise, follow `Remove access by hand` in docs/operating.md.",
        `\`r-1\` of \`arn:aws:iam::111122223333:user/engineer\` until ${at(hours(4)).toISOString()}`,
        "`r-2` of `arn:aws:iam::111122223333:user/engineer` until revoked",
      ],
    }),
  ]);
  const [found] = (await ledger.events(1, 9)).slice(-1);
  expect(found?.event).toMatchObject({
    type: "cluster.removed",
    cluster: "staging",
    detail: { leases: ["r-1", "r-2"] },
  });
});

test.each([
  ["running", "migration"],
  ["running", "repair"],
  // Its first step began before a person stopped it.
  ["stopped", "migration"],
] as const)("they read of a %s %s that no worker can finish there, also beside no lease", async (state, what) => {
  const begun = { name: "switch-mode", at: at(0).toISOString(), place: { cluster: "staging", seal: "" } };
  const stop = { by: "U0ONCALL", at: at(1).toISOString(), why: "" };
  const kind = what === "repair" && ({ kind: what } as const);
  const migration = aPlannedMigration({
    ...kind,
    state,
    begun,
    ...(state === "stopped" && { stop, endedAt: stop.at }),
  });
  await ledger.commit(aChange(aLeasedRequest({ state: "ended" }, { version: 2 }), "lease.ended"));
  await ledger.commit({ after: migration, event: anEvent({ request: migration.id }) });

  await start(withoutIt);

  expect(await notices()).toEqual([
    expect.objectContaining({
      title: `staging is not in eks-access.yml: this worker can't finish its ${what}`,
      lines: [
        "Add staging again until they end. If it was deleted, run eks-access retire staging.",
        "`migration-staging-1`",
      ],
    }),
  ]);
  const [found] = (await ledger.events(1, 9)).slice(-1);
  expect(found?.event).toMatchObject({ type: "cluster.removed", detail: { leases: [], migration: migration.id } });
});

test("of many leases they read twenty, and how many more there are", async () => {
  for (let id = 2; id <= 25; id += 1) await ledger.commit(aChange(aLeasedRequest({}, { id: `r-${id}`, version: 1 })));

  await start(withoutIt);

  const [notice] = await notices();
  expect(notice?.title).toContain("25 leases");
  expect(notice?.lines.slice(21)).toEqual([expect.stringContaining(" until "), "5 more"]);
});

test("they read it once a day, however many workers start, and also where the cluster was back meanwhile", async () => {
  await Promise.all([start(withoutIt), start(withoutIt)]);
  await start(configOf(configText));
  await start(withoutIt);

  expect(await notices()).toHaveLength(1);
  expect(await connection.redis.pttl("{eks-access}:turn:removed-staging")).toBeLessThanOrEqual(hours(24) * 1000);

  await ledger.keepTurn("removed-staging", 0);
  await start(withoutIt);

  expect(await notices()).toHaveLength(2);
});

test("they read it of a cluster that the fleet has no more, or leaves out", async () => {
  await start(fleetOf(aFleetCluster()));
  await ledger.keepTurn("removed-staging", 0);
  await start(fleetOf(inFleet, { ...inFleet, account: "444455556666" }));

  expect(await notices()).toHaveLength(2);
});

const zone = clusterIn(configOf(configText), "staging");

test.each([
  ["another zone's worker serves", { ...withoutIt, clusters: clustersOf({ ...zone, zone: "eu-private" }) }],
  ["the fleet has", fleetOf(inFleet)],
  ["the fleet can have, whose list is not there yet", fleetOf()],
])("a cluster that %s is not reported as removed", async (_, config) => {
  await start(config);

  expect(await notices()).toEqual([]);
});

test("a removed cluster that has nothing of ours is not reported", async () => {
  await ledger.commit(aChange(aLeasedRequest({ state: "ended" }, { version: 2 }), "lease.ended"));
  await ledger.commit(aChange(anApprovedRequest({ id: "r-2", version: 1 })));
  await ledger.commit(aChange(aRequest({ id: "r-3" })));
  const planned = aPlannedMigration();
  const forged = aPlannedMigration({ id: "migration-x$(id)-1", cluster: "x$(id)", state: "running" });
  await ledger.commit({ after: forged, event: anEvent({ request: forged.id }) });
  await ledger.commit({ after: planned, event: anEvent({ request: planned.id }) });

  await start(withoutIt);

  expect(await notices()).toEqual([]);
});
