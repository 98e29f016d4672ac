import { beforeEach, describe, expect, test } from "vitest";
import { arns, clusterName, initialAwsAuth } from "../../../sandbox/scene.ts";
import { AccessError } from "../../../src/access/access-error.ts";
import type { Cluster } from "../../../src/access/policy/cluster.ts";
import { stateText, troubleText } from "../../../src/slack/show/words.ts";
import type { WorkerContext } from "../../../src/worker/context.ts";
import { openCluster } from "../../../src/worker/open-cluster.ts";
import { adoptCluster } from "../../../src/worker/reconcile/adopt.ts";
import { reconcileCluster } from "../../../src/worker/reconcile/reconcile.ts";
import { clusterIn } from "../../builders/a-cluster.ts";
import { memoryLedger } from "../../ledger/memory-ledger.ts";
import { useWorkerSide } from "../worker-side.ts";
import {
  approve,
  ask,
  dyingBefore,
  modesConfig,
  type Outside,
  outsideDocument,
  outsideEntries,
  requestOf,
} from "./both-ways.ts";

const side = useWorkerSide({ everyMode: true });
const { engineer } = arns;
const id = "r-one";
const viewers = "eks-access:viewers";
let context: WorkerContext;
let cluster: Cluster;
let outside: Outside;

/** A lease of a person with an entry, which is written by a run that dies before the record says so. */
async function writeAndDie(): Promise<void> {
  await outside.edit(engineer, ["readers"]);
  await ask(context, cluster, { id });
  await approve(context, cluster, id);
  await reconcileCluster(dyingBefore("lease.active", context), cluster);
}

function use(name: string): void {
  const config = modesConfig();
  context = { ...side().context(memoryLedger()), config };
  cluster = clusterIn(config, name);
}

/** What the channel's message says of it, without its times. */
async function said(): Promise<string> {
  const request = await requestOf(context, id);
  return `${stateText(request)}\n${troubleText(request)}`.replaceAll(/<!date[^>]*>/g, "at a time");
}

describe("by aws-auth, what was written by an approval that is void now", () => {
  const editSections = (change: (data: Readonly<Record<string, string>>) => Record<string, string>) =>
    side().sandbox.cluster.editAwsAuth((map) => ({ ...map, data: change(map.data ?? {}) }));
  const broken = "- userarn: [\n";
  const breakUsers = () =>
    editSections(({ mapUsers = "", ...others }) => ({ ...others, mapUsers: `${mapUsers}${broken}` }));
  const repairUsers = () =>
    editSections(({ mapUsers = "", ...others }) => ({ ...others, mapUsers: mapUsers.replace(broken, "") }));

  beforeEach(async () => {
    use(clusterName);
    outside = outsideDocument(side().sandbox);
    await editSections(() => ({ ...initialAwsAuth }));
    await writeAndDie();
  });

  test("stays on record while its section can't be read, and is removed when it can", async () => {
    await breakUsers();
    await reconcileCluster(context, cluster, "inspect");
    const waiting = await requestOf(context, id);
    const text = await said();
    await repairUsers();
    expect(await outside.given(engineer)).toEqual([viewers, "readers"]);
    await reconcileCluster(context, cluster, "inspect");

    expect(waiting).toMatchObject({ state: "approved", trouble: { code: "document-unchanged" } });
    expect(text).toMatchInlineSnapshot(`
      "Approved by <@U0APPROVER> at a time. *Approval stopped counting* at a time: I remove the access
      :warning: The worker can't remove what it wrote to aws-auth: mapUsers, line 5: The authenticator can't read mapUsers, so none of its entries works: did not find expected node content. Correct it here or above. Until then, eks-access gives no access through aws-auth. Repair that; then the worker removes it. Tried 2 times; next try at a time."
    `);
    expect(await requestOf(context, id)).toMatchObject({ state: "pending", lease: null, trouble: null });
    expect(await outside.given(engineer)).toEqual(["readers"]);
  });

  test("is found by the hourly look where a person writes a backup of then back", async () => {
    const backup = side().sandbox.cluster.awsAuth() ?? expect.fail("there is no aws-auth");
    await outside.edit(engineer, [viewers, "readers", "writers"]);
    await reconcileCluster(context, cluster, "inspect");
    expect((await requestOf(context, id)).state).toBe("pending");
    await side().sandbox.cluster.editAwsAuth(({ metadata }) => ({
      ...backup,
      metadata: { ...metadata, annotations: backup.metadata.annotations ?? {} },
    }));
    expect(await outside.given(engineer)).toEqual([viewers, "readers"]);

    await adoptCluster(context, cluster);

    expect(await outside.given(engineer)).toEqual(["readers"]);
  });

  test("is removed at once where only another section can't be read", async () => {
    await outside.edit(engineer, [viewers, "readers", "writers"]);
    await editSections((data) => ({ ...data, mapRoles: "- rolearn: [\n" }));
    await reconcileCluster(context, cluster, "inspect");

    expect(await requestOf(context, id)).toMatchObject({ state: "pending", lease: null });
    expect(await outside.given(engineer)).toEqual(["readers", "writers"]);
  });
});

test("by access entries, the message of an approval that is void does not say that it is being applied", async () => {
  use("analytics");
  outside = outsideEntries(side().sandbox, cluster);
  await writeAndDie();
  await outside.edit(engineer, [viewers, "readers", "writers"]);
  const withoutAnswer: typeof openCluster = async (...args) => {
    const open = await openCluster(...args);
    const setGroups = () => Promise.reject(new AccessError("aws-unreachable", "AWS did not answer"));
    return { ...open, entries: open.entries && { ...open.entries, setGroups } };
  };

  await reconcileCluster({ ...context, openCluster: withoutAnswer }, cluster, "inspect");

  expect(await said()).toMatchInlineSnapshot(`
    "Approved by <@U0APPROVER> at a time. *Approval stopped counting* at a time: I remove the access
    :warning: AWS did not answer. Check the network path. Tried 2 times; next try at a time."
  `);
});
