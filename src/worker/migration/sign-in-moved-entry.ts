import { explain } from "../../access/failure/access-error.ts";
import type { Cluster } from "../../access/policy/cluster.ts";
import { signInWay } from "../../access/policy/sign-in.ts";
import type { Finding, MappedIdentity } from "../../access/request/record.ts";
import type { AccessEntry } from "../../access-entry/index.ts";
import { render } from "../../aws-auth/index.ts";
import type { WorkerContext } from "../context.ts";
import { connectAs } from "../open/open-cluster.ts";
import type { ReachedCluster } from "../open/reach-cluster.ts";
import type { Errand } from "../open/session-of.ts";
import { becomePrincipal, type PrincipalSession } from "../sign-in/become-principal.ts";
import { signIn } from "../sign-in/sign-in.ts";

/**
 * Signs in as a principal whose access entry was just made, where the worker may become it (`signIn.roles`): until the entry
 * takes effect the API server may still go by aws-auth, so it is tried again, bounded.
 */
export async function signInByMovedEntry(
  context: WorkerContext,
  cluster: Cluster,
  { description }: Pick<ReachedCluster, "description">,
  errand: Errand,
  entry: AccessEntry,
): Promise<Finding> {
  // Settings name roles with their paths, the document and so the question without.
  const way = signInWay(cluster, entry.principalArn.replace(/:role\/.*\//, ":role/"));
  if (way.type === "not tested") return { result: "not tested", detail: way.why };
  try {
    const exact = { ...way, roleArn: entry.principalArn };
    const session = await becomePrincipal(cluster, exact, errand, context.awsRequests);
    const identity = identityBy(entry, session);
    const isAdmin = entry.policies.length > 0;
    const pods = { namespace: isAdmin ? "" : "default", isPromised: isAdmin };
    const connect = (attempt: number) =>
      connectAs(session.credentials, cluster, description, context.now(), [errand], { tokenSeconds: 60 + attempt });
    const expected = async () => ({ identity, place: "the access entries" });
    return await signIn({ expected, pods, connect, mappedAt: context.now().getTime() }, context);
  } catch (error) {
    context.log.warn({ cluster: cluster.name, err: error }, "could not sign in as the principal of an access entry");
    return { result: "not tested", detail: explain(error) };
  }
}

function identityBy({ username, groups }: AccessEntry, { arn }: PrincipalSession): MappedIdentity | null {
  const [, , , , accountId = ""] = arn.split(":");
  const rendered = render(username, { accountId, sessionName: arn.split("/").at(-1) ?? "" });
  return rendered === null ? null : { username: rendered, groups };
}
