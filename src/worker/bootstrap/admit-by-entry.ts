import { AccessError } from "../../access/failure/access-error.ts";
import { operatorGroup, operatorUsername } from "../../access/policy/operator.ts";
import type { AccessEntry } from "../../access-entry/index.ts";
import { type AccessEntries, accessEntriesOf } from "../../aws/access-entries.ts";
import { CLUSTER_ADMIN } from "../../diagnosis/migration/facts.ts";
import { creatorFor } from "../open/creator-use.ts";
import { openEksToManage } from "../open/open-eks.ts";
import { namingOwnPolicy } from "../rescue/rescue-lease.ts";
import { untilIn } from "./until-in.ts";
import { type Bootstrap, purpose, type WayIn, writeObjects } from "./way-in.ts";

/** Says that the entry is a bootstrap's, so that one may end what another one left. */
const operatorTag = "eks-access/operator";

const policy = { name: CLUSTER_ADMIN, namespaces: null };

/**
 * Lets the operator in with AWS rights alone, without the creator: its access entry, and the policy of an administrator until the roles
 * and bindings are written.
 * @param objects what has to be written there; null: the operator can't see it yet @throws AccessError
 */
export async function admitByEntry(bootstrap: Bootstrap, objects: readonly string[] | null): Promise<WayIn> {
  const { context, cluster } = bootstrap;
  const { roleArn } = cluster.operator;
  const creator = () => creatorFor(context, cluster, "bootstrap");
  const eks = await openEksToManage(cluster, [purpose], creator, context.awsRequests).catch(naming);
  const entries = accessEntriesOf(eks, context.awsRequests);
  try {
    const entry = await entries.describe(roleArn).catch(naming);
    refuseOthers(entry, cluster.name);
    const isAdmin = entry?.policies.some(({ name }) => name === CLUSTER_ADMIN) ?? false;
    const needsAdmin = objects === null || objects.length > 0;
    const steps = [
      ...(isGiven(entry) ? [] : [`${entry ? "Change" : "Create"} the access entry of ${roleArn}.`]),
      ...(needsAdmin ? [`Give it ${CLUSTER_ADMIN} until the next step is done.`] : []),
      ...(objects ?? ["Write its roles and bindings."]),
      ...(isAdmin || needsAdmin ? [`Take ${CLUSTER_ADMIN} back from it.`] : []),
    ];
    const apply = async () => {
      await giveEntry(entries, roleArn);
      if (needsAdmin) await asAdministrator(bootstrap, entries);
      else if (isAdmin) await entries.disassociate(roleArn, CLUSTER_ADMIN);
    };
    return { steps, diff: "", apply: () => apply().catch(naming), close: entries.close };
  } catch (error) {
    entries.close();
    throw error;
  }
}

function naming(error: unknown): never {
  throw namingOwnPolicy(error, "bootstrap-policy.json");
}

function isGiven(entry: AccessEntry | null): boolean {
  return entry !== null && entry.tags[operatorTag] !== undefined && entry.groups.join() === operatorGroup;
}

/** An entry of others is taken over only if it gives nothing else. */
function refuseOthers(entry: AccessEntry | null, cluster: string): void {
  if (!entry) return;
  const { principalArn, type, groups, policies, tags } = entry;
  const others = [
    ...groups.filter((group) => group !== operatorGroup),
    ...policies.filter(({ name }) => tags[operatorTag] === undefined || name !== CLUSTER_ADMIN).map(({ name }) => name),
  ];
  if (type === "STANDARD" && others.length === 0) return;
  const what = `${principalArn} has an access entry of ${cluster} already, with ${others.join(", ") || `the type ${type}`}`;
  throw new AccessError("access-entry-conflict", what, {
    remedy: "Name a role that does nothing else, or delete that access entry first.",
  });
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

/** Whether it is an administrator: nothing else can write rights that it does not have. */
const mayEscalate = { verb: "escalate", resource: "clusterroles", group: "rbac.authorization.k8s.io" };

/** However it ends, the policy is taken back. If this process dies, the next bootstrap does it, and `check` reports it. */
async function asAdministrator(bootstrap: Bootstrap, entries: AccessEntries): Promise<void> {
  const { roleArn } = bootstrap.cluster.operator;
  try {
    await entries.associate(roleArn, policy);
    await untilIn(bootstrap, async (client) => {
      if (!(await client.mayI(mayEscalate))) return null;
      await writeObjects(client, bootstrap.wanted);
      return "written" as const;
    });
  } finally {
    await entries.disassociate(roleArn, CLUSTER_ADMIN);
  }
}
