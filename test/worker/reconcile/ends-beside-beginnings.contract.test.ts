import { beforeEach, describe, expect, test } from "vitest";
import { arns, clusterName } from "../../../sandbox/scene.ts";
import type { Cluster } from "../../../src/access/policy/cluster.ts";
import type { WorkerContext } from "../../../src/worker/context.ts";
import { reconcileCluster } from "../../../src/worker/reconcile/reconcile.ts";
import { clusterIn } from "../../builders/a-cluster.ts";
import { patiently } from "../../builders/times.ts";
import { memoryLedger } from "../../ledger/memory-ledger.ts";
import { useWorkerSide } from "../worker-side.ts";
import { approve, ask, give, modesConfig, requestOf, revokeOnly } from "./both-ways.ts";

const side = useWorkerSide({ everyMode: true });

describe.each([
  ["aws-auth", clusterName, ["kubernetes.get-configmap", "kubernetes.replace-configmap"]],
  // The one that leaves an entry for late calls comes last.
  ["access entries", "analytics", ["eks.CreateAccessEntry", "eks.DescribeAccessEntry"]],
])("while a beginning by %s is not answered", (_, name, ofItsWay) => {
  let context: WorkerContext;
  let cluster: Cluster;

  beforeEach(async () => {
    context = { ...side().context(memoryLedger()), config: modesConfig() };
    cluster = clusterIn(context.config, name);
    await give(context, cluster, { id: "r-first" });
    await ask(context, cluster, { id: "r-second", principal: arns.onCall });
    await approve(context, cluster, "r-second");
  });

  test.each(["sts.AssumeRole", "eks.DescribeCluster", ...ofItsWay])("at %s, an end is done", async (call) => {
    let answer = () => {};
    const answered = new Promise<void>((resolve) => {
      answer = resolve;
    });
    const { struck } = side().sandbox.faults.plan(call, { type: "watch" }, { onStrike: () => answered });
    const beginning = patiently(() => reconcileCluster(context, cluster));
    await struck;

    await revokeOnly(context, "r-first");
    await reconcileCluster(context, cluster, "end");

    expect((await requestOf(context, "r-first")).lease?.state).toBe("ended");
    expect((await requestOf(context, "r-second")).lease?.state).toBe("scheduled");
    answer();
    await beginning;
  });
});
