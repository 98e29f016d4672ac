import { setTimeout as wait } from "node:timers/promises";
import { AccessError, explainFailure, hasCode } from "../../access/access-error.ts";
import { anotherWriter, readBackDiffers } from "../../access/lease/drift.ts";
import type { MappedIdentity, ProofFinding } from "../../access/lease/lease-record.ts";
import { type Migration, nextMigration } from "../../access/migration.ts";
import { type AccessCheck, type Cluster, sealedClusterOf, signInMethod } from "../../access/policy/cluster.ts";
import { withoutRolePath } from "../../access/principal.ts";
import { type AccessEntry, arrivesUntil, lateCallMs, readHoldingTags } from "../../access-entry/index.ts";
import type { AccessEntries } from "../../aws/access-entries.ts";
import { type ReadDocument, readingSteps, render, resolve, sameGroups } from "../../aws-auth/index.ts";
import { CLUSTER_ADMIN, isAsWanted, type PresentEntry, type WantedEntry } from "../../diagnosis/migration/facts.ts";
import { isAsItem } from "../../diagnosis/migration/plan.ts";
import type { ClusterClient } from "../../kubernetes/cluster-client.ts";
import type { AwsAuthConfigMap } from "../../kubernetes/config-map.ts";
import { recordOnMigration } from "../../ledger/lifecycle.ts";
import { wake } from "../../ledger/queues.ts";
import { inTurns } from "../../operations/parallel.ts";
import type { WorkerContext } from "../context.ts";
import { connectAs, type ReachedCluster } from "../open-cluster.ts";
import { accessOf } from "../reconcile/review-questions.ts";
import { becomePrincipal, identityByEntry, signIn } from "../sign-in/sign-in.ts";
import { type GatheredMigration, migrationTag, presentEntryOf, withManager } from "./gather-migration.ts";

/** Later plans have no step for an entry with this tag. */
export const wholeMigration = { [migrationTag]: "whole" };

/** Enough questions to the API server to compare the bindings of one principal's groups. */
const maxChecks = 5;

const listPods: AccessCheck = { verb: "list", resource: "pods", group: "", namespace: "" };

/** Reads it back, asks the API server, and signs in if the worker can. @returns sentences for people @throws AccessError */
export async function createMigratedEntry(
  run: MigrationRun,
  wanted: WantedEntry,
  migration: Migration,
): Promise<readonly string[]> {
  const { context, cluster, reached, gathered } = run;
  const { client } = reached;
  // The new entry overrides the item, so a later change of the item, such as a lease, would have no effect.
  const checkDocument = async () => {
    if (!isSameData(await client.readAwsAuth(), gathered.configMap)) throw documentChanged(cluster);
  };
  await checkDocument();
  return withManager(gathered.openManager, context.awsRequests, async (entries) => {
    const entry = await giveEntry(run, entries, wanted, migration);
    const prove = async () => [
      ...(await proveMovedEntry(client, cluster, gathered.facts.document, entry)),
      signedIn(entry, await signInByMovedEntry(run, migration, entry)),
    ];
    // After a "no" the item in aws-auth counts again.
    const proof = await prove().catch(async (error: unknown) => {
      if (hasCode(error, "access-entry-conflict")) await removeEntry(run, entries, entry.principalArn, migration);
      throw error;
    });
    // The next run deletes an incomplete entry if the plan changed by this.
    await checkDocument();
    await entries.tag(entry, wholeMigration);
    return proof;
  });
}

const deletedAgain = `The worker deleted the entry again. ${new AccessError("migration-stopped", "").remedy}`;

/** @throws AccessError if the principal signed in with the wrong identity, or not at all */
function signedIn({ principalArn }: AccessEntry, { result, detail }: ProofFinding): string {
  if (result !== "no") return `signed in: ${result}, ${detail}.`;
  throw new AccessError("access-entry-conflict", `${principalArn} can't sign in through its access entry: ${detail}`, {
    remedy: deletedAgain,
  });
}

/** The next pass reads and plans again. */
export function documentChanged({ name }: Cluster): AccessError {
  return new AccessError("cluster-conflict", anotherWriter("changed", `aws-auth of ${name}`));
}

export function isSameData(some: AwsAuthConfigMap | null, other: AwsAuthConfigMap | null): boolean {
  return JSON.stringify(some?.data) === JSON.stringify(other?.data);
}

