import { expect, test } from "vitest";
import { reconcileCluster } from "../../src/jobs/reconcile.ts";
import { initialAwsAuth } from "../../src/sandbox/scene.ts";
import { aDirectScene } from "../fault/direct-scene.ts";
import { wishes } from "../fault/reconcile-scene.ts";

const driftOf = async ({ ledger }: Awaited<ReturnType<typeof aDirectScene>>) =>
  (await ledger.get(wishes.long.id))?.grant?.drift?.message ?? null;

test("a grant is told not to be in force where somebody deleted the ConfigMap", async () => {
  const scene = await aDirectScene(initialAwsAuth);
  await reconcileCluster(scene.context(), scene.cluster);
  scene.aws.remove();

  await reconcileCluster(scene.context(), scene.cluster, "inspect");

  expect(await driftOf(scene)).toBe("there is no ConfigMap aws-auth");
});

test.each(["report", "repair"] as const)(
  "a grant is told not to be in force where its section can't be read, and to be again when it can: %s",
  async (drift) => {
    const scene = await aDirectScene(initialAwsAuth, drift);
    await reconcileCluster(scene.context(), scene.cluster);
    const whole = scene.aws.awsAuth()?.data?.mapUsers ?? "";
    scene.aws.editMapUsers((text) => `${text}  - : [\n`);

    await reconcileCluster(scene.context(), scene.cluster, "inspect");
    const broken = await driftOf(scene);
    scene.aws.editMapUsers(() => whole);
    await reconcileCluster(scene.context(), scene.cluster, "inspect");

    expect(broken).toContain("mapUsers");
    expect(broken).toContain("line 6");
    expect(broken).not.toMatch(/\.$/);
    expect(await driftOf(scene)).toBeNull();
  },
);
