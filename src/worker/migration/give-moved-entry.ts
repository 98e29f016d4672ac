import { AccessError } from "../../access/failure/access-error.ts";
import type { Move } from "../../access/migration/move.ts";
import type { Cluster } from "../../access/policy/cluster.ts";
import type { Finding } from "../../access/request/record.ts";
import type { AccessEntry } from "../../access-entry/index.ts";
import { type AccessEntries, accessEntriesOf } from "../../aws/access-entries.ts";
import type { WantedEntry } from "../../diagnosis/migration/facts.ts";
import type { MigrationPlan } from "../../diagnosis/migration/plan.ts";
import type { AwsAuthConfigMap } from "../../kubernetes/config-map.ts";
import type { WorkerContext } from "../context.ts";
import type { ReachedCluster } from "../open/reach-cluster.ts";
import { namingOwnPolicy } from "../rescue/rescue-lease.ts";
import type { GatheredMigration } from "./gather-migration.ts";
import { giveEntry, markWhole } from "./migration-entry.ts";
import { proveMovedEntry } from "./prove-moved-entry.ts";
import { signInByMovedEntry } from "./sign-in-moved-entry.ts";

/**
 * Makes the access entry of one item and proves it: read back, asked of the API server, and signed in by where the worker may.
 *
 * @returns sentences for people
 * @throws AccessError
 */
export async function giveMovedEntry(
  { context, cluster, reached, gathered }: MoveRun,
  wanted: WantedEntry,
  { id, requester }: Move,
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
function signedIn({ principalArn }: AccessEntry, { result, detail }: Finding): string {
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
export interface MoveRun {
  readonly context: WorkerContext;
  readonly cluster: Cluster;
  readonly reached: ReachedCluster;
  readonly gathered: GatheredMigration;
  readonly plan: MigrationPlan;
  /** Keeps the document as it is before anything is taken out of it. */
  readonly keep: (configMap: AwsAuthConfigMap) => Promise<void>;
}
