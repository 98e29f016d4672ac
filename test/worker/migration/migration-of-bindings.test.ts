import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { getPods, type Sandbox } from "../../../sandbox/sandbox.ts";
import { account, initialAwsAuth, region } from "../../../sandbox/scene.ts";
import { parseDocument } from "../../../src/aws-auth/parse.ts";
import { reconcileCluster } from "../../../src/worker/reconcile/reconcile.ts";
import { keys } from "../../builders/keys.ts";
import { sceneConfig } from "../../fault/reconcile-scene.ts";
import { memoryLedger } from "../../ledger/memory-ledger.ts";
import { bound, give, requestOf, revokeGiven } from "../reconcile/both-ways.ts";
import { type MigrationScene, migrationScene, startMigrationSandbox } from "./migration-scene.ts";

const path = "/aws-reserved/sso.amazonaws.com/";
/** One is named by an entry of others, the other one by that which its lease adds. */
const [theirs, ours] = ["AWSReservedSSO_Developer_0123456789abcdef", "AWSReservedSSO_Support_fedcba9876543210"];
const inMap = (set: string) => `arn:aws:iam::${account}:role/${set}`;
const withPath = (set: string) => `arn:aws:iam::${account}:role${path}${set}`;
const session = (set: string) => `arn:aws:sts::${account}:assumed-role/${set}/alice@example.com`;
const mapRoles = `${initialAwsAuth.mapRoles}- rolearn: ${inMap(theirs)}
  username: sso:{{SessionNameRaw}}
  groups: []
`;
const { config, cluster } = sceneConfig({}, bound);
let sandbox: Sandbox;
let scene: MigrationScene;

beforeEach(async () => {
  sandbox = await startMigrationSandbox({ awsAuth: { mapRoles } });
  for (const name of [theirs, ours]) sandbox.aws.account.addRole({ name, path });
  scene = migrationScene(memoryLedger(), keys, { config, cluster });
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await sandbox.stop();
});

const podsOf = (set: string) =>
  getPods(sandbox.cluster, region, sandbox.aws.account.sessionFor(withPath(set), "alice@example.com"));
const inDocument = () => parseDocument(sandbox.cluster.awsAuth()?.data ?? {}).entries.map(({ arn }) => arn);

/** Each person lists pods: the cluster still calls them as their lease is bound, and no lease drifts. */
async function expectBothIn(): Promise<void> {
  await reconcileCluster(scene.context(), cluster, "inspect");
  for (const [id, set] of [
    ["r-theirs", theirs],
    ["r-ours", ours],
  ] as const) {
    expect((await requestOf(scene.context(), id)).lease).toMatchObject({ state: "active", drift: null });
    await expect.poll(() => podsOf(set)).toMatchObject({ ok: true });
  }
}

test("people with leases by binding keep their name and access while the cluster goes over to access entries", async () => {
  await give(scene.context(), cluster, { id: "r-theirs", principal: session(theirs) });
  await give(scene.context(), cluster, { id: "r-ours", principal: session(ours) });
  await expectBothIn();

  const planned = await scene.ask([withPath(theirs)]);
  const outcomes = planned.plan?.summary.items.map(({ arn, outcome }) => [arn, outcome]);
  await scene.approve("U0APPROVER", "U0APPROVER2");
  await scene.look();
  await expectBothIn();
  const done = await scene.toItsEnd();
  await expectBothIn();

  expect(outcomes).toEqual(
    expect.arrayContaining([
      [inMap(theirs), "moves"],
      [inMap(ours), "waits"],
    ]),
  );
  expect(done).toMatchObject({ state: "done", trouble: null });
  expect(inDocument()).not.toContain(inMap(theirs));
  expect(inDocument()).toContain(inMap(ours));
  for (const id of ["r-theirs", "r-ours"]) {
    expect((await revokeGiven(scene.context(), cluster, id)).lease?.state).toBe("ended");
  }
  expect(inDocument()).not.toContain(inMap(ours));
  for (const set of [theirs, ours]) await expect.poll(() => podsOf(set)).toMatchObject({ ok: false });
});
