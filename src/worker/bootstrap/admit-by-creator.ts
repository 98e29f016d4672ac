import { AccessError } from "../../access/failure/access-error.ts";
import { mapOwner } from "../../access/lease/map-owner.ts";
import { partitionOf } from "../../access/policy/cluster.ts";
import { creatorArnOf } from "../../access/policy/creator.ts";
import { operatorGroup, operatorUsername } from "../../access/policy/operator.ts";
import { entryOf, type PlannedText, parseDocument, planChanges, withoutRolePath } from "../../aws-auth/index.ts";
import type { ClusterClient } from "../../kubernetes/cluster-client.ts";
import type { AwsAuthConfigMap } from "../../kubernetes/config-map.ts";
import { becomeCreator } from "../open/become-creator.ts";
import { creatorFor } from "../open/creator-use.ts";
import { connectAs } from "../open/open-cluster.ts";
import { again, type Bootstrap, differing, purpose, type WayIn, writeObjects } from "./way-in.ts";

/** Lets the operator in as the creator: the roles and bindings, then its entry in aws-auth. @throws AccessError */
export async function admitByCreator(bootstrap: Bootstrap): Promise<WayIn> {
  const { context, cluster, description, wanted } = bootstrap;
  const creator = await creatorFor(context, cluster, "bootstrap");
  const { credentials, creatorArn } = await becomeCreator(cluster, creator, [purpose], context.awsRequests);
  const options = { as: creatorArnOf(creator), ledger: context.ledger };
  const client = await connectAs(credentials, cluster, description, context.now(), [purpose], options);
  try {
    const objects = await differing(client, wanted);
    const { plan } = await planOperatorEntry(client, bootstrap, creatorArn);
    const entry = plan.diff === "" ? [] : [`Add ${withoutRolePath(cluster.operator.roleArn)} to aws-auth.`];
    return {
      steps: [...objects, ...entry],
      diff: plan.diff,
      // The entry comes last: until its rights are complete, the operator is not let in.
      apply: async () => {
        await writeObjects(client, wanted);
        await again(() => writeOperatorEntry(client, bootstrap, creatorArn));
      },
      close: client.close,
    };
  } catch (error) {
    client.close();
    throw error;
  }
}

interface EntryPlan {
  /** Null: there is none, and it may be created. */
  readonly configMap: AwsAuthConfigMap | null;
  readonly plan: PlannedText;
}

/**
 * Plans the operator's entry in aws-auth, with the same engine and the same guards as that of a lease.
 * @param creatorArn null: unknown @throws AccessError if the entry can't be ours
 */
export async function planOperatorEntry(
  client: Pick<ClusterClient, "readAwsAuth">,
  { cluster }: Pick<Bootstrap, "cluster">,
  creatorArn: string | null,
): Promise<EntryPlan> {
  const { name, account, createAwsAuth, operator } = cluster;
  const configMap = await client.readAwsAuth();
  if (!configMap && !createAwsAuth) {
    throw new AccessError("document-absent", `The ConfigMap aws-auth of ${name} does not exist`);
  }
  const arn = withoutRolePath(operator.roleArn);
  const document = parseDocument(configMap?.data ?? {});
  const entry = entryOf(document, arn);
  if (entry?.groups.some((group) => group !== operatorGroup)) throw notDedicated(arn, entry.groups, name);
  const map = { type: "map", arn, username: operatorUsername, groups: [operatorGroup] } as const;
  const plan = planChanges(document, [map], { creatorArn, account, partition: partitionOf(cluster) });
  const refusal = plan.type === "refused" ? plan.refusal : plan.refused[0];
  if (plan.type === "refused" || refusal) {
    const what = `aws-auth of ${name} can't take the operator`;
    throw new AccessError("cluster-refused-write", what, { remedy: refusal?.message ?? "" });
  }
  const owner = mapOwner(cluster, configMap?.managers ?? []);
  if (owner && plan.diff !== "") {
    const remedy = `Add an entry for ${arn} there, with the username ${operatorUsername} and the group ${operatorGroup}. Then run it again.`;
    throw new AccessError("cluster-refused-write", `aws-auth of ${name} belongs to ${owner.name}`, { remedy });
  }
  return { configMap, plan };
}

function notDedicated(arn: string, groups: readonly string[], cluster: string): AccessError {
  const what = `${arn} is in aws-auth of ${cluster} already, with ${groups.join(", ")}`;
  return new AccessError("cluster-refused-write", what, {
    remedy: "Name a role that does nothing else, or remove that entry first.",
  });
}

async function writeOperatorEntry(client: ClusterClient, bootstrap: Bootstrap, creatorArn: string): Promise<void> {
  const { configMap, plan } = await planOperatorEntry(client, bootstrap, creatorArn);
  if (plan.diff === "") return;
  // Empty first, as a rescue does: each later write has a resourceVersion.
  const before = configMap ?? (await client.createAwsAuth({ data: {}, annotations: {} }));
  const content = { data: plan.after, annotations: before.annotations };
  await client.rehearseWrite(before, content);
  await client.writeAwsAuth(before, content);
}
