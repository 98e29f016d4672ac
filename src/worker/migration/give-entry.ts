import { setTimeout as wait } from "node:timers/promises";
import { AccessError, explain } from "../../access/failure/access-error.ts";
import type { Migration } from "../../access/migration/migration.ts";
import type { AccessCheck, Cluster } from "../../access/policy/cluster.ts";
import { signInWay } from "../../access/policy/sign-in.ts";
import type { MappedIdentity, ProofFinding } from "../../access/request/record.ts";
import type { AccessEntry } from "../../access-entry/index.ts";
import { type AccessEntries, accessEntriesOf } from "../../aws/access-entries.ts";
import type { AwsAuthDocument } from "../../aws-auth/index.ts";
import { render, resolve } from "../../aws-auth/index.ts";
import { CLUSTER_ADMIN, isAsWanted, type WantedEntry } from "../../diagnosis/migration/facts.ts";
import type { MigrationPlan } from "../../diagnosis/migration/plan.ts";
import type { ClusterClient } from "../../kubernetes/cluster-client.ts";
import type { AwsAuthConfigMap } from "../../kubernetes/config-map.ts";
import type { WorkerContext } from "../context.ts";
import { connectAs } from "../open/open-cluster.ts";
import type { ReachedCluster } from "../open/reach-cluster.ts";
import type { Errand } from "../open/session-of.ts";
import { namingOwnPolicy } from "../rescue/rescue-lease.ts";
import { becomePrincipal, type PrincipalSession, signIn } from "../sign-in/sign-in.ts";
import type { GatheredMigration } from "./gather-migration.ts";
import { asStanding, migrationTag } from "./gather-migration.ts";

const looks = 6;

/** So many questions to the API server say enough about the bindings of one principal's groups. */
const mostChecks = 5;

const listPods: AccessCheck = { verb: "list", resource: "pods", group: "", namespace: "" };

/**
 * Makes the access entry of one item and proves it: read back, asked of the API server, and signed in by where the worker may.
 *
 * @returns sentences for people
 * @throws AccessError
 */
export async function giveMovedEntry(
  { context, cluster, reached, gathered }: MigrationRun,
  wanted: WantedEntry,
  { id, requester }: Migration,
): Promise<readonly string[]> {
  const { client } = reached;
  const now = await client.readAwsAuth();
  // The entry goes before the item: what somebody wrote there meanwhile would count for nothing.
  if (!isSameData(now, gathered.configMap)) throw documentChanged(cluster);
  let entries: AccessEntries | null = null;
  try {
    const made = accessEntriesOf(await gathered.openManager(), context.awsRequests);
    entries = made;
    const token = `${id.slice(-32)}-${wanted.username.length}`;
    const entry = await giveEntry(made, wanted, token, context.pause);
    const proof = await orTakeBack(made, entry, async () => [
      ...(await proveMovedEntry(client, cluster, gathered.facts.document, entry)),
      signedIn(entry, await signInByMovedEntry(context, cluster, reached, { id, requester }, entry)),
    ]);
    await markWhole(made, entry);
    return proof;
  } catch (error) {
    throw namingOwnPolicy(error, "migration-policy.json");
  } finally {
    entries?.close();
  }
}

/** An entry of which the proof says no goes again: the item in aws-auth counts then, as before. */
async function orTakeBack<T>(
  entries: AccessEntries,
  { principalArn }: AccessEntry,
  prove: () => Promise<T>,
): Promise<T> {
  try {
    return await prove();
  } catch (error) {
    if (error instanceof AccessError && error.code === "access-entry-conflict") await entries.remove(principalArn);
    throw error;
  }
}

/** @throws AccessError where it was tried, and the principal does not sign in as it should */
function signedIn({ principalArn }: AccessEntry, { result, detail }: ProofFinding): string {
  if (result !== "no") return `signed in: ${result}, ${detail}.`;
  throw new AccessError("access-entry-conflict", `${principalArn} does not sign in by its access entry: ${detail}`, {
    mend: "The entry was deleted again, and nothing was taken out of aws-auth. Mend what is named, then have it tried again.",
  });
}

/** It is read and planned for anew. */
export function documentChanged({ name }: Cluster): AccessError {
  return new AccessError("cluster-conflict", `Somebody changed aws-auth of ${name} while it was being moved`);
}

/** Whether nobody changed the document in between. */
export function isSameData(some: AwsAuthConfigMap | null, other: AwsAuthConfigMap | null): boolean {
  return JSON.stringify(some?.data) === JSON.stringify(other?.data);
}

/** What a run of a move works on. */
export interface MigrationRun {
  readonly context: WorkerContext;
  readonly cluster: Cluster;
  readonly reached: ReachedCluster;
  readonly gathered: GatheredMigration;
  readonly plan: MigrationPlan;
  /** Keeps the document as it is before anything is taken out of it. */
  readonly keep: (configMap: AwsAuthConfigMap) => Promise<void>;
}

/**
 * Signs in as a principal whose access entry was just made, where the worker may become it (`signIn.roles`): until the entry
 * takes effect the API server may still go by aws-auth, so it is tried again, bounded.
 */
