import { beforeEach, describe, expect, test } from "vitest";
import { arns, clusterName, initialAwsAuth } from "../../../sandbox/scene.ts";
import { AccessError } from "../../../src/access/access-error.ts";
import type { Cluster } from "../../../src/access/policy/cluster.ts";
import { parseDocument } from "../../../src/aws-auth/parse.ts";
import type { ClusterClient } from "../../../src/kubernetes/cluster-client.ts";
import type { WorkerContext } from "../../../src/worker/context.ts";
import { reconcileCluster } from "../../../src/worker/reconcile/reconcile.ts";
import { identityInDocument } from "../../../src/worker/reconcile/settle-document.ts";
import { clusterIn } from "../../builders/a-cluster.ts";
import { memoryLedger } from "../../ledger/memory-ledger.ts";
import { useWorkerSide } from "../worker-side.ts";
import type { Data } from "./a-webhook.ts";
import { approve, askTogether, bound, give, modesConfig, openingWith, requestOf, revokeOnly } from "./both-ways.ts";

const side = useWorkerSide({ everyMode: true });
const { engineer, onCall } = arns;

/** A ValidatingAdmissionPolicy: it sees the whole object, also in a dry run. */
function policy(isRefused: (data: Data, before: Data) => boolean): NonNullable<WorkerContext["openCluster"]> {
  return openingWith((client) => {
    const check = (before: Data, after: Data) => {
      if (isRefused(after, before)) throw new AccessError("cluster-refused-write", "Policy p denied on-call's entry");
    };
    const rehearseWrite: ClusterClient["rehearseWrite"] = async (before, after, kept) => {
      check(before.data, after.data);
      return client.rehearseWrite(before, after, kept);
    };
    const writeAwsAuth: ClusterClient["writeAwsAuth"] = async (before, after) => {
      check(before.data, after.data);
      return client.writeAwsAuth(before, after);
    };
    return { rehearseWrite, writeAwsAuth };
  });
}

const namesOnCall = ({ mapUsers = "" }: Data) => mapUsers.includes(onCall);
const dataNow = () => side().sandbox.cluster.awsAuth()?.data ?? {};
const groupsOf = (arn: string) => identityInDocument(parseDocument(dataNow()), arn)?.groups ?? null;

const ways: readonly (readonly [string, (text: string) => string])[] = [
  ["aws-auth", (text) => text],
  ["bindings with an entry in aws-auth", bound],
];

describe.each(ways)("by %s, a policy refuses one person's entry", (_, levels) => {
  let context: WorkerContext;
  let cluster: Cluster;
  beforeEach(() => {
    context = { ...side().context(memoryLedger()), config: modesConfig(levels) };
    cluster = clusterIn(context.config, clusterName);
  });

  test("another lease that begins in the same run is given", async () => {
    await askTogether(context, cluster, [{ id: "r-theirs", principal: onCall }, { id: "r-other" }]);
    await approve(context, cluster, "r-theirs");
    await approve(context, cluster, "r-other");

    await reconcileCluster({ ...context, openCluster: policy(namesOnCall) }, cluster);

    expect((await requestOf(context, "r-other")).lease).toMatchObject({ state: "active" });
    const theirs = await requestOf(context, "r-theirs");
    expect(theirs.lease?.failure?.code ?? theirs.trouble?.code).toBe("cluster-refused-write");
    expect(groupsOf(onCall)).toBeNull();
  });

  test("a removal that it refuses delays no other end, and no beginning", async () => {
    await give(context, cluster, { id: "r-theirs", principal: onCall });
    await give(context, cluster, { id: "r-other" });
    await askTogether(context, cluster, [{ id: "r-third", principal: arns.developers }]);
    await approve(context, cluster, "r-third");
    await revokeOnly(context, "r-theirs");
    await revokeOnly(context, "r-other");
    const keeps = policy((after, before) => namesOnCall(before) && !namesOnCall(after));

    await reconcileCluster({ ...context, openCluster: keeps }, cluster);

    expect((await requestOf(context, "r-other")).lease).toMatchObject({ state: "ended" });
    expect((await requestOf(context, "r-third")).lease).toMatchObject({ state: "active" });
    expect(await requestOf(context, "r-theirs")).toMatchObject({
      lease: { state: "active" },
      trouble: { code: "cluster-refused-write" },
    });
    expect(groupsOf(engineer)).toBeNull();
  });
});

