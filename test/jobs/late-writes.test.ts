import { expect, test } from "vitest";
import { adoptCluster } from "../../src/jobs/adopt.ts";
import { reconcileCluster } from "../../src/jobs/reconcile.ts";
import { initialAwsAuth } from "../../src/sandbox/scene.ts";
import { type DirectCluster, directCluster, type Fate } from "../fault/direct-cluster.ts";
import { fillLedger, sceneConfig, sealKeys, wishes } from "../fault/reconcile-scene.ts";
import { silentContext } from "../fault/silent-context.ts";
import { memoryLedger } from "../ledger/memory-ledger.ts";

const free = { point: async () => {} };
const network = { ...free, join: (act: () => Promise<void>) => void act() };

/** A cluster with two approved grants of one principal, and a worker for each run. */
async function aScene(data: Readonly<Record<string, string>> | null) {
  const ledger = memoryLedger();
  const { config, cluster } = sceneConfig(data === null);
  const aws = directCluster(data);
  const clock = { ms: Date.now() };
  await fillLedger(ledger, cluster, new Date(clock.ms));
  const context = (fates: readonly Fate[] = []) => ({
    ...{ ...silentContext(ledger), config, sealKeys, now: () => new Date(clock.ms), pause: free.point },
    openCluster: aws.openFor(free, network, fates),
  });
  return { ledger, cluster, aws, clock, context };
}

const annotationsOf = (aws: DirectCluster) => aws.awsAuth()?.metadata.annotations ?? {};

test("a ConfigMap that is made too late, when the grants are over, has nothing in it", async () => {
  const { ledger, cluster, aws, clock, context } = await aScene(null);
  await reconcileCluster(context(["late"]), cluster);
  clock.ms += 2 * 3_600_000;
  await reconcileCluster(context(), cluster);

  aws.deliver();

  expect((await ledger.get(wishes.short.id))?.grant?.state).toBe("failed");
  expect(aws.awsAuth()?.data ?? {}).toEqual({});
});

test("grants in a cluster without a ConfigMap are written into one that was made empty before", async () => {
  const { ledger, cluster, aws, context } = await aScene(null);

  await reconcileCluster(context(), cluster);

  expect((await ledger.get(wishes.short.id))?.grant?.state).toBe("active");
  expect(aws.awsAuth()?.data?.mapUsers).toContain(wishes.short.principal);
});

test("a write that arrives when its grant is over is refused, and the fence that does it leaves nothing behind", async () => {
  const { ledger, cluster, aws, clock, context } = await aScene(initialAwsAuth);
  await reconcileCluster(context(["late"]), cluster);
  clock.ms += 2 * 3_600_000;
  await reconcileCluster(context(), cluster);

  aws.deliver();

  expect((await ledger.get(wishes.long.id))?.grant?.state).toBe("failed");
  expect(aws.awsAuth()?.data).toEqual(initialAwsAuth);
  expect(annotationsOf(aws)).toEqual({});
});

test("a fence of which only the first write arrived, when nothing was due any more, is cleared away by the next look", async () => {
  const { cluster, aws, context } = await aScene(initialAwsAuth);
  const { client } = await context().openCluster({ ...context() }, cluster, []);
  const found = await client.readAwsAuth();
  if (!found) throw new Error("The scene has a document.");
  const half = { data: found.data, annotations: { "eks-access/fence": found.resourceVersion } };
  await client.writeAwsAuth(found, half, { dryRun: false });
  const { ledger: _, ...rest } = context();

  await adoptCluster({ ...rest, ledger: memoryLedger() }, cluster);

  expect(annotationsOf(aws)).toEqual({});
  expect(aws.awsAuth()?.data).toEqual(initialAwsAuth);
});
