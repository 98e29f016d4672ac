import { callerIdentity } from "../aws/caller-identity.ts";
import { describeCluster } from "../aws/describe-cluster.ts";
import type { AwsAuthDocument } from "../aws-auth/document.ts";
import { resolve } from "../aws-auth/resolve.ts";
import { apiServerFinding, documentFinding, modeFinding, writeFinding } from "../diagnosis/cluster-links.ts";
import { completeChain, found, named } from "../diagnosis/link.ts";
import {
  type Asker,
  driftFinding,
  identityOf,
  leasesFinding,
  podsFinding,
  type Standing,
  youFinding,
} from "../diagnosis/person-links.ts";
import type { Cluster } from "../policy/cluster.ts";
import { partitionOf } from "../policy/may-request.ts";
import { readCaller } from "../principal/caller.ts";
import { accessEntryFact } from "./access-entry-fact.ts";
import { becomeCreator } from "./become-creator.ts";
import type { ChainReport } from "./chain-report.ts";
import type { WorkerContext } from "./context.ts";
import { knownCreator } from "./discover-creator.ts";
import { driftsIn, type LookedAt, lookAtDocument } from "./look-at-document.ts";
import { addressOf, connectAs } from "./open-cluster.ts";
import type { ReachedCluster } from "./reach-cluster.ts";
import { type LinkTaker, linkTaker } from "./take-links.ts";

/** The resources that `mayI` and `may` are asked about. */
const awsAuth = { resource: "configmaps", namespace: "kube-system", name: "aws-auth" };
const pods = { verb: "list", resource: "pods", namespace: "default" };

export interface ChainQuestion {
  /** Slack user id of whoever asks. */
  readonly user: string;
  /** Whether they answer for the cluster, and may see what others have. */
  readonly answers: boolean;
}

/** Goes the whole way from the worker's own identity to somebody's pods, and tells each link with its time. */
export async function reportChain(
  context: WorkerContext,
  cluster: Cluster,
  asked: ChainQuestion,
): Promise<ChainReport> {
  const taker = linkTaker(context.log);
  const { user, answers } = asked;
  const aws = await takeAwsLinks(context, cluster, user, taker);
  const reached = aws && (await takeApiLinks(context, cluster, aws, taker));
  try {
    const asker = { user, answers, principal: await context.ledger.principalOf(user) };
    const looked = reached && (await lookInside(context, cluster, reached, taker));
    if (reached && looked) await lookForPerson(cluster, reached, looked, asker, taker);
    await lookAtLeases(context, cluster, asker, looked, taker);
  } finally {
    reached?.client.close();
  }
  return { links: [...completeChain(taker.links)] };
}

type Reached = Pick<ReachedCluster, "client" | "credentials" | "description">;

/** The links of AWS. Null: it ends there. */
async function takeAwsLinks(
  context: WorkerContext,
  cluster: Cluster,
  user: string,
  { take }: LinkTaker,
): Promise<Pick<Reached, "credentials" | "description"> | null> {
  const isNeeded = needsOwnIdentity(cluster);
  const worker = await take(
    "worker",
    () => callerIdentity("default", cluster.region).catch((error: unknown) => orThrow(isNeeded, error)),
    (who) => found(who ? `AWS says: ${who.arn}` : "it has no identity of its own, and needs none for this cluster"),
  );
  if (worker === undefined) return null;
  const creator = await take(
    "creator",
    async () => becomeCreator(cluster, await knownCreator(context, cluster), [{ id: "whoami", requester: user }]),
    ({ identity }) => found(`the worker is ${identity.arn}`),
  );
  if (!creator) return null;
  const { credentials } = creator;
  const description = await take(
    "cluster",
    () => describeCluster(credentials, addressOf(cluster)),
    ({ name, status, version }) => found(`${named(name)} is ${status}, Kubernetes ${version || "of unknown version"}`),
  );
  return description ? { credentials, description } : null;
}

/** A user whose keys stand in a profile is become without any identity of the worker's own. */
function needsOwnIdentity({ creator }: Cluster): boolean {
  return creator.type !== "user" || creator.profile === undefined;
}

function orThrow(isNeeded: boolean, error: unknown): null {
  if (isNeeded) throw error;
  return null;
}

/** The links of the API server behind them. Null: it ends there. */
async function takeApiLinks(
  context: WorkerContext,
  cluster: Cluster,
  aws: Pick<Reached, "credentials" | "description">,
  { take }: LinkTaker,
): Promise<Reached | null> {
  const { credentials, description } = aws;
  const client = await connectAs(credentials, cluster, description, context.now(), []);
  const identity = await take("api-server", () => client.whoAmI(), apiServerFinding);
  if (identity === undefined) {
    client.close();
    return null;
  }
  await take(
    "write",
    () => client.mayI({ verb: "update", ...awsAuth }),
    (may) => writeFinding(may, cluster),
  );
  await take("mode", () => description.authenticationMode, modeFinding);
  return { client, ...aws };
}

/** Null: there is no document to look at. */
async function lookInside(
  context: WorkerContext,
  cluster: Cluster,
  { client, description }: Reached,
  { take }: LinkTaker,
): Promise<LookedAt | null> {
  if (description.authenticationMode === "API") return null;
  const looked = await take(
    "document",
    () => lookAtDocument(client, cluster, context.sealKeys),
    (facts) => documentFinding(facts, cluster),
  );
  return looked ?? null;
}

async function lookForPerson(
  cluster: Cluster,
  reached: Reached,
  { document }: LookedAt,
  asker: Asker,
  { take }: LinkTaker,
): Promise<void> {
  const standing = await take(
    "you",
    async () => standingOf(cluster, reached, document, asker),
    (found) => youFinding(asker, found, cluster),
  );
  const identity = standing && identityOf(standing);
  if (!identity) return;
  await take(
    "pods",
    () => reached.client.may(identity, pods),
    (answer) => podsFinding(answer, standing, cluster),
  );
}

async function standingOf(
  cluster: Cluster,
  reached: Reached,
  document: AwsAuthDocument,
  { principal }: Asker,
): Promise<Standing> {
  const reading = principal === null ? null : readCaller(principal, partitionOf(cluster));
  if (reading?.type !== "caller") return { accessEntry: { type: "none" }, mapped: null };
  const { caller } = reading;
  return { accessEntry: await accessEntryFact(reached, cluster, caller), mapped: resolve(document, caller.callerArn) };
}

/** The ledger knows the leases, whatever the cluster says. */
async function lookAtLeases(
  { ledger }: WorkerContext,
  cluster: Cluster,
  asker: Asker & ChainQuestion,
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
    (drifts) => driftFinding(drifts, inForce.length, cluster, asker),
  );
}
