import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { SandboxAws } from "../../../sandbox/aws/account.ts";
import { eksError } from "../../../sandbox/aws/refusal.ts";
import { type LiveConfig, liveConfig } from "../../../src/config/live-config.ts";
import { FleetWithoutLedger } from "../../../src/worker/upkeep/look-at-fleet.ts";
import { configOf } from "../../builders/a-cluster.ts";
import { aFleetCluster, fleetText } from "../../builders/a-fleet.ts";
import { at, minutes } from "../../builders/times.ts";
import { addFleetCluster, fleetAccounts, fleetArn, startFleetAws } from "../../fleet-scene.ts";

const tags = { "eks-access": "yes", env: "production" };
let aws: SandboxAws;
let live: LiveConfig;
let now: Date;

beforeEach(async () => {
  aws = await startFleetAws();
  addFleetCluster(aws, fleetAccounts[0], "payments", tags);
  addFleetCluster(aws, fleetAccounts[1], "shop", tags);
  const config = configOf(fleetText);
  now = at(0);
  live = liveConfig({ text: fleetText, config }, () => now);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await aws.stop();
});

const names = () => [...live.current().clusters.keys()].sort();

test("a worker that starts without the ledger finds the fleet itself, and looks again when it is time", async () => {
  const fleet = new FleetWithoutLedger(live, () => now);
  await fleet.look();
  const first = names();
  addFleetCluster(aws, fleetAccounts[1], "new", tags);
  now = at(minutes(4));
  await fleet.look();
  const tooEarly = names();
  now = at(minutes(6));
  await fleet.look();

  expect([first, tooEarly, names()]).toEqual([
    ["payments", "shop"],
    ["payments", "shop"],
    ["new", "payments", "shop"],
  ]);
});

test("an account that does not answer keeps the clusters that it had, and one that is gone stays until its leases end", async () => {
  const fleet = new FleetWithoutLedger(live, () => now);
  await fleet.look();
  aws.removeCluster(fleetArn(fleetAccounts[0], "payments"));
  aws.faults.plan("eks.ListClusters", { type: "answer", ...eksError("AccessDenied", "no", 403) }, { times: 9 });
  now = at(minutes(6));
  await fleet.look();
  const refused = names();
  aws.faults.clear();
  now = at(minutes(12));
  await fleet.look();

  expect([refused, names()]).toEqual([
    ["payments", "shop"],
    ["payments", "shop"],
  ]);
});

test("a worker that has the list of the ledger does not ask AWS", async () => {
  await live.follow([aFleetCluster()]);
  const before = aws.calls.length;

  await new FleetWithoutLedger(live, () => now).look();

  expect([aws.calls.length - before, names()]).toEqual([0, ["payments"]]);
});
