import { callerIdentity } from "../aws/caller-identity.ts";
import { describeCluster } from "../aws/describe-cluster.ts";
import { resolve } from "../aws-auth/resolve.ts";
import { apiServerFinding, documentFinding, modeFinding, writeFinding } from "../diagnosis/cluster-links.ts";
import { completeChain, found, named } from "../diagnosis/link.ts";
import { type Asker, driftFinding, leasesFinding, podsFinding, youFinding } from "../diagnosis/person-links.ts";
import type { ClusterClient } from "../kubernetes/cluster-client.ts";
import type { Cluster } from "../policy/cluster.ts";
import { becomeCreator } from "./become-creator.ts";
import type { ChainReport } from "./chain-report.ts";
import type { WorkerContext } from "./context.ts";
import { knownCreator } from "./discover-creator.ts";
import { driftsIn, type LookedAt, lookAtDocument } from "./look-at-document.ts";
import { addressOf, connectAs } from "./open-cluster.ts";
import { type LinkTaker, linkTaker } from "./take-links.ts";

/** The resources that `mayI` and `may` are asked about. */
const awsAuth = { resource: "configmaps", namespace: "kube-system", name: "aws-auth" };
const pods = { verb: "list", resource: "pods", namespace: "default" };

/** Goes the whole way from the worker's own identity to somebody's pods, and tells each link with its time. */
export async function reportChain(context: WorkerContext, cluster: Cluster, user: string): Promise<ChainReport> {
  const taker = linkTaker(context.log);
  const client = await reachCluster(context, cluster, user, taker);
  try {
    const asker = { user, principal: await context.ledger.principalOf(user) };
    const looked = client && (await lookInside(context, cluster, client, taker));
    if (client && looked) await lookForPerson(cluster, client.client, looked, asker, taker);
    await lookAtLeases(context, cluster, asker, looked, taker);
  } finally {
    client?.client.close();
  }
  return { links: [...completeChain(taker.links)] };
}

interface Reached {
  readonly client: ClusterClient;
  /** Whether the cluster's mode reads aws-auth. */
  readonly isRead: boolean;
}

async function reachCluster(
  context: WorkerContext,
  cluster: Cluster,
  user: string,
  { take }: LinkTaker,
): Promise<Reached | null> {
  const { region } = cluster;
  const worker = await take(
    "worker",
    () => callerIdentity("default", region),
    ({ arn }) => found(`AWS says: ${arn}`),
  );
  if (!worker) return null;
  const creator = await take(
    "creator",
    async () => becomeCreator(cluster, await knownCreator(context, cluster), [{ id: "whoami", requester: user }]),
    ({ identity }) => found(`the worker is ${identity.arn}`),
  );
  if (!creator) return null;
  const description = await take(
    "cluster",
    () => describeCluster(creator.credentials, addressOf(cluster)),
    ({ name, status, version }) => found(`${named(name)} is ${status}, Kubernetes ${version || "of unknown version"}`),
  );
  if (!description) return null;
  const client = await connectAs(creator.credentials, cluster, description, context.now());
  const identity = await take(
    "api-server",
    () => client.whoAmI(),
    (who) => apiServerFinding(who, description.version),
  );
  if (identity === undefined) {
    client.close();
    return null;
  }
  await take(
    "write",
    () => client.mayI({ verb: "update", ...awsAuth }),
    (may) => writeFinding(may, cluster),
  );
  const mode = description.authenticationMode;
  await take(
    "mode",
    () => mode,
    () => modeFinding(mode),
  );
  return { client, isRead: mode !== "API" };
}

/** Null: there is no document to look at. */
async function lookInside(
  context: WorkerContext,
  cluster: Cluster,
  { client, isRead }: Reached,
  { take }: LinkTaker,
): Promise<LookedAt | null> {
  if (!isRead) return null;
  const looked = await take(
    "document",
    () => lookAtDocument(client, cluster, context.sealKeys),
    (facts) => documentFinding(facts, cluster),
  );
  return looked ?? null;
}

async function lookForPerson(
  cluster: Cluster,
  client: ClusterClient,
  { document }: LookedAt,
  asker: Asker,
  { take }: LinkTaker,
): Promise<void> {
  const identity = asker.principal === null ? null : resolve(document, asker.principal);
  await take(
    "you",
    () => identity,
    (who) => youFinding(asker, who, cluster),
  );
  if (!identity) return;
  await take(
    "pods",
    () => client.may(identity, pods),
    (answer) => podsFinding(answer, cluster),
  );
}

/** The ledger knows the leases, whatever the cluster says. */
async function lookAtLeases(
  { ledger }: WorkerContext,
  cluster: Cluster,
  asker: Asker,
  looked: LookedAt | null,
  { take }: LinkTaker,
): Promise<void> {
  const open = await take(
    "leases",
    () => ledger.openOf(cluster.name),
    (requests) => leasesFinding(requests, asker),
  );
  if (!open || !looked) return;
  const inForce = open.filter(({ grant }) => grant?.state === "active" && !grant.end);
  await take(
    "drift",
    () => driftsIn(looked, inForce),
    (drifts) => driftFinding(drifts, inForce.length, cluster),
  );
}
