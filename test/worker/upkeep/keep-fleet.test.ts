import { pino } from "pino";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import type { SandboxAws } from "../../../sandbox/aws/account.ts";
import { AccessError } from "../../../src/access/access-error.ts";
import type { Notice } from "../../../src/access/shared-lists.ts";
import { followFleet } from "../../../src/config/follow-fleet.ts";
import { type LiveConfig, liveConfig } from "../../../src/config/live-config.ts";
import type { Ledger } from "../../../src/ledger/ledger.ts";
import { FailureLog } from "../../../src/operations/log.ts";
import { type FleetContext, FleetKeeper, startFleetKeeper } from "../../../src/worker/upkeep/keep-fleet.ts";
import { failedAccounts } from "../../../src/worker/upkeep/look-at-fleet.ts";
import { configOf } from "../../builders/a-cluster.ts";
import { fleetText } from "../../builders/a-fleet.ts";
import { keys } from "../../builders/keys.ts";
import { addFleetCluster, fleetAccounts, fleetArn, startFleetAws } from "../../fleet-scene.ts";
import { memoryLedger } from "../../ledger/memory-ledger.ts";

let aws: SandboxAws;
let ledger: Ledger;
let live: LiveConfig;
let notices: Notice[];
let now: Date;

const addCluster = (account: string, name: string, tags: Readonly<Record<string, string>>) =>
  addFleetCluster(aws, account, name, tags);
const fleetTags = { "eks-access": "yes", env: "production" };

beforeAll(async () => {
  aws = await startFleetAws();
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await aws.stop();
});

beforeEach(() => {
  const config = configOf(fleetText);
  now = new Date();
  ledger = memoryLedger();
  live = liveConfig({ text: fleetText, config }, () => now);
  notices = [];
  addCluster(fleetAccounts[0], "payments", fleetTags);
  addCluster(fleetAccounts[1], "shop", { ...fleetTags, env: "dev" });
  addCluster(fleetAccounts[1], "private", { env: "production" });
});
afterEach(() => {
  for (const account of fleetAccounts) {
    for (const name of ["payments", "shop", "private", "new"]) aws.removeCluster(fleetArn(account, name));
  }
  aws.faults.clear();
});

function aContext(): FleetContext {
  const log = pino({ level: "silent" });
  const follower = followFleet({ ledger, keys: keys.preview, live, log, now: () => now });
  const publishFleet: FleetContext["ledger"]["publishFleet"] = async (list, notice) => {
    if (notice) notices.push(notice);
    await ledger.publishFleet(list, notice);
  };
  const addNotice: FleetContext["ledger"]["addNotice"] = async (notice) => void notices.push(notice);
  const everyTurn = { ...ledger, publishFleet, addNotice, takeTurn: async () => true };
  const failures = new FailureLog(log);
  return { ledger: everyTurn, follower, log, failures, keys, config: live.current(), now: () => now };
}

/** A worker's looks, some minutes apart. */
function aWorker() {
  const keeper = new FleetKeeper();
  const context = aContext();
  return async (afterMinutes = 0) => {
    now = new Date(now.getTime() + afterMinutes * 60_000);
    await keeper.look({ ...context, config: live.current() });
  };
}

const names = () => [...live.current().clusters.keys()].sort();
const told = () => notices.flatMap(({ lines }) => lines);
const describes = () => aws.calls.filter(({ call }) => call === "eks.DescribeCluster").length;

test("the tagged clusters of both accounts are in the configuration, and the operators read of each change once", async () => {
  const look = aWorker();
  await look();
  addCluster(fleetAccounts[0], "new", fleetTags);
  aws.removeCluster(fleetArn(fleetAccounts[1], "shop"));
  await look(5);
  await look(5);

  expect(names()).toEqual(["new", "payments", "shop"]);
  expect(live.current().clusters.get("shop")?.quiet).toContain("AWS no longer shows it");
  expect(told()).toEqual([
    "New: payments in eu-central-1 of account 111122223333, with eks-access=yes, env=production.",
    "New: shop in eu-central-1 of account 444455556666, with eks-access=yes, env=dev.",
    "Gone: shop in eu-central-1 of account 444455556666. No more requests; leases end as planned.",
    "New: new in eu-central-1 of account 111122223333, with eks-access=yes, env=production.",
  ]);
  expect((await ledger.events(1, 9)).map(({ event }) => event.type)).toEqual(["fleet.changed", "fleet.changed"]);

  await look(24 * 60);

  expect(names()).toEqual(["new", "payments"]);
  expect(told().slice(4)).toEqual(["Removed: shop in eu-central-1 of account 444455556666. No lease is open there."]);
});

test("a look gives each call of AWS the time that the configuration has for it", async () => {
  const context = aContext();
  const { timing } = context.config;
  const config = { ...context.config, timing: { ...timing, deadlines: { ...timing.deadlines, awsCall: 50 } } };
  const failed: string[] = [];
  const note = (_what: string, _about: object, error: unknown) => void failed.push(String(error));
  const failures = Object.assign(new FailureLog(context.log), { failed: note });
  aws.faults.plan("sts.AssumeRole", { type: "hang" }, { times: 99 });

  const keeper = startFleetKeeper(() => ({ ...context, config, failures }));
  await vi.waitFor(() => expect(failed).toHaveLength(2), { timeout: 3_000 });
  await keeper.stop();

  const unreached = expect.stringContaining("Can't reach AWS for sts:AssumeRole");
  expect(failed).toEqual([unreached, unreached]);
});