export interface MigrationRun {
  readonly context: WorkerContext;
  readonly cluster: Cluster;
  readonly reached: ReachedCluster;
  readonly gathered: GatheredMigration;
  /** Keeps a copy of the document before anything is removed from it. */
  readonly keep: (configMap: AwsAuthConfigMap) => Promise<void>;
  /** Gets the record when a step begins, and when it is proved. */
  readonly follow: (migration: Migration) => void;
}

/** If the worker can assume it (`signIn.roles`). It tries several times: the API server uses aws-auth until then. */
export async function signInByMovedEntry(
  { context, cluster, reached: { description } }: MigrationRun,
  migration: Migration,
  entry: AccessEntry,
): Promise<ProofFinding> {
  // The settings have roles with their paths; the document and this question have not.
  const way = signInMethod(cluster, withoutRolePath(entry.principalArn));
  if (way.type === "not tested") return { result: "not tested", detail: way.why };
  try {
    const exact = { ...way, roleArn: entry.principalArn };
    const session = await becomePrincipal(cluster, exact, migration, context.awsRequests);
    const identity = identityByEntry(entry, session);
    const isAdmin = entry.policies.length > 0;
    const pods = { namespace: isAdmin ? "" : "default", isPromised: isAdmin };
    const connect = (attempt: number) =>
      connectAs(session.credentials, cluster, description, context.now(), [migration], { tokenSeconds: 60 + attempt });
    const expected = async () => ({ identity, place: "the access entries" });
    return (await signIn({ expected, pods, connect, mappedAt: context.now().getTime() }, context)).finding;
  } catch (error) {
    context.log.warn({ cluster: cluster.name, err: error }, "could not sign in as the principal of an access entry");
    return { result: "not tested", detail: explainFailure(error) };
  }
}

export function mappedSentence({ username, groups, policies }: AccessEntry): string {
  const given = [...groups, ...policies.map(({ name }) => name)];
  return `mapped: EKS has ${username} with ${given.join(", ") || "no groups"}.`;
}

/**
 * Asks the API server for the rights by an entry and by its item in aws-auth: the answers must be equal. It asks
 * nothing if a policy replaces system:masters, because a review can't see a policy's rights.
 * @returns sentences for people
 * @throws AccessError `access-entry-conflict` if the answers differ
 */
async function proveMovedEntry(
  client: Pick<ClusterClient, "may">,
  cluster: Cluster,
  document: ReadDocument,
  entry: AccessEntry,
): Promise<readonly string[]> {
  const { principalArn, username, groups, policies } = entry;
  const mapped = mappedSentence(entry);
  if (policies.length > 0) return [mapped, "authorized: not tested, reviews ignore policies."];
  // The document has roles without their paths.
  const before = resolve(document, withoutRolePath(principalArn));
  if (!before) return [mapped, "authorized: not tested, aws-auth lacks it."];
  const accountId = principalArn.split(":")[4] ?? "";
  const after = { username: render(username, { accountId, sessionName: "eks-access" }) ?? username, groups };
  const checks = [listPods, ...cluster.levels.flatMap(({ verify }) => verify)].slice(0, maxChecks);
  for (const check of checks) {
    const may = async (identity: MappedIdentity) => (await client.may(identity, accessOf(check))).allowed;
    const [was, is] = [await may(before), await may(after)];
    if (was === is) continue;
    const change = `${was ? "loses" : "gains"} by its access entry the right to ${check.verb} ${check.resource}`;
    throw new AccessError("access-entry-conflict", `${principalArn} ${change}`, { remedy: deletedAgain });
  }
  const asked = checks.length === 1 ? "a question" : `${checks.length} questions`;
  return [mapped, `authorized: ${asked}, as for its item in aws-auth.`];
}

