import { AccessError, hasCode } from "../../access/access-error.ts";
import { sameTexts } from "../../access/collections.ts";
import {
  allAnnotationsBytes,
  bytesOf,
  fenceAnnotation,
  leasesAnnotation,
  othersAnnotations,
} from "../../access/lease/annotation.ts";
import { anotherWriter } from "../../access/lease/drift.ts";
import { baseOf } from "../../access/lease/holding.ts";
import { isOwnUsername, ownPrefix } from "../../access/lease/lease.ts";
import type { Holding, MappedIdentity } from "../../access/lease/lease-record.ts";
import { noWithdrawals } from "../../access/lease/withdrawal.ts";
import { type Cluster, sealedClusterOf } from "../../access/policy/cluster.ts";
import type { Change } from "../../access/principal.ts";
import type { MemoryKeys } from "../../access/seal.ts";
import { type AccessChange, accessChanges } from "../../aws-auth/index.ts";
import type { ClusterClient } from "../../kubernetes/cluster-client.ts";
import { type AwsAuthConfigMap, isWithoutDryRun } from "../../kubernetes/config-map.ts";
import { measuredStep } from "../../operations/announcements.ts";
import { inTurns } from "../../operations/parallel.ts";
import { planRemembered, readAnnotationRemembered, readRemembered, writeAnnotationRemembered } from "../remembered.ts";
import {
  annotationsWithPlan,
  changesInWords,
  type HeldDocument,
  reportChanges,
  withLastPlan,
  withPlan,
} from "./last-write.ts";
import { type ClusterState, type Content, identityInDocument, planGuard } from "./settle-document.ts";
import type { WayContext, WriteFailure } from "./way-adapter.ts";

/**
 * Before the ledger records it: a refusal by validation or webhooks then leaves nothing behind.
 * @param isBeginning a lease begins by this write, also one that gives nothing new
 * @throws AccessError
 */
export async function rehearseWrite(
  client: ClusterClient,
  { configMap }: ClusterState,
  after: Texts,
  isBeginning: boolean,
): Promise<void> {
  if (!configMap) return;
  try {
    // Only the cluster's own memory ends a lease if Redis is lost.
    await client.rehearseWrite(configMap, after, isBeginning ? leasesAnnotation : undefined);
  } catch (error) {
    // Access does not outlive its time for that: the answer to the write shows what a webhook changes.
    if (isBeginning || !isWithoutDryRun(error) || !(await onlyTakes(configMap.data, after.data))) throw error;
  }
}

async function onlyTakes(before: Texts["data"], after: Texts["data"]): Promise<boolean> {
  const changes = await inTurns(accessChanges(before, after));
  return changes.every((each) => each.after.every((now) => each.before.some((was) => isWithin(now, was))));
}

export interface Sent {
  /** By lower-case ARN: a webhook gave our entry more than planned. `changed`: more than it had before. */
  readonly gained: ReadonlyMap<string, WriteFailure>;
  /** As the API server answered; null: no ConfigMap. */
  readonly stored: AwsAuthConfigMap | null;
  /** Null: no ConfigMap. @throws AccessError */
  readonly readBack: () => Promise<AwsAuthConfigMap | null>;
}

/** A write that is no lease's, such as the operator's or a migration's. @throws AccessError */
export async function writeForOthers(
  place: Pick<WayContext, "context" | "cluster"> & { readonly client: ClusterClient },
  configMap: AwsAuthConfigMap,
  data: Texts["data"],
): Promise<void> {
  const { context, cluster, client } = place;
  const { annotations } = configMap;
  const { memory } = context.keys;
  const after = { data, annotations: await annotationsWithPlan(cluster, configMap, { data, annotations }, memory) };
  await client.rehearseWrite(configMap, after);
  const stored = await client.writeAwsAuth(configMap, after);
  const changes = await inTurns(accessChanges(data, stored.data));
  if (changes.length > 0) await reportChanges(place, changesInWords(changes));
}

export interface PlannedWrite<Planned extends Content = Content> {
  readonly place: WayContext;
  /** As read before. */
  readonly state: ClusterState;
  readonly content: Planned;
}

/** With the resourceVersion that was read (law 6). The caller reads it back. @throws AccessError; `cluster-conflict` */
export async function sendDocument(planned: PlannedWrite, after: Texts): Promise<Sent> {
  const { context, cluster, opened } = planned.place;
  const { configMap } = planned.state;
  if (!configMap || !needsWrite(planned.state, after))
    return { stored: configMap, gained: new Map(), readBack: async () => configMap };
  context.metrics?.writes.inc({ cluster: cluster.name, way: "aws-auth" });
  const stored = await opened.client.writeAwsAuth(configMap, after);
  // A webhook can keep it in dry runs alone.
  const memory = after.annotations[leasesAnnotation];
  if (memory !== undefined && stored.annotations[leasesAnnotation] !== memory)
    await reportChanges(planned.place, [`changed ${leasesAnnotation}: if Redis is lost, entries of leases stay`]);
  const gained = await compareWrite(planned, stored);
  const readBack = async () => {
    const found = await measuredStep("read-back", () => opened.client.readAwsAuth());
    if (found) return found;
    throw new AccessError("document-absent", anotherWriter("deleted", `aws-auth of ${cluster.name}`));
  };
  return { stored, gained, readBack };
}

