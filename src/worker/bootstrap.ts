import { AccessError, nullIf } from "../access/access-error.ts";
import { mapOwner } from "../access/lease/drift.ts";
import { partitionOf } from "../access/policy/cluster.ts";
import { creatorArnOf } from "../access/policy/creator.ts";
import { operatorGroup, operatorObjects, operatorRules, operatorUsername } from "../access/policy/operator-rights.ts";
import { withoutRolePath } from "../access/principal.ts";
import type { AccessEntry } from "../access-entry/index.ts";
import { type AccessEntries, accessEntriesOf } from "../aws/access-entries.ts";
import { entryOf, planSteps } from "../aws-auth/index.ts";
import { authenticatedGroup, CLUSTER_ADMIN } from "../diagnosis/migration/facts.ts";
import { isRemade } from "../diagnosis/remade-roles.ts";
import { type ClusterClient, whileOpen } from "../kubernetes/cluster-client.ts";
import { inTurns } from "../operations/parallel.ts";
import { becomeCreator } from "./become-creator.ts";
import type { WorkerContext } from "./context.ts";
import { creatorForBootstrap } from "./discover-creator.ts";
import { connectAs, creatorArnFor } from "./open-cluster.ts";
import { namingOwnPolicy, openEks, openEksToManage } from "./open-eks.ts";
import {
  type Bootstrap,
  bootstrapPurpose,
  isProved,
  type OperatedCluster,
  type OperatorAdmission,
  type OperatorProof,
  objectSteps,
  proveOperator,
  retryAfterConflict,
  untilSignedIn,
  writeObjects,
} from "./operator.ts";
import { writeForOthers } from "./reconcile/write-document.ts";
import { readRemembered } from "./remembered.ts";

/** Writes nothing. By AWS rights where the cluster takes access entries, otherwise as the creator. @throws AccessError */
export async function planBootstrap(context: WorkerContext, cluster: OperatedCluster) {
  const session = await becomeCreator(cluster, cluster.operator, [bootstrapPurpose], context.awsRequests);
  const eks = await openEks(session.credentials, cluster, context.awsRequests);
  const { description } = eks;
  const rules = operatorRules({ readsAwsAuth: description.authenticationMode !== "API", cluster });
  const connect = (attempt: number) =>
    connectAs(session.credentials, cluster, description, context.now(), [bootstrapPurpose], {
      ...{ as: session.creatorArn, ledger: context.ledger, tokenSeconds: 60 + attempt },
    });
  const roleMadeAt = () => eks.roleMadeAt(cluster.operator.roleArn, context.awsRequests).catch(() => null);
  const bootstrap = { context, cluster, description, wanted: operatorObjects(rules), roleMadeAt, asOperator: connect };
  const admission = await admissionOf(bootstrap);
  const { steps, diff } = admission;
  /** Carries the steps out, and proves the operator's rights; without steps it only proves them. @throws AccessError */
  const apply = async (): Promise<OperatorProof> => {
    if (steps.length > 0) await admission.apply();
    return untilSignedIn(bootstrap, async (client, isLast) => {
      const proof = await proveOperator(client, rules);
      // Excess rights end soon only if EKS takes back the administrator's policy, which an entry had.
      const isSettled = description.authenticationMode === "CONFIG_MAP" ? proof.missing.length === 0 : isProved(proof);
      return isSettled || isLast || steps.length === 0 ? proof : null;
    });
  };
  return { steps, diff, apply };
}

async function admissionOf(bootstrap: Bootstrap): Promise<OperatorAdmission> {
  const objects = await seenByOperator(bootstrap);
  if (bootstrap.description.authenticationMode !== "CONFIG_MAP") return admitByEntry(bootstrap, objects);
  return objects?.length === 0 ? nothingToDo : admitByCreator(bootstrap);
}

const nothingToDo: OperatorAdmission = { steps: [], diff: "", apply: async () => {} };

/** What differs from the plan, as the operator sees it; null: it can't see it yet. @throws AccessError */
async function seenByOperator(bootstrap: Bootstrap): Promise<readonly string[] | null> {
  const { asOperator, context, cluster, wanted, description } = bootstrap;
  return whileOpen(asOperator(0), async (client) => {
    const objects = await objectSteps(client, wanted);
    if (description.authenticationMode !== "CONFIG_MAP") return objects;
    const creatorArn = await creatorArnFor(context, cluster, cluster.operator);
    const { plan } = await planOperatorEntry(client, bootstrap, creatorArn);
    return plan.diff === "" ? objects : [...objects, "Change its entry in aws-auth."];
  }).catch(nullIfShutOut);
}