test("a tag that would weaken the rule is reported at once, and counts a day later", async () => {
  const rules = () =>
    live
      .current()
      .clusters.get("payments")
      ?.rules.map(({ name }) => name);
  const look = aWorker();
  await look();
  aws.updateCluster(fleetArn(fleetAccounts[0], "payments"), { tags: { ...fleetTags, env: "dev" } });

  await look(11);
  const during = rules();
  for (let hour = 0; hour < 25; hour += 0.5) await look(30);

  expect([during, rules()]).toEqual([["all"], ["dev", "all"]]);
  expect(told().slice(2)).toEqual([
    expect.stringMatching(/^Changed: payments in eu-central-1 .* env=dev instead of .* This counts from /),
    expect.stringMatching(/This counts now\.$/),
  ]);
});

test("an account that refuses the worker keeps its clusters as they are, and the look continues with the others", async () => {
  const look = aWorker();
  await look();
  aws.account.setAllowed(`arn:aws:iam::${fleetAccounts[1]}:role/eks-access-operator`, []);
  addCluster(fleetAccounts[0], "new", fleetTags);

  await look(5);
  await look(5);
  aws.account.setAllowed(`arn:aws:iam::${fleetAccounts[1]}:role/eks-access-operator`, [
    "eks:ListClusters",
    "eks:DescribeCluster",
  ]);

  expect(names()).toEqual(["new", "payments", "shop"]);
  expect(live.current().clusters.get("shop")?.quiet).toBeNull();
  expect(notices.map(({ title }) => title)).toEqual([
    "The fleet changed",
    "The fleet changed",
    "Fleet: access refused",
  ]);
  expect(told().at(-1)).toMatch(/^can't list the clusters of account 444455556666 in eu-central-1\. AWS refused .+\./);
});

test("a cluster that EKS never describes takes no requests after an hour, and the others of its region do", async () => {
  const look = aWorker();
  await look();
  const broken = { tags: JSON.parse('{"eks-access":{}}') };
  aws.updateCluster(fleetArn(fleetAccounts[1], "private"), broken);
  addCluster(fleetAccounts[1], "new", fleetTags);
  aws.updateCluster(fleetArn(fleetAccounts[1], "shop"), broken);
  for (let minutes = 0; minutes < 75; minutes += 11) await look(11);

  expect(names()).toEqual(["new", "payments", "shop"]);
  expect(live.current().clusters.get("shop")?.quiet).toContain("hour");
  expect(live.current().clusters.get("new")?.quiet).toBeNull();
});

test("where only a cluster fails, its account is not said to list none", () => {
  const [account, region] = [fleetAccounts[1], "eu-central-1"];
  const [denied, lost] = [new AccessError("aws-access-denied", "refused"), new AccessError("aws-unreachable", "lost")];
  const one = { account, region, eksName: "shop", error: denied };

  const [[alone], [beside]] = [
    failedAccounts([one]),
    failedAccounts([one, { account, region: "eu-west-1", error: lost }]),
  ];

  expect(alone).toMatchObject({ what: "can't read shop in eu-central-1 of account 444455556666" });
  expect(beside?.what).toBe("can't list the clusters of account 444455556666 in eu-west-1");
  expect(beside?.why).toContain("lost");
});

test("a region without an answer about three clusters in a row is asked about no more of them in this look", async () => {
  const look = aWorker();
  await look();
  for (const name of ["new", "private", "shop"])
    addFleetCluster(aws, fleetAccounts[0], name, JSON.parse('{"eks-access":{}}'));
  addCluster(fleetAccounts[0], "zone", fleetTags);
  const before = describes();

  await look(5);
  aws.removeCluster(fleetArn(fleetAccounts[0], "zone"));

  expect(describes() - before).toBe(3);
  expect(names()).toEqual(["payments", "shop"]);
  expect(live.current().clusters.get("payments")?.quiet).toBeNull();
});

test("a cluster that is left out because of its name is not announced as new, and the operators read why", async () => {
  const look = aWorker();
  await look();
  addCluster(fleetAccounts[1], "payments", fleetTags);

  await look(5);
  aws.removeCluster(fleetArn(fleetAccounts[1], "payments"));

  expect(names()).toEqual(["payments", "shop"]);
  expect(told().slice(2)).toEqual([
    'fleet: the EKS cluster payments in eu-central-1 of account 444455556666 would be payments, as another cluster. Set fleet.name to "{name}-{account}", or write it under clusters.',
  ]);
});

test("a known cluster is only listed for ten minutes, and a new worker asks for each", async () => {
  const look = aWorker();
  await look();
  const first = describes();
  await look(5);
  const second = describes();
  await look(6);
  const third = describes();
  await aWorker()();

  expect([second - first, third - second, describes() - third]).toEqual([0, 3, 3]);
});

test("more clusters than a page of EKS are all there", async () => {
  for (let count = 0; count < 120; count += 1) addCluster(fleetAccounts[0], `many-${count}`, fleetTags);

  await aWorker()();
  for (let count = 0; count < 120; count += 1) aws.removeCluster(fleetArn(fleetAccounts[0], `many-${count}`));

  expect(names()).toHaveLength(122);
  expect(told()).toHaveLength(31);
});

test("a look that another worker made is not made again", async () => {
  await aWorker()();
  const context = { ...aContext(), ledger: { ...ledger, takeTurn: async () => false } };
  const before = aws.calls.length;

  await new FleetKeeper().look(context);

  expect(aws.calls.length).toBe(before);
});