/** By two writes without an effect on the data: a dead or late run could restore access that we report as gone. */
export async function fenceOffWrites(planned: PlannedWrite): Promise<Sent> {
  const { place, state, content } = planned;
  const { configMap } = state;
  const { client } = place.opened;
  if (!configMap) return { stored: null, gained: new Map(), readBack: async () => null };
  const { data, resourceVersion } = configMap;
  const { annotations } = plannedTexts(state, place.cluster, content, place.context.keys.memory);
  const fenced = { data, annotations: { ...annotations, [fenceAnnotation]: resourceVersion } };
  const between = await client.writeAwsAuth(configMap, fenced);
  const last = await client.writeAwsAuth(between, { data, annotations });
  const gained = await compareWrite(planned, last);
  return { stored: last, gained, readBack: async () => (gained.size > 0 ? client.readAwsAuth() : last) };
}

/** An entry of ours that has more than planned. */
interface Gain {
  /** More than it had before: it becomes as it was without us. Otherwise it becomes as planned. */
  readonly isNew: boolean;
  readonly change: Change;
  /** Ours with all that came: the cluster remembers it, so that it never becomes others' part. */
  readonly holding: Holding;
}

/** A webhook can change a write and no dry run. What it gives our entries goes at once, and operators learn of all of it. */
async function compareWrite(planned: PlannedWrite, stored: AwsAuthConfigMap): Promise<Sent["gained"]> {
  const { place, state, content } = planned;
  const { context, cluster } = place;
  // In an earlier write that got no answer.
  const before = [...state.changed.values()].map(({ entry, planned }): AccessChange => {
    return { arn: entry.arn, before: planned ? [{ ...entry, ...planned }] : [], after: [entry] };
  });
  const changes = [...before, ...(await inTurns(accessChanges(content.data, stored.data)))];
  if (changes.length === 0) return new Map();
  const gains = await gainsIn(planned, stored);
  const about = { cluster: cluster.name };
  if (gains.size > 0) {
    // Its failure must not hide what the write did.
    const more = await takeBack(planned, stored, gains).catch((err: unknown) => {
      context.log.error({ ...about, err }, "could not take back what a webhook gave");
      return [];
    });
    changes.push(...more);
  }
  await reportChanges(place, changesInWords(changes));
  const failureOf = (arn: string, kind: WriteFailure["kind"]): WriteFailure => {
    const what = `An admission webhook gave ${arn} more than planned in aws-auth of ${cluster.name}`;
    return { kind, error: new AccessError("document-changed", what) };
  };
  return new Map([
    ...[...state.changed].map(([key, { entry }]) => [key, failureOf(entry.arn, "undone")] as const),
    ...[...gains].map(
      ([key, { holding, isNew }]) => [key, failureOf(holding.arn, isNew ? "changed" : "failed")] as const,
    ),
  ]);
}

type Gains = ReadonlyMap<string, Gain>;

async function gainsIn({ state, content }: PlannedWrite, stored: AwsAuthConfigMap): Promise<Gains> {
  const found = await readRemembered(stored.data);
  const after = new Map(content.holdings.map((holding) => [holding.arn.toLowerCase(), holding]));
  const gains = new Map<string, Gain>();
  for (const [key, known] of new Map([...state.holdings, ...after])) {
    const { arn } = known;
    const was = state.identityOf(arn);
    const [planned, now] = [content.document, found].map((document) => identityInDocument(document, arn));
    if (!now || isWithin(now, planned)) continue;
    const isNew = !isWithin(now, was);
    const before = state.holdings.get(key);
    const base = baseOf(was, before);
    const kept = isNew ? base : planned;
    const shares = new Map([...(before?.shares ?? []), ...known.shares].map((share) => [share.id, share]));
    const came = now.groups.filter((group) => !base?.groups.includes(group));
    const holding = { ...known, added: [...new Set([...known.added, ...came])].sort(), shares: [...shares.values()] };
    const ours = { usernames: isOwnUsername(now.username) ? ownPrefix : now.username, groups: null };
    const change: Change = kept ? { type: "map", arn, ...kept } : { type: "unmap", arn, ours };
    gains.set(key, { isNew, change, holding });
  }
  return gains;
}

function isWithin({ username, groups }: MappedIdentity, other: MappedIdentity | null | undefined): boolean {
  return username === other?.username && groups.every((group) => other.groups.includes(group));
}

