import { setTimeout as pause } from "node:timers/promises";
import { z } from "zod";
import { AccessError } from "../access/access-error.ts";
import type { AuditEvent } from "../access/audit-event.ts";
import { type Cluster, clusterArnOf } from "../access/policy/cluster.ts";
import {
  type CreationRecord,
  type CreatorToDiscover,
  creationRecordForm,
  creatorArnOf,
  creatorOf,
  type KnownCreator,
  remedyWithoutCreator,
} from "../access/policy/creator.ts";
import { isOfNewestKey, type WorkerKeys } from "../access/seal.ts";
import type { CredentialSource } from "../aws/client-settings.ts";
import { betweenLookupsMs, findCreation } from "../aws/find-creation.ts";
import { cloudTrailSessionPolicy } from "../aws/session-policy.ts";
import { callerIdentity } from "../aws/sts.ts";
import type { EventLedger } from "../ledger/audit-log.ts";
import type { RememberedCreation } from "../ledger/clusters.ts";
import type { Ledger } from "../ledger/ledger.ts";
import type { TurnLedger } from "../ledger/turns.ts";
import { deadlineSignal } from "../operations/deadlines.ts";
import { sessionThrough } from "./become-creator.ts";

export interface DiscoveryContext {
  readonly ledger: Pick<Ledger, "takeTurn" | "creation" | "rememberCreation">;
  readonly keys: WorkerKeys;
  readonly now: () => Date;
}

/** The longest wait for a turn at CloudTrail, in milliseconds; a run gives up earlier. */
const maxWaitMs = 60_000;
const maxWaitIfSeenMs = 3_000;

/** By the cluster's ARN. A worker that lost its ledger opens the cluster with it. */
const seenCreations = new Map<string, RememberedCreation>();

/** What this process last saw of a cluster's creation, sealed. Null: nothing. */
export function seenCreation(clusterArn: string): RememberedCreation | null {
  return seenCreations.get(clusterArn) ?? null;
}

const remembered = z.object({ record: creationRecordForm, seal: z.string() });

/** Null: none that a worker sealed: an attacker with Redis must not choose the creator that we become. */
export async function rememberedCreation(
  { ledger, keys }: DiscoveryContext,
  cluster: Cluster,
): Promise<CreationRecord | null> {
  const clusterArn = clusterArnOf(cluster);
  const found = remembered.safeParse(await ledger.creation(clusterArn));
  if (!found.success) return null;
  const { record, seal: sealText } = found.data;
  if (!keys.memory.isSealed("creation", { clusterArn, ...record }, sealText)) return null;
  seenCreations.set(clusterArn, found.data);
  // CloudTrail can have forgotten it: it must outlive a rotation of the key.
  if (!isOfNewestKey(sealText, keys.memory)) await remember({ ledger, keys }, clusterArn, record);
  return record;
}

async function remember(
  { ledger, keys }: Pick<DiscoveryContext, "ledger" | "keys">,
  clusterArn: string,
  record: CreationRecord,
): Promise<void> {
  const sealed = { record, seal: keys.memory.seal("creation", { clusterArn, ...record }) };
  seenCreations.set(clusterArn, sealed);
  await ledger.rememberCreation(clusterArn, sealed);
}

/**
 * Asks CloudTrail for a cluster's creator, with the worker's own identity, or through the roles that lead to another
 * account. It seals the answer into the ledger, because CloudTrail forgets it after 90 days.
 * @param createdAt null: unknown, so the newest creation of that name counts
 * @throws AccessError
 */
export async function askCloudTrail(
  context: DiscoveryContext,
  cluster: Cluster,
  createdAt: Date | null,
  waitMs = maxWaitMs,
): Promise<CreationRecord | null> {
  const arn = clusterArnOf(cluster);
  const source = await historyCredentials(cluster);
  const turn = () => takeTurn(context.ledger, `cloudtrail-${cluster.account}-${cluster.region}`, waitMs);
  const record = await findCreation(source, cluster.region, { arn, createdAt }, context.now(), turn);
  if (record) await remember(context, arn, record);
  return record;
}

/** The identity of a run: the operator, else the creator. @throws AccessError */
export async function identityOfRun(context: DiscoveryContext, cluster: Cluster): Promise<KnownCreator> {
  return cluster.operator ?? knownCreator(context, cluster);
}

