import { beforeEach, describe, expect, test } from "vitest";
import { arns, clusterName } from "../../../sandbox/scene.ts";
import { bytesOf } from "../../../src/access/lease/annotation.ts";
import type { Cluster } from "../../../src/access/policy/cluster.ts";
import type { WorkerContext } from "../../../src/worker/context.ts";
import { openCluster } from "../../../src/worker/open-cluster.ts";
import { reconcileCluster } from "../../../src/worker/reconcile/reconcile.ts";
import { clusterIn } from "../../builders/a-cluster.ts";
import { memoryLedger } from "../../ledger/memory-ledger.ts";
import { useWorkerSide } from "../worker-side.ts";
import { give, modesConfig, type Outside, outsideOf, requestOf, revokeGiven } from "./both-ways.ts";
import { entriesOf } from "./entries-of.ts";

const side = useWorkerSide({ everyMode: true });
const { engineer } = arns;
const id = "r-one";
const maxTags = 50;

/** Others take all the room in which the document could remember anything, and our own memory with it. */
async function fillAnnotations(): Promise<void> {
  await side().sandbox.cluster.editAwsAuth(({ metadata, ...map }) => {
    const filler = "x".repeat(256 * 1024 - bytesOf({ filler: "" }));
    return { ...map, metadata: { ...metadata, annotations: { filler } } };
  });
}

/** Others take every tag that EKS lets a cluster have. */
async function fillTags(cluster: Cluster): Promise<void> {
  const keys = Array.from({ length: maxTags }, (_, index) => `others-${index}`);
  await entriesOf(side().sandbox, cluster).tagCluster(Object.fromEntries(keys.map((key) => [key, ""])));
}

/** The cluster as a worker opens it for whom a person acts once, right before it reads what is there. @param mapRead at each look at aws-auth */
function beforeReading(act: () => Promise<void>, mapRead = () => {}): NonNullable<WorkerContext["openCluster"]> {
  let isDone = false;
  const actOnce = async () => {
    if (isDone) return;
    isDone = true;
    await act();
  };
  return async (context, about, purposes) => {
    const { client, entries, ...open } = await openCluster(context, about, purposes);
    const readAwsAuth = async () => {
      mapRead();
      await actOnce();
      return client.readAwsAuth();
    };
    const list = async () => {
      await actOnce();
      return entries?.list() ?? [];
    };
    return { ...open, client: { ...client, readAwsAuth }, entries: entries && { ...entries, list } };
  };
}

/**
 * The records are read before the cluster. What another run ends in between is gone from the cluster and in force in the
 * records: where the cluster can't remember that it was revoked, only their versions tell it from drift.
 */
describe.each([
  { way: "aws-auth", name: clusterName, mapsRead: 2 },
  // An operator has no right to read a document that its cluster does not.
  { way: "access-entry", name: "analytics", mapsRead: 0 },
] as const)("by $way, with drift: repair", ({ way, name, mapsRead }) => {
  let context: WorkerContext;
  let cluster: Cluster;
  let outside: Outside;

  beforeEach(async () => {
    const config = modesConfig((text) => text.replaceAll("    channel:", "    drift: repair\n    channel:"));
    cluster = clusterIn(config, name);
    context = { ...side().context(memoryLedger()), config };
    outside = outsideOf(way, side(), cluster);
  });

  test("what another run removes between the readings of the ledger and the cluster is not restored, even if nothing can remember it", async () => {
    await give(context, cluster, { id });
    if (way === "aws-auth") await fillAnnotations();
    else await fillTags(cluster);
    let ended = await requestOf(context, id);
    let maps = 0;
    const opens = beforeReading(
      async () => {
        ended = await revokeGiven(context, cluster, id);
        expect(await outside.given(engineer)).toBeNull();
      },
      () => maps++,
    );

    await reconcileCluster({ ...context, openCluster: opens }, cluster, "inspect");

    expect(ended.lease).toMatchObject({ state: "ended", isForgotten: true });
    expect(await outside.given(engineer)).toBeNull();
    expect(await requestOf(context, id)).toEqual(ended);
    expect(maps).toBe(mapsRead);
  });
});