/** How often it reads again after a concurrent edit. */
const attempts = 5;

/** Without a dry run, which such a webhook leaves alone. @returns what it changes in this write @throws AccessError */
async function takeBack({ place, state, content }: PlannedWrite, stored: AwsAuthConfigMap, gains: Gains) {
  const { context, cluster, opened } = place;
  const { memory } = context.keys;
  const guard = { ...planGuard(cluster, cluster.levels, state), allowMasters: true, allowNoAdministrator: true };
  const changes = [...gains.values()].map(({ change }) => change);
  for (let configMap: AwsAuthConfigMap | null = stored, attempt = 1; configMap; attempt += 1) {
    const document = await readRemembered(configMap.data);
    const plan = await inTurns(planRemembered(document, changes, guard));
    const reading = readAnnotationRemembered(sealedClusterOf(cluster), configMap.annotations[leasesAnnotation], memory);
    const { holdings, withdrawals } = reading.type === "holdings" ? reading : content;
    const others = holdings.filter(({ arn }) => !gains.has(arn.toLowerCase()));
    const [data, as] = plan.type === "planned" ? [plan.after, plan.document] : [configMap.data, document];
    const ours = [...others, ...[...gains.values()].map(({ holding }) => holding)];
    const after = { data, document: as, holdings: ours, withdrawals };
    try {
      context.metrics?.writes.inc({ cluster: cluster.name, way: "aws-auth" });
      const known = new Map(holdings.map((holding) => [holding.arn.toLowerCase(), holding]));
      const before = { configMap, document, lost: new Set<string>(), holdings: known, changed: state.changed };
      const texts = documentTexts(before, cluster, after, memory);
      return await inTurns(accessChanges(texts.data, (await opened.client.writeAwsAuth(configMap, texts)).data));
    } catch (error) {
      if (!hasCode(error, "cluster-conflict") || attempt >= attempts) throw error;
      configMap = await opened.client.readAwsAuth();
    }
  }
  return [];
}

export function changedAgain(cluster: Cluster): AccessError {
  return new AccessError("cluster-conflict", anotherWriter("changed", `aws-auth of ${cluster.name}`));
}

/** Whether the decision differs from the cluster. A missing ConfigMap counts as empty. */
export function needsWrite({ configMap }: ClusterState, after: Texts): boolean {
  const before = configMap ?? noTexts;
  return !sameTexts(before.data, after.data) || !sameTexts(before.annotations, after.annotations);
}

const noTexts: Texts = { data: {}, annotations: {} };

export function documentTexts(
  state: Pick<ClusterState, "configMap" | "lost"> & HeldDocument,
  cluster: Cluster,
  content: Content,
  keys: MemoryKeys,
): Texts {
  const before = state.configMap ?? noTexts;
  // A change of the data is a write, whatever the annotation says.
  if (sameTexts(before.data, content.data)) {
    const lastPlan = { ...content, holdings: withLastPlan(content.holdings, state.holdings) };
    const unchanged = textsThatFit(state, cluster, lastPlan, keys);
    if (sameTexts(before.annotations, unchanged.annotations)) return unchanged;
  }
  return plannedTexts(state, cluster, content, keys);
}

function plannedTexts(...[state, cluster, content, keys]: Parameters<typeof documentTexts>): Texts {
  const planned = { ...content, holdings: withPlan(content.holdings, content.document, state) };
  return textsThatFit(state, cluster, planned, keys);
}

/** A removal has priority over withdrawals and lost annotations, because others can have filled the room. */
function textsThatFit(
  { configMap, lost }: Pick<ClusterState, "configMap" | "lost">,
  cluster: Cluster,
  { data, holdings, withdrawals }: Content,
  keys: MemoryKeys,
): Texts {
  const place = sealedClusterOf(cluster);
  const kept = lost.size === 0 ? holdings : holdings.filter(({ arn }) => !lost.has(arn.toLowerCase()));
  const memories = [
    [holdings, withdrawals],
    [holdings, noWithdrawals],
    [kept, withdrawals],
  ] as const;
  for (const memory of memories) {
    const annotations = annotationsAfter(configMap, writeAnnotationRemembered(place, memory[0], keys, memory[1]));
    if (bytesOf(annotations) <= allAnnotationsBytes) return { data, annotations };
  }
  return { data, annotations: annotationsAfter(configMap, writeAnnotationRemembered(place, kept, keys)) };
}

function annotationsAfter(configMap: AwsAuthConfigMap | null, annotation: string | null): Texts["annotations"] {
  const others = othersAnnotations(configMap?.annotations ?? {});
  return annotation === null ? others : { ...others, [leasesAnnotation]: annotation };
}

export type Texts = Pick<AwsAuthConfigMap, "data" | "annotations">;
