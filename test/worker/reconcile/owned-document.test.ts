import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { arns, clusterName, initialAwsAuth } from "../../../sandbox/scene.ts";
import type { WorkerContext } from "../../../src/worker/context.ts";
import { reconcileCluster } from "../../../src/worker/reconcile/reconcile.ts";
import { clusterIn } from "../../builders/a-cluster.ts";
import { memoryLedger } from "../../ledger/memory-ledger.ts";
import { useWorkerSide } from "../worker-side.ts";
import { ask, give, modesConfig, requestOf, revokeGiven } from "./both-ways.ts";

const side = useWorkerSide({ everyMode: true });
let context: WorkerContext;

beforeEach(() => {
  context = { ...side().context(memoryLedger()), config: modesConfig() };
});
afterEach(() => restore(clusterName));

/** Another tool writes its own text again. */
async function restore(name: string, manager = "kubectl-replace"): Promise<void> {
  const data = { ...initialAwsAuth, mapRoles: `${initialAwsAuth.mapRoles}# by ${manager}\n` };
  await side()
    .sandbox.clusters.get(name)
    ?.editAwsAuth(({ metadata: { annotations: _, ...metadata }, ...map }) => ({ ...map, metadata, data }), manager);
}

describe("where Terraform wrote aws-auth last", () => {
  test("a request by aws-auth is refused with the way out, and nothing is written", async () => {
    await restore(clusterName, "HashiCorp");
    const before = JSON.stringify(side().sandbox.cluster.awsAuth());

    const asked = await ask(context, clusterIn(context.config, clusterName), { id: "r-one" });

    expect(asked.refusal).toMatchObject({ code: "document-owned" });
    expect(asked.refusal?.message).toMatch(/^aws-auth of .* belongs to Terraform \(HashiCorp wrote it last\)/);
    expect(JSON.stringify(side().sandbox.cluster.awsAuth())).toBe(before);
  });

  test("a request is taken with owner: none", async () => {
    const text = (written: string) => written.replaceAll("    channel:", "    owner: none\n    channel:");
    context = { ...context, config: modesConfig(text) };
    await restore(clusterName, "HashiCorp");

    const given = await give(context, clusterIn(context.config, clusterName), { id: "r-one" });

    expect(given.lease?.state).toBe("active");
    await revokeGiven(context, clusterIn(context.config, clusterName), "r-one");
  });

  test("an access entry is made where the cluster reads both, although aws-auth is the configured way", async () => {
    const text = (written: string) => written.replaceAll("    channel:", "    way: aws-auth\n    channel:");
    context = { ...context, config: modesConfig(text) };
    await restore("checkout", "HashiCorp");

    const asked = await ask(context, clusterIn(context.config, "checkout"), { id: "r-one" });

    expect(asked.preview?.way).toBe("access-entry");
    await restore("checkout");
  });

  test("a lease of before still ends, and leaves nothing", async () => {
    const cluster = clusterIn(context.config, clusterName);
    await give(context, cluster, { id: "r-one" });
    const { mapUsers } = side().sandbox.cluster.awsAuth()?.data ?? {};
    await side().sandbox.cluster.editAwsAuth(
      (map) => ({ ...map, data: { ...map.data, mapUsers: `${mapUsers}# theirs\n` } }),
      "argocd-controller",
    );

    const ended = await revokeGiven(context, cluster, "r-one");

    expect(ended.lease?.state).toBe("ended");
    expect(side().sandbox.cluster.awsAuth()?.data?.mapUsers ?? "").not.toContain(arns.engineer);
  });
});

test("the third revert in a week is remembered, the first two are not", async () => {
  const cluster = clusterIn(context.config, clusterName);
  const reverted = async () => (await context.ledger.revertedAt([clusterName])).has(clusterName);
  const seen: boolean[] = [];
  for (const id of ["r-one", "r-two", "r-three"]) {
    await give(context, cluster, { id });
    await restore(clusterName);
    await reconcileCluster(context, cluster, "inspect");
    await reconcileCluster(context, cluster, "inspect");
    seen.push(await reverted());
    expect((await requestOf(context, id)).lease?.drift).not.toBeNull();
    await revokeGiven(context, cluster, id);
  }
  expect(seen).toEqual([false, false, true]);
});