/** Until it is as wanted. If an administrator's policy can't be associated, the item in aws-auth counts again. */
async function giveEntry(
  run: MigrationRun,
  entries: AccessEntries,
  wanted: WantedEntry,
  migration: Migration,
): Promise<AccessEntry> {
  const { principalArn, username, groups, isAdmin } = wanted;
  const { begunTags } = run.gathered;
  const about = `the access entry of ${principalArn}`;
  let found = await entries.describe(principalArn);
  // An earlier migration's entry is only completed: others can have copied its tag.
  const isSame = found?.username === username && sameGroups(found.groups, groups);
  // The list of entries can be late: an earlier run made this one.
  const seen = found && presentEntryOf(found);
  if (found && seen?.migrated === "whole" && isAsWanted(seen, wanted)) return found;
  const by = found && begunTags.begunBy(found);
  if (found && by !== "this" && !(by && isSame)) {
    const remedy = "Delete it if unneeded, then click Try again.";
    throw new AccessError("access-entry-conflict", anotherWriter("made", about), { remedy });
  }
  // The next pass sees the lease that began in it meanwhile.
  if (seen?.isLeased) throw new AccessError("cluster-conflict", anotherWriter("changed", about));
  // EKS can't change a username, so it makes an entry of an earlier plan again.
  if (found && found.username !== username) {
    await removeEntry(run, entries, principalArn, migration);
    found = null;
  }
  if (!found) await entries.create({ principalArn, username, groups, tags: begunTags.tagFor(principalArn) });
  else if (!isSame) await entries.setGroups(principalArn, groups);
  if (isAdmin) {
    await entries.associate(principalArn, { name: CLUSTER_ADMIN, namespaces: null }).catch(async (error: unknown) => {
      await removeEntry(run, entries, principalArn, migration);
      throw error;
    });
  }
  const made = await readBack(entries, principalArn, (entry) => isAsWanted(entry, wanted), run.context.pause);
  if (made) return made;
  const { remedy } = new AccessError("migration-stopped", "");
  throw new AccessError("access-entry-conflict", readBackDiffers(about), { remedy });
}

const looks = 6;

/** An access entry as soon as EKS shows it as wanted; null: it does not. @throws AccessError */
export async function readBack(
  entries: AccessEntries,
  principalArn: string,
  isWanted: (entry: PresentEntry) => boolean,
  pause: (ms: number) => Promise<unknown> = wait,
): Promise<AccessEntry | null> {
  for (let look = 0; look < looks; look += 1) {
    if (look > 0) await pause(200 * 2 ** look);
    const entry = await entries.describe(principalArn);
    if (entry && isWanted(presentEntryOf(entry))) return entry;
  }
  return null;
}

/** Its item in aws-auth then counts again. The look finds a lease that began in it. */
async function removeEntry(
  { context, cluster }: MigrationRun,
  entries: AccessEntries,
  principalArn: string,
  migration: Migration,
): Promise<void> {
  const note = (settlesAt: string | null) =>
    recordOnMigration(context, migration, (current) => {
      return { type: null, after: nextMigration(current, { settlesAt }), detail: {} };
    });
  // Without an answer it can arrive after the entry is complete: until then the items stay in aws-auth.
  await note(new Date(context.now().getTime() + lateCallMs).toISOString());
  await entries.remove(principalArn);
  await note(migration.settlesAt);
  await wake(context.queues, { type: "inspect", cluster: cluster.name });
}

/**
 * @param migration with the last try that may have made it
 * @returns whether it is complete, and stays
 * @throws AccessError `access-entry-late` while it can still arrive: once the step is closed, no run looks for it
 */
export async function removeHalfMadeEntry(
  entries: AccessEntries,
  principalArn: string,
  run: MigrationRun,
  migration: Migration,
): Promise<boolean> {
  const { context, cluster, reached, gathered } = run;
  const { begunTags, facts } = gathered;
  // A killed run's entry can become visible late, and would override the item for good.
  const found = await readBack(entries, principalArn, () => true, context.pause);
  const until = found ? null : arrivesUntil(migration.begun?.at ?? null, context.now());
  if (until) {
    const what = `A call for ${principalArn} can still arrive until ${until.toISOString()}`;
    throw new AccessError("access-entry-late", what);
  }
  if (found === null || begunTags.begunBy(found) !== "this")
    return found !== null && presentEntryOf(found).migrated === "whole";
  const arn = withoutRolePath(principalArn);
  const held = readHoldingTags(sealedClusterOf(cluster), arn, found, context.keys.memory);
  const added = held.type === "holding" ? held.holding.added : [];
  const groups = found.groups.filter((group) => !added.includes(group));
  // Without the entry, a lease that began in it would be lost, and in mode API its principal too.
  const isNeeded = held.type === "holding" || facts.mode === "API";
  const data = isNeeded ? (await reached.client.readAwsAuth())?.data : undefined;
  const stays = isAsItem(await inTurns(readingSteps(data ?? {})), { ...found, groups }, arn);
  await (stays ? entries.tag(found, wholeMigration) : removeEntry(run, entries, principalArn, migration));
  return stays;
}