describe.each(ways)("by %s, where a webhook supports no dry run", (_, levels) => {
  const message = 'admission webhook "old" does not support dry run';
  function supportNoDryRun() {
    const body = JSON.stringify({ kind: "Status", reason: "BadRequest", code: 400, message });
    const always = { times: Number.POSITIVE_INFINITY };
    side().sandbox.faults.plan("kubernetes.dry-run-configmap", { type: "answer", status: 400, body }, always);
  }
  async function whyNot(context: WorkerContext, id: string) {
    const { lease, trouble } = await requestOf(context, id);
    return lease?.failure?.message ?? trouble?.message;
  }

  test("a lease ends, and none begins", async () => {
    const context = { ...side().context(memoryLedger()), config: modesConfig(levels) };
    const cluster = clusterIn(context.config, clusterName);
    await give(context, cluster, { id: "r-theirs", principal: onCall });
    await askTogether(context, cluster, [{ id: "r-other" }]);
    await approve(context, cluster, "r-other");
    await revokeOnly(context, "r-theirs");
    supportNoDryRun();

    await reconcileCluster(context, cluster);

    expect((await requestOf(context, "r-theirs")).lease).toMatchObject({ state: "ended" });
    expect(await whyNot(context, "r-other")).toContain(`${message}. Let that webhook`);
    expect(dataNow()).toEqual(initialAwsAuth);
  });

  test("nor one that only extends another, although its write gives nothing new", async () => {
    const context = { ...side().context(memoryLedger()), config: modesConfig(levels) };
    const cluster = clusterIn(context.config, clusterName);
    await give(context, cluster, { id: "r-theirs", principal: onCall });
    await give(context, cluster, { id: "r-other" });
    const longer = { extends: "r-theirs", durationSeconds: 7200, principal: onCall };
    await askTogether(context, cluster, [{ id: "r-longer", ...longer }]);
    await approve(context, cluster, "r-longer");
    await revokeOnly(context, "r-other");
    supportNoDryRun();

    await reconcileCluster(context, cluster);

    expect((await requestOf(context, "r-longer")).lease?.state).not.toBe("active");
    expect(await whyNot(context, "r-longer")).toContain(message);
    expect((await requestOf(context, "r-other")).lease).toMatchObject({ state: "ended" });
  });
});

describe("a policy that refuses a repair", () => {
  let context: WorkerContext;
  let cluster: Cluster;
  beforeEach(() => {
    const repairing = (text: string) => text.replace(`  ${clusterName}:\n`, `  ${clusterName}:\n    drift: repair\n`);
    context = { ...side().context(memoryLedger()), config: modesConfig(repairing) };
    cluster = clusterIn(context.config, clusterName);
  });

  test("keeps no other lease, and the record says that the access is lost, and why", async () => {
    await give(context, cluster, { id: "r-other" });
    const before = dataNow();
    await give(context, cluster, { id: "r-theirs", principal: onCall });
    await side().sandbox.cluster.editAwsAuth((map) => ({ ...map, data: before }));
    await revokeOnly(context, "r-other");

    await reconcileCluster({ ...context, openCluster: policy(namesOnCall) }, cluster, "end");

    expect((await requestOf(context, "r-other")).lease).toMatchObject({ state: "ended" });
    expect((await requestOf(context, "r-theirs")).lease?.drift?.message).toContain("Policy p denied on-call's entry");
    expect(dataNow()).toEqual(initialAwsAuth);
  });

  test("keeps no other lease of the same person", async () => {
    await give(context, cluster, { id: "r-kept", principal: onCall });
    await give(context, cluster, { id: "r-ends", principal: onCall, level: "admin" });
    const isGone = ({ mapUsers = "" }: Data) => !mapUsers.includes("eks-access:viewers");
    await side().sandbox.cluster.editAwsAuth((map) => {
      return {
        ...map,
        data: { ...map.data, mapUsers: `${map.data?.mapUsers?.replace(/ +- "eks-access:viewers"\n/, "")}` },
      };
    });
    await revokeOnly(context, "r-ends");
    const refusing = policy((after) => !isGone(after));

    await reconcileCluster({ ...context, openCluster: refusing }, cluster, "end");

    expect((await requestOf(context, "r-ends")).lease).toMatchObject({ state: "ended" });
    expect((await requestOf(context, "r-kept")).lease?.drift).not.toBeNull();
    expect(groupsOf(onCall)).toBeNull();
  });

  test("and every other write: the record says that the access is lost", async () => {
    await give(context, cluster, { id: "r-theirs", principal: onCall });
    await side().sandbox.cluster.editAwsAuth((map) => ({ ...map, data: initialAwsAuth }));

    await reconcileCluster({ ...context, openCluster: policy(() => true) }, cluster, "inspect");

    expect((await requestOf(context, "r-theirs")).lease?.drift?.message).toContain("Policy p denied on-call's entry");
  });
});
