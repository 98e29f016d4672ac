import { beforeEach, expect, test } from "vitest";
import { arns, clusterArn, clusterName } from "../../sandbox/scene.ts";
import type { Cluster } from "../../src/access/policy/cluster.ts";
import { memoryKeys } from "../../src/access/seal.ts";
import type { WorkerContext } from "../../src/worker/context.ts";
import { adoptCluster } from "../../src/worker/reconcile/adopt.ts";
import { reconcileCluster } from "../../src/worker/reconcile/reconcile.ts";
import { endWithoutLedger } from "../../src/worker/upkeep/end-without-ledger.ts";
import { keysOfMemory } from "../../src/worker/upkeep/seal-clusters.ts";
import { clusterIn } from "../builders/a-cluster.ts";
import { aSecret, keys as ours } from "../builders/keys.ts";
import { memoryLedger } from "../ledger/memory-ledger.ts";
import { bound, give, later, modesConfig, type Outside, outsideOf, revokeGiven } from "./reconcile/both-ways.ts";
import { useWorkerSide } from "./worker-side.ts";

const side = useWorkerSide({ everyMode: true });
const { engineer } = arns;

/** The same cluster after a new eks-access.yml, in which no level binds roles any more. */
const groupsAlone = modesConfig();
const now = clusterIn(groupsAlone, clusterName);
let context: WorkerContext;
let outside: Outside;
const after = (seconds = 0): WorkerContext => ({ ...later(context, seconds), config: groupsAlone });

beforeEach(async () => {
  const config = modesConfig(bound);
  const before: Cluster = clusterIn(config, clusterName);
  context = { ...side().context(memoryLedger()), config };
  outside = outsideOf("binding", side(), before);
  await outside.edit(engineer, null);
  await give(context, before, { id: "r-bound", durationSeconds: 300 });
  expect(await outside.given(engineer)).toEqual(["ClusterRole view"]);
});

test("a lease of a level that bound roles is found again by a new ledger, and ends", async () => {
  const fresh = { ...after(), ledger: memoryLedger() };

  expect(await adoptCluster(fresh, now)).toEqual({ recovered: ["r-bound"], ended: [] });
  await revokeGiven(fresh, now, "r-bound");

  expect(await outside.given(engineer)).toBeNull();
});

test.each([
  ["while Redis is away", 0],
  ["while Redis is away and EKS does not list the access entries", 100],
])("a lease of a level that bound roles ends %s", async (_, refusals) => {
  const { aws, faults } = side().sandbox;
  aws.updateCluster(clusterArn(clusterName), { authenticationMode: "API_AND_CONFIG_MAP" });
  faults.plan("eks.ListAccessEntries", { type: "answer", status: 503, body: "{}" }, { times: refusals });
  const { ledger: __, queues: ___, ...alone } = after(360);

  expect(await endWithoutLedger(alone, now)).toMatchObject({ ended: ["r-bound"], left: [] });

  expect(await outside.given(engineer)).toBeNull();
});

test("an ended lease of a level that bound roles, whose binding comes back, is removed again", async () => {
  const binding = await side().asCreator(now, (client) => client.listLeaseBindings());
  await revokeGiven(context, now, "r-bound");
  for (const each of binding)
    await side().asCreator(now, (client) => client.createBinding({ ...each, user: each.subjects[0]?.name ?? "" }));
  expect(await outside.given(engineer)).toEqual(["ClusterRole view"]);

  await adoptCluster(after(), now);

  expect(await outside.given(engineer)).toBeNull();
});

test("a lease of a level that bound roles keeps the memory key in use until it ends", async () => {
  const rotated = {
    ...after(),
    keys: { ...ours, memory: memoryKeys([aSecret("next: memory"), aSecret("ours: memory")]) },
  };

  expect(await keysOfMemory(rotated, now)).toEqual(new Set(ours.memory.ids));
  await reconcileCluster(later(rotated, 360), now);
  expect([await outside.given(engineer), await keysOfMemory(rotated, now)]).toEqual([null, new Set()]);
});
