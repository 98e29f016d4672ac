import type { Cluster } from "../../access/policy/cluster.ts";
import { callerIdentity } from "../../aws/caller-identity.ts";
import type { AwsCredentials } from "../../aws/credentials.ts";
import type { EksCluster } from "../../aws/eks-cluster.ts";
import { apiServerFinding, modeFinding, unread, writeFinding } from "../../diagnosis/cluster-links.ts";
import { found, named } from "../../diagnosis/link.ts";
import type { WorkerContext } from "../context.ts";
import { becomeCreator } from "../open/become-creator.ts";
import { knownCreator } from "../open/discover-creator.ts";
import { connectAs } from "../open/open-cluster.ts";
import { openEks } from "../open/open-eks.ts";
import type { ReachedCluster } from "../open/reach-cluster.ts";
import type { LinkTaker } from "../take-links.ts";

/** What `mayI` is asked about. */
const awsAuth = { resource: "configmaps", namespace: "kube-system", name: "aws-auth" };

/** A cluster at which the way in has come to its end. */
export type Reached = Pick<ReachedCluster, "client" | "eks" | "description">;

/** The creator, and EKS as the creator. */
export interface ReachedAws {
  readonly credentials: AwsCredentials;
  readonly creatorArn: string;
  readonly eks: EksCluster;
}

/** The links of AWS. Null: it ends there. */
export async function takeAwsLinks(
  context: WorkerContext,
  cluster: Cluster,
  user: string,
  { take }: LinkTaker,
): Promise<ReachedAws | null> {
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
  const { credentials, creatorArn } = creator;
  const eks = await take(
    "cluster",
    () => openEks(credentials, cluster),
    ({ description: { name, status, version } }) =>
      found(`${named(name)} is ${status}, Kubernetes ${version || "of unknown version"}`),
  );
  return eks ? { credentials, creatorArn, eks } : null;
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
export async function takeApiLinks(
  context: WorkerContext,
  cluster: Cluster,
  { credentials, creatorArn, eks }: ReachedAws,
  { take }: LinkTaker,
): Promise<Reached | null> {
  const { description } = eks;
  const client = await connectAs(credentials, cluster, description, context.now(), [], { as: creatorArn });
  const identity = await take("api-server", () => client.whoAmI(), apiServerFinding);
  if (identity === undefined) {
    client.close();
    return null;
  }
  const isRead = description.authenticationMode !== "API";
  await take(
    "write",
    () => (isRead ? client.mayI({ verb: "update", ...awsAuth }) : null),
    (may) => (may === null ? unread : writeFinding(may, cluster)),
  );
  await take("mode", () => description.authenticationMode, modeFinding);
  return { client, eks, description };
}