async function signInByMovedEntry(
  context: WorkerContext,
  cluster: Cluster,
  { description }: Pick<ReachedCluster, "description">,
  errand: Errand,
  entry: AccessEntry,
): Promise<ProofFinding> {
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

/**
 * Asks the API server what the names of an access entry may do, as it was read back, and what those of its item in aws-auth may:
 * both have to be answered in the same way. Where a policy stands for system:masters that can't be asked: its review does not
 * see what a policy allows.
 *
 * @returns sentences for people
 * @throws AccessError `access-entry-conflict` where the answers differ
 */
async function proveMovedEntry(
  client: Pick<ClusterClient, "may">,
  cluster: Cluster,
  document: AwsAuthDocument,
  { principalArn, username, groups, policies }: AccessEntry,
): Promise<readonly string[]> {
  const mapped = `mapped: EKS has ${username} with ${[...groups, ...policies.map(({ name }) => name)].join(", ") || "no groups"}.`;
  if (policies.length > 0) {
    return [mapped, "authorized: not tested, a review of the API server does not see what an access policy allows."];
  }
  // The document has roles without their paths.
  const before = resolve(document, principalArn.replace(/:role\/.*\//, ":role/"));
  if (!before) return [mapped, "authorized: not tested, its item is not in aws-auth any more."];
  const accountId = principalArn.split(":")[4] ?? "";
  const after = { username: render(username, { accountId, sessionName: "eks-access" }) ?? username, groups };
  const checks = [listPods, ...cluster.levels.flatMap(({ verify }) => verify)].slice(0, mostChecks);
  for (const check of checks) {
    const [was, is] = [await may(client, before, check), await may(client, after, check)];
    if (was !== is) throw differs(principalArn, check, was);
  }
  const asked = checks.length === 1 ? "a question" : `${checks.length} questions`;
  return [mapped, `authorized: the API server answers ${asked} about it as for its item in aws-auth.`];
}

async function may(client: Pick<ClusterClient, "may">, identity: MappedIdentity, check: AccessCheck): Promise<boolean> {
  const { verb, resource, group, namespace } = check;
  const access = { verb, resource, ...(group && { group }), ...(namespace && { namespace }) };
  return (await client.may(identity, access)).allowed;
}

function differs(principalArn: string, { verb, resource }: AccessCheck, was: boolean): AccessError {
  const change = was ? "may not any more by its access entry" : "may only by its access entry";
  return new AccessError("access-entry-conflict", `${principalArn} ${change} ${verb} ${resource}`, {
    mend: "The entry was deleted again, and nothing was taken out of aws-auth. Look at the bindings of its groups, then have it tried again.",
  });
}

/**
 * Makes the access entry of a principal, or makes one whole that a run of before began, and reads it back until it is what was
 * wanted. It says that it is whole when `markWhole` was called. Where an administrator's policy can't be associated the entry goes again: the item in aws-auth counts then, as before.
 *
 * @param token the same for each try
 * @throws AccessError
 */
async function giveEntry(
  entries: AccessEntries,
  wanted: WantedEntry,
  token: string,
  pause: (ms: number) => Promise<unknown> = wait,
): Promise<AccessEntry> {
  const { principalArn, username, groups, isAdmin } = wanted;
  let found = await entries.describe(principalArn);
  if (found && asStanding(found).migrated !== "begun") throw othersEntry(principalArn);
  // A username can't be changed by us: what an earlier plan began is made anew.
  if (found && found.username !== username) {
    await entries.remove(principalArn);
    found = null;
  }
  if (!found) await entries.create({ principalArn, username, groups, tags: { [migrationTag]: "begun" }, token });
  else await entries.setGroups(principalArn, groups);
  if (isAdmin) {
    await entries.associate(principalArn, { name: CLUSTER_ADMIN, namespaces: null }).catch(async (error: unknown) => {
      await entries.remove(principalArn);
      throw error;
    });
  }
  return await readBack(entries, wanted, pause);
}

async function readBack(
  entries: AccessEntries,
  wanted: WantedEntry,
  pause: (ms: number) => Promise<unknown>,
): Promise<AccessEntry> {
  for (let look = 0; look < looks; look += 1) {
    if (look > 0) await pause(200 * 2 ** look);
    const entry = await entries.describe(wanted.principalArn);
    if (!entry || !isAsWanted(asStanding(entry), wanted)) continue;
    return entry;
  }
  throw new AccessError(
    "access-entry-conflict",
    `The access entry of ${wanted.principalArn} is not what was wanted when it is read back`,
    { mend: "Nothing was taken out of aws-auth. Look at the entry, then run it again." },
  );
}

/** Says in the entry's tags that it was proved: from then on it is not in the steps any more. @throws AccessError */
function markWhole(entries: AccessEntries, entry: AccessEntry): Promise<void> {
  return entries.tag(entry, { [migrationTag]: "whole" });
}

/**
 * Takes an entry away again that was begun and is not whole: the item in aws-auth counts then, as before.
 *
 * @returns whether it is whole, and stays
 * @throws AccessError
 */
export async function takeBackBegun(entries: AccessEntries, principalArn: string): Promise<boolean> {
  const found = await entries.describe(principalArn);
  const { migrated = null } = found ? asStanding(found) : {};
  if (migrated === "begun") await entries.remove(principalArn);
  return migrated === "whole";
}

function othersEntry(principalArn: string): AccessError {
  return new AccessError("access-entry-conflict", `Somebody made an access entry for ${principalArn} meanwhile`, {
    mend: "Plan again: the plan that was approved is not of this entry.",
  });
}