/** The creator of a cluster, from the configuration or CloudTrail. @throws AccessError */
async function knownCreator(context: DiscoveryContext, cluster: Cluster): Promise<KnownCreator> {
  if (cluster.creator.type !== "discover") return cluster.creator;
  return creatorOfRecord(cluster, cluster.creator, await creationOf(context, cluster));
}

/** The ledger's memory, CloudTrail's, or this process's: an attacker with Redis can take the first away, and all turns at CloudTrail. */
export async function creationOf(context: DiscoveryContext, cluster: Cluster): Promise<CreationRecord | null> {
  const known = await rememberedCreation(context, cluster);
  if (known) return known;
  const seen = seenCreation(clusterArnOf(cluster))?.record;
  const found = askCloudTrail(context, cluster, null, seen && maxWaitIfSeenMs);
  return (seen ? await found.catch(() => null) : await found) ?? seen ?? null;
}

/** The creator that a record names. @throws AccessError `creator-unknown` */
export function creatorOfRecord(cluster: Cluster, way: CreatorToDiscover, record: CreationRecord | null): KnownCreator {
  if (!record) {
    const { name, region, account } = cluster;
    const what = `CloudTrail in ${region} of account ${account} has no record of ${name} in its 90 days`;
    throw new AccessError("creator-unknown", what, { remedy: "Correct eksName, region or account, or set creator." });
  }
  const verdict = creatorOf(record, cluster.account, way);
  if (verdict.type === "creator") return verdict.creator;
  throw new AccessError("creator-unknown", `CloudTrail says about ${cluster.name}: ${verdict.why}`, {
    remedy: remedyWithoutCreator,
  });
}

/** The identity that can read the CloudTrail history of the cluster's account. */
async function historyCredentials({ creator, operator, region, account }: Cluster): Promise<CredentialSource> {
  const through = [operator, creator].flatMap((each) => (each && each.type !== "user" ? [each.through] : []));
  const [way] = through.filter((steps) => steps.length > 0);
  if (!way) return "default";
  const own = await callerIdentity("default", region);
  return own.account === account ? "default" : sessionThrough(region, way, [], cloudTrailSessionPolicy());
}

/** AWS allows two calls a second for an account and region, for all workers together. */
async function takeTurn(ledger: Pick<TurnLedger, "takeTurn">, name: string, waitMs: number): Promise<void> {
  const deadline = performance.now() + waitMs;
  while (performance.now() < deadline) {
    // The call itself says that the run's time is over: a long history takes it too.
    if (deadlineSignal()?.aborted || (await ledger.takeTurn(name, betweenLookupsMs))) return;
    await pause(50);
  }
  throw new AccessError("aws-throttled", "Too many runs ask CloudTrail at once");
}

type UseContext = DiscoveryContext & { readonly ledger: Pick<EventLedger, "append"> };

/** The creator of a cluster, for a bootstrap that becomes it next. @throws AccessError */
export async function creatorForBootstrap(context: UseContext, cluster: Cluster): Promise<KnownCreator> {
  const creator = await knownCreator(context, cluster);
  await noteCreatorUse(context, cluster, creator, "bootstrap", "worker");
  return creator;
}

/** In the audit log, if there is an operator: only commands become the creator then. @param actor a Slack user id, or `worker` @throws AccessError */
export async function noteCreatorUse(
  { ledger, now }: { readonly ledger: Pick<EventLedger, "append">; readonly now: () => Date },
  cluster: Cluster,
  creator: KnownCreator,
  use: "bootstrap" | "rescue",
  actor: string,
): Promise<void> {
  if (!cluster.operator) return;
  const detail = { creator: creatorArnOf(creator), operator: cluster.operator.roleArn, use };
  const about = { at: now().toISOString(), actor, request: nameOfUses(cluster), cluster: cluster.name };
  await ledger.append({ type: "creator.used", ...about, detail });
}

/** When a command last became the creator beside an operator, and why; null: the audit log has no use. @throws AccessError */
export async function lastCreatorUse(
  ledger: Pick<EventLedger, "eventsOf">,
  cluster: Cluster,
): Promise<AuditEvent | null> {
  return (await ledger.eventsOf(nameOfUses(cluster), 1)).at(-1)?.event ?? null;
}

/** A record's id has no slash. */
function nameOfUses({ name }: Cluster): string {
  return `creator/${name}`;
}