const nullIfShutOut = nullIf("cluster-forbidden", "cluster-unauthorized");

/** Lets the operator in as the creator: its roles and bindings, then its entry in aws-auth. @throws AccessError */
async function admitByCreator(bootstrap: Bootstrap): Promise<OperatorAdmission> {
  const { context, cluster, description, wanted } = bootstrap;
  const creator = await creatorForBootstrap(context, cluster);
  const { credentials, creatorArn } = await becomeCreator(cluster, creator, [bootstrapPurpose], context.awsRequests);
  const options = { as: creatorArnOf(creator), ledger: context.ledger };
  const asCreator = <T>(use: (client: ClusterClient) => Promise<T>) =>
    whileOpen(connectAs(credentials, cluster, description, context.now(), [bootstrapPurpose], options), use);
  return asCreator(async (client) => {
    const objects = await objectSteps(client, wanted);
    const { plan } = await planOperatorEntry(client, bootstrap, creatorArn);
    const entry = plan.diff === "" ? [] : [`Add ${withoutRolePath(cluster.operator.roleArn)} to aws-auth.`];
    // The entry comes last: without all its rights, the operator does not get in.
    const apply = async (writer: ClusterClient) => {
      await writeObjects(writer, wanted);
      await retryAfterConflict(() => writeOperatorEntry(writer, bootstrap, creatorArn));
    };
    return { steps: [...objects, ...entry], diff: plan.diff, apply: () => asCreator(apply) };
  });
}

/** With the engine and the guards of a lease. @param creatorArn null: unknown @throws AccessError if the entry can't be ours */
async function planOperatorEntry(
  client: Pick<ClusterClient, "readAwsAuth">,
  { cluster }: Pick<Bootstrap, "cluster">,
  creatorArn: string | null,
) {
  const { name, account, createAwsAuth, operator } = cluster;
  const configMap = await client.readAwsAuth();
  if (!configMap && !createAwsAuth) {
    throw new AccessError("document-absent", `The ConfigMap aws-auth of ${name} does not exist`);
  }
  const arn = withoutRolePath(operator.roleArn);
  const document = await readRemembered(configMap?.data ?? {});
  refuseItem(cluster, entryOf(document, arn)?.groups ?? []);
  const map = { type: "map", arn, username: operatorUsername, groups: [operatorGroup] } as const;
  const plan = await inTurns(planSteps(document, [map], { creatorArn, account, partition: partitionOf(cluster) }));
  const refusal = plan.type === "refused" ? plan.refusal : plan.refused[0];
  if (plan.type === "refused" || refusal) {
    const what = `aws-auth of ${name} can't take the operator`;
    throw new AccessError("cluster-refused-write", what, { remedy: refusal?.message ?? "" });
  }
  const owner = mapOwner(cluster, configMap?.managers ?? []);
  if (owner && plan.diff !== "") {
    const remedy = `Map ${arn} there to the username ${operatorUsername} and the group ${operatorGroup}, then run it again.`;
    throw new AccessError("cluster-refused-write", `aws-auth of ${name} belongs to ${owner.name}`, { remedy });
  }
  return { configMap, plan };
}

const anotherRole = "Name another role, or remove that entry.";

/** @param groups that the operator's role has by aws-auth @throws AccessError */
function refuseItem({ name, operator }: OperatedCluster, groups: readonly string[]): void {
  if (groups.every((group) => group === operatorGroup)) return;
  const what = `${withoutRolePath(operator.roleArn)} is in aws-auth of ${name} already, with ${groups.join(", ")}`;
  throw new AccessError("cluster-refused-write", what, { remedy: anotherRole });
}

/** Without an entry, its people sign in by aws-auth, which a new entry would override. @throws AccessError */
async function refuseOverriding({ asOperator, cluster }: Bootstrap): Promise<void> {
  const identity = await whileOpen(asOperator(0), ({ whoAmI }) => whoAmI()).catch(nullIfShutOut);
  const groups = identity?.groups ?? [];
  refuseItem(
    cluster,
    groups.filter((group) => group !== authenticatedGroup),
  );
}

async function writeOperatorEntry(client: ClusterClient, bootstrap: Bootstrap, creatorArn: string): Promise<void> {
  const { configMap, plan } = await planOperatorEntry(client, bootstrap, creatorArn);
  if (plan.diff === "") return;
  // Empty first, as a rescue does: each later write has a resourceVersion.
  const before = configMap ?? (await client.createAwsAuth({ data: {}, annotations: {} }));
  await writeForOthers({ ...bootstrap, client }, before, plan.after);
}

