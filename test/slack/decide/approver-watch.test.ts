import { pino } from "pino";
import { Registry } from "prom-client";
import { beforeEach, describe, expect, test } from "vitest";
import { AccessError } from "../../../src/access/access-error.ts";
import { type ApproverShortage, approversChecked } from "../../../src/operations/announcements.ts";
import { createProcessMetrics } from "../../../src/operations/metrics.ts";
import type { Account } from "../../../src/slack/app/directory.ts";
import { watchApprovers } from "../../../src/slack/decide/approver-watch.ts";
import { aCluster, clustersOf } from "../../builders/a-cluster.ts";
import { memoryLedger } from "../../ledger/memory-ledger.ts";
import { noGroups } from "../slack-context.ts";

const seldom = { everyMs: 3_600_000, againMs: 3_600_000, followMs: 3_600_000, startMs: 5_000 };
let ledger = memoryLedger();
let lines: string[];
let shownAgain: number;
let accountOf: (user: string) => Promise<Account>;

beforeEach(() => {
  ledger = memoryLedger();
  lines = [];
  shownAgain = 0;
  accountOf = async () => "active";
});

const allLeft = async () => "deactivated" as const;
const isAway = () => Promise.reject(new AccessError("slack-unreachable", "Can't reach Slack"));

/** Starts as the Slack process does. */
function start(times = seldom, cluster = aCluster()) {
  const log = pino({ level: "warn" }, { write: (line: string) => void lines.push(line) });
  const directory = { ...noGroups, accountOf: (user: string) => accountOf(user) };
  return watchApprovers(
    {
      ...{ directory, ledger, log },
      configuration: () => ({ clusters: clustersOf(cluster), fleet: null }),
      showOthers: async () => {
        shownAgain += 1;
      },
    },
    times,
  );
}

/** Starts, and ends at once. */
async function startAndStop(cluster = aCluster()): Promise<void> {
  const watch = await start(seldom, cluster);
  await watch.stop();
}

describe("a process whose configuration leaves a level without approvers", () => {
  test("does not start, and says which, who is gone, and who can remedy it where", async () => {
    accountOf = async (user) => (user === "U0APPROVER" ? "deactivated" : "unknown");

    const failure = await start().catch((error: unknown) => error);

    expect(failure).toBeInstanceOf(AccessError);
    expect(failure).toMatchObject({ code: "config-invalid" });
    expect(String(failure)).toContain(
      "viewer on staging needs an approval, but no approver is active in Slack. Not active: U0APPROVER, U0APPROVER2. " +
        "An operator can add approvers for the cluster staging.",
    );
  });

  test("starts where there were enough with the same approvers before, and logs it", async () => {
    await startAndStop();
    accountOf = allLeft;

    await startAndStop();

    expect(lines.join()).toContain("viewer on staging needs an approval, but no approver");
  });

  test("does not start with other approvers than those who were good before", async () => {
    await startAndStop();
    accountOf = async (user) => (user === "U0NEW" ? "deactivated" : "active");

    await expect(startAndStop(aCluster({ approvers: ["U0NEW"] }))).rejects.toMatchObject({ code: "config-invalid" });
  });

  test("starts while Slack can't say, or not in time, and warns", async () => {
    accountOf = isAway;
    await startAndStop();
    accountOf = () => new Promise(() => {});
    const watch = await start({ ...seldom, startMs: 1 });

    expect(lines.join()).toContain("Could not check the approvers: Can't reach Slack");
    expect(lines.join()).toContain("Slack did not answer in time");
    expect(watch).toBeDefined();
  });
});

describe("while the process runs", () => {
  const looks: (readonly ApproverShortage[])[] = [];
  const missing = () => looks.at(-1)?.map(({ level, missing }) => [level, missing]);

  beforeEach(() => {
    looks.length = 0;
    return approversChecked.subscribe((look) => void looks.push(look));
  });

  test("approvers who leave are noticed at the next look, and logged", async () => {
    const watch = await start({ ...seldom, everyMs: 1 });
    const before = missing();
    accountOf = allLeft;
    await expect.poll(missing).toEqual([
      ["viewer", 1],
      ["admin", 1],
    ]);
    await expect.poll(() => shownAgain).toBeGreaterThan(0);
    await watch.stop();

    expect(before).toEqual([
      ["viewer", 0],
      ["admin", 0],
    ]);
    expect(lines.join()).toContain("An operator can add approvers for the cluster staging");
  });

  test("a user group that changed is looked at now, and again when no process believes an answer from before", async () => {
    const watch = await start({ ...seldom, followMs: 1 });
    watch.lookSoon();
    await expect.poll(() => shownAgain).toBe(2);
    watch.lookSoon();
    await expect.poll(() => shownAgain).toBe(4);
    await watch.stop();

    expect(shownAgain).toBe(4);
  });

  test("many changes wait for that second look", async () => {
    const watch = await start();
    watch.lookSoon();
    await expect.poll(() => shownAgain).toBe(1);
    for (let change = 0; change < 100; change += 1) watch.lookSoon();
    await new Promise(setImmediate);
    await watch.stop();

    expect(shownAgain).toBe(1);
  });

  test("Slack is asked again soon, until it has answered", async () => {
    accountOf = isAway;
    const watch = await start({ ...seldom, againMs: 1 });
    const before = missing();
    accountOf = async () => "active";
    await expect.poll(missing).toEqual([
      ["viewer", 0],
      ["admin", 0],
    ]);
    await watch.stop();

    expect(before).toEqual([]);
  });
});

test("what a level lacks is a metric, the most by any of its rules, and over once a person is there", async () => {
  const registry = new Registry();
  createProcessMetrics(registry, () => new Date());
  const value = async () =>
    (await registry.getSingleMetricAsString("eks_access_approvers_missing")).split("\n").slice(2);

  approversChecked.publish([1, 2, 0].map((missing) => ({ cluster: "staging", level: "admin", missing })));
  const lacking = await value();
  approversChecked.publish([{ cluster: "staging", level: "admin", missing: 0 }]);

  expect(lacking).toEqual(['eks_access_approvers_missing{cluster="staging",level="admin"} 2']);
  expect(await value()).toEqual(['eks_access_approvers_missing{cluster="staging",level="admin"} 0']);
});
