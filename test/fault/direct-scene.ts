import { leasesAnnotation, readAnnotation } from "../../src/access/lease/annotation.ts";
import { type Cluster, sealedClusterOf } from "../../src/access/policy/cluster.ts";
import type { AccessRequest } from "../../src/access/record.ts";
import { keys } from "../builders/keys.ts";
import { memoryLedger } from "../ledger/memory-ledger.ts";
import { type DirectCluster, directCluster, type Outcome } from "./direct-cluster.ts";
import { fillLedger, sceneConfig } from "./reconcile-scene.ts";
import { silentContext } from "./silent-context.ts";
import type { Turns } from "./turns.ts";

const free = { point: async () => {} };
const network = { ...free, join: (act: () => Promise<void>) => void act() };

/** A cluster with two approved leases of one principal, and a worker for each run. */
export async function aDirectScene(
  data: Readonly<Record<string, string>> | null,
  drift: "report" | "repair" = "report",
) {
  const records = new Map<string, AccessRequest>();
  const ledger = memoryLedger(records);
  const { config, cluster } = sceneConfig({ createAwsAuth: data === null, drift });
  const aws = directCluster(data);
  const clock = { ms: Date.now() };
  await fillLedger(ledger, cluster, new Date(clock.ms));
  const context = (outcomes: readonly Outcome[] = [], process: Pick<Turns, "point"> = free) => ({
    ...{ ...silentContext(ledger), config, keys, now: () => new Date(clock.ms), pause: free.point },
    openCluster: aws.openFor(process, network, outcomes),
  });
  return { records, ledger, cluster, aws, clock, context };
}

export const annotationsOf = (aws: DirectCluster) => aws.awsAuth()?.metadata.annotations ?? {};

/** What the cluster remembers of our leases. */
export const memoryOf = (aws: DirectCluster, cluster: Cluster) =>
  readAnnotation(sealedClusterOf(cluster), annotationsOf(aws)[leasesAnnotation], keys.memory);