/** Marks the entry of a bootstrap, so that a later bootstrap can complete it. */
export const operatorTag = "eks-access/operator";

/** An administrator's entry until its roles and bindings exist. @param objects null: the operator can't see it yet */
async function admitByEntry(bootstrap: Bootstrap, objects: readonly string[] | null): Promise<OperatorAdmission> {
  const { context, cluster } = bootstrap;
  const { roleArn } = cluster.operator;
  const creator = () => creatorForBootstrap(context, cluster);
  const eks = await openEksToManage(cluster, [bootstrapPurpose], creator, context.awsRequests).catch(naming);
  const entries = accessEntriesOf(eks, context.awsRequests);
  const using = <T>(use: (entries: AccessEntries) => Promise<T>) => use(entries).catch(naming);
  const found = await using(({ describe }) => describe(roleArn));
  refuseOthers(found, cluster.name);
  const isDead = found !== null && isRemade(found, await bootstrap.roleMadeAt());
  const entry = isDead ? null : found;
  if (!entry && bootstrap.description.authenticationMode !== "API") await refuseOverriding(bootstrap);
  const isGiven = entry?.tags[operatorTag] !== undefined && entry.groups.join() === operatorGroup;
  const isAdmin = entry?.policies.some(({ name }) => name === CLUSTER_ADMIN) ?? false;
  const needsAdmin = objects === null || objects.length > 0;
  const steps = [
    ...(isDead ? [`Delete the access entry of ${roleArn}: its role is newer.`] : []),
    ...(isGiven ? [] : [`${entry ? "Change" : "Create"} the access entry of ${roleArn}.`]),
    ...(needsAdmin ? [`Give it ${CLUSTER_ADMIN} for the next step.`] : []),
    ...(objects ?? ["Write its roles and bindings."]),
    ...(isAdmin || needsAdmin ? [`Remove ${CLUSTER_ADMIN} from it.`] : []),
  ];
  const apply = async (entries: AccessEntries) => {
    if (isDead) await entries.remove(roleArn);
    await giveEntry(entries, roleArn);
    if (needsAdmin) await asAdministrator(bootstrap, entries);
    else if (isAdmin) await entries.disassociate(roleArn, CLUSTER_ADMIN);
  };
  return { steps, diff: "", apply: () => using(apply) };
}

const naming = namingOwnPolicy("bootstrap-policy.json");

/** Takes over an entry of others only if it gives nothing else. */
function refuseOthers(entry: AccessEntry | null, cluster: string): void {
  if (!entry) return;
  const { principalArn, type, groups, policies, tags } = entry;
  const others = [
    ...groups.filter((group) => group !== operatorGroup),
    ...policies.filter(({ name }) => tags[operatorTag] === undefined || name !== CLUSTER_ADMIN).map(({ name }) => name),
  ];
  if (type === "STANDARD" && others.length === 0) return;
  const what = `${principalArn} has an access entry of ${cluster} already, with ${others.join(", ") || `the type ${type}`}`;
  throw new AccessError("access-entry-conflict", what, { remedy: anotherRole });
}

async function giveEntry(entries: AccessEntries, principalArn: string): Promise<void> {
  const tags = { [operatorTag]: "bootstrapped" };
  const groups = [operatorGroup];
  const entry = await entries.describe(principalArn);
  if (!entry) {
    await entries.create({ principalArn, username: operatorUsername, groups, tags });
    return;
  }
  if (entry.groups.join() !== operatorGroup) await entries.setGroups(principalArn, groups);
  if (entry.tags[operatorTag] === undefined) await entries.tag(entry, tags);
}

/** Only an administrator can write rights that it does not have. */
const mayEscalate = { verb: "escalate", resource: "clusterroles", group: "rbac.authorization.k8s.io" };

/** Always removes the policy again. If this process dies, the next bootstrap does, and `check` reports it. */
async function asAdministrator(bootstrap: Bootstrap, entries: AccessEntries): Promise<void> {
  const { roleArn } = bootstrap.cluster.operator;
  try {
    await entries.associate(roleArn, { name: CLUSTER_ADMIN, namespaces: null });
    await untilSignedIn(bootstrap, async (client) => {
      if (!(await client.mayI(mayEscalate))) return null;
      await writeObjects(client, bootstrap.wanted);
      return "written" as const;
    });
  } finally {
    await entries.disassociate(roleArn, CLUSTER_ADMIN);
  }
}
