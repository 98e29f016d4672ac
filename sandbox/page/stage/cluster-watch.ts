import type { SandboxCluster } from "../../cluster/sandbox-cluster.ts";
import type { Sandbox } from "../../sandbox.ts";
import { clusterArn } from "../../scene.ts";
import type { EntriesState } from "../cluster/entries.ts";
import { type DocumentWatch, watchDocument } from "./document-watch.ts";
import { type KubectlWatch, watchKubectl } from "./kubectl-watch.ts";

/** All that the page shows of one cluster. */
export interface ClusterWatch {
  readonly name: string;
  readonly document: DocumentWatch;
  readonly kubectl: KubectlWatch;
  entries: () => EntriesState;
  stop: () => void;
}

/** How often it is looked whether another access is in force: nobody tells. */
const lookEvery = 250;

export function watchCluster(sandbox: Sandbox, cluster: SandboxCluster, changed: () => void): ClusterWatch {
  const { name } = cluster;
  const kubectl = watchKubectl(sandbox, changed, cluster);
  const inForce = () => JSON.stringify(sandbox.aws.accessOf(clusterArn(name)));
  let known = inForce();
  const looking = setInterval(() => {
    const now = inForce();
    if (now === known) return;
    known = now;
    changed();
    void kubectl.run().catch(() => {});
  }, lookEvery);
  return {
    name,
    document: watchDocument(cluster, changed),
    kubectl,
    entries: () => entriesOf(sandbox, name),
    stop: () => clearInterval(looking),
  };
}

function entriesOf({ aws }: Sandbox, name: string): EntriesState {
  const arn = clusterArn(name);
  const { authenticationMode: mode = "CONFIG_MAP", accessEntries = [] } = aws.cluster(arn) ?? {};
  const inForce = new Map(aws.accessOf(arn)?.entries.map((entry) => [entry.principalArn, entry]));
  return { mode, entries: accessEntries.map((entry) => ({ entry, inForce: inForce.get(entry.principalArn) })) };
}
