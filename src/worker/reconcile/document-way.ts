import { AccessError } from "../../access/access-error.ts";
import {
  allAnnotationsBytes,
  bytesOf,
  fenceAnnotation,
  leasesAnnotation,
  othersAnnotations,
  readAnnotation,
} from "../../access/lease/annotation.ts";
import { driftOf } from "../../access/lease/drift.ts";
import { isGivenByEntry } from "../../access/lease/holding.ts";
import { noWithdrawals } from "../../access/lease/withdrawal.ts";
import { type Cluster, sealedClusterOf } from "../../access/policy/cluster.ts";
import type { AccessRequest } from "../../access/record.ts";
import type { MemoryKeys } from "../../access/seal.ts";
import type { Steps } from "../../aws-auth/index.ts";
import type { ClusterClient } from "../../kubernetes/cluster-client.ts";
import type { AwsAuthConfigMap } from "../../kubernetes/config-map.ts";
import { wake } from "../../ledger/queues.ts";
import { measuredStep } from "../../operations/announcements.ts";
import type { WorkerContext } from "../context.ts";
import { readRemembered, writeAnnotationRemembered } from "../remembered.ts";
import { checkWork, withOwnMemory } from "./check-leases.ts";
import { previewInDocument } from "./preview-change.ts";
import { inDocument } from "./prove.ts";
import {
  type ClusterState,
  type Content,
  type DocumentSettlement,
  identityInDocument,
  planSettlement,
  readClusterState,
  takesNothingNew,
} from "./settle-document.ts";
import type { Outcomes, Prepared, SettleInput, WayAdapter, WayContext } from "./way-adapter.ts";

interface Place extends WayContext {
  readonly isTaken: (request: AccessRequest) => boolean;
}

export type DocumentWay = WayAdapter<ClusterState, DocumentSettlement>;

/** By `aws-auth`: one document for all leases, in one write with the resourceVersion that was read (law 6). */
export function documentWay(place: Place): DocumentWay {
  const { cluster, opened, isTaken } = place;
  const { keys } = place.context;
  return {
    way: "aws-auth",
    isTaken,
    // The resourceVersion is the fence.
    begin: async () => {},
    read: (open) => readClusterState(opened, cluster, keys, open),
    preview: (state, requested) => previewInDocument(cluster, keys.memory, state, requested),
    settle,
    prepare: (state, settlement) => prepare(place, state, settlement),
  };
}

async function prepare(place: Place, state: ClusterState, settlement: DocumentSettlement): Promise<Prepared> {
  const { context, cluster, opened } = place;
  const { client } = opened;
  const { keys } = context;
  if (settlement.refusal) {
    const send = async () => {
      await rememberWithdrawals(context, cluster, client, state, settlement);
      return { ...(await outcomesIn(cluster, settlement, settlement.data)), isForgotten: () => false };
    };
    return { type: "ready", isSentFor: () => false, send };
  }
  const after = documentTexts(state, cluster, settlement, keys.memory);
  const isWrite = needsWrite(state, after);
  if (isWrite && !state.configMap) {
    // Our writes always have a resourceVersion, so a late create brings nothing back.
    await client.createAwsAuth({ data: {}, annotations: {} });
    const why = `Another writer keeps deleting aws-auth of ${cluster.name}`;
    return { type: "again", why: new AccessError("cluster-conflict", why) };
  }
  if (isWrite) await rehearseWrite(client, state, after);
  return { type: "ready", isSentFor: () => isWrite, send: () => write(place, state, settlement, after) };
}

async function write(
  place: Place,
  state: ClusterState,
  settlement: DocumentSettlement,
  after: Texts,
): Promise<Outcomes> {
  const { context, cluster, opened } = place;
  const isWrite = needsWrite(state, after);
  if (isWrite) context.metrics?.writes.inc({ cluster: cluster.name, way: "aws-auth" });
  const written = await writeDocument(opened.client, cluster, state, after);
  const isFenced = written && !isWrite && takesBack(settlement);
  const readBack = isFenced ? await fenceOff(place, written) : written;
  const forgotten = forgottenIn(place, settlement, readBack);
  const outcomes = await outcomesIn(cluster, settlement, readBack?.data ?? {});
  return { ...outcomes, isForgotten: ({ id }) => forgotten.has(id) };
}

function forgottenIn(
  { context, cluster }: Place,
  { withdrawals }: DocumentSettlement,
  readBack: AwsAuthConfigMap | null,
): ReadonlySet<string> {
  if (withdrawals.list.length === 0) return new Set();
  const reading = readAnnotation(
    sealedClusterOf(cluster),
    readBack?.annotations[leasesAnnotation],
    context.keys.memory,
  );
  const known = reading.type === "holdings" ? reading.withdrawals.list.map(({ id }) => id) : [];
  return new Set(withdrawals.list.map(({ id }) => id).filter((id) => !known.includes(id)));
}

/** A deletion that waits for finalizers can complete when nothing is due here. Only a person can clear it. */
async function fenceOff({ context, cluster, opened }: Place, configMap: AwsAuthConfigMap): Promise<AwsAuthConfigMap> {
  try {
    return await fenceOffWrites(opened.client, configMap);
  } catch (error) {
    await wake(context.queues, { type: "adopt", cluster: cluster.name }).catch(() => {});
    throw error;
  }
}

/** An end counts also where its record knows of no write: Redis can hold an old copy of it, from before the write. */
function takesBack({ ending, voided }: DocumentSettlement): boolean {
  return ending.length > 0 || voided.some(({ request }) => request.lease.writeBegan !== null);
}

/** @param data of the ConfigMap that was read back */
async function outcomesIn(
  cluster: Cluster,
  settlement: DocumentSettlement,
  data: Readonly<Record<string, string>>,
): Promise<Omit<Outcomes, "isForgotten">> {
  const wanted = settlement.document;
  const found = sameTexts(wanted.data, data) ? wanted : (await readRemembered(data)).document;
  const remainsOf = (principal: string) => identityInDocument(found, principal);
  return {
    failureOf: () => null,
    readBackOf: (principal) => inDocument(found, principal),
    remainsOf,
    whyStillThere: ({ principal }) => {
      const isAsWanted = JSON.stringify(remainsOf(principal)) === JSON.stringify(identityInDocument(wanted, principal));
      return isAsWanted ? null : changedAgain(cluster);
    },
  };
}

export function changedAgain(cluster: Cluster): AccessError {
  return new AccessError("cluster-conflict", `Another writer changed aws-auth of ${cluster.name} meanwhile`);
}

/** Decides the document's wanted form, after a check of every seal, the policy and the base (laws 3 and 4). */
export function* settle(input: SettleInput<ClusterState>): Steps<DocumentSettlement> {
  const known = withOwnMemory(input);
  const { configMap, document, identityOf, owner } = input.state;
  const checked = checkWork(known, "aws-auth", {
    driftOf: (request, groups) =>
      driftOf(request, identityOf(request.principal), configMap?.managers ?? [], document.blocking, groups),
    mayRepair: (request) => !owner && !isGivenByEntry(request),
  });
  const refusal = takesNothingNew(input.cluster, input.state);
  if (!refusal) return yield* planSettlement(known, checked);
  const refused = checked.beginning.map((request) => ({ request, refusal }));
  return yield* planSettlement(known, { ...checked, beginning: [] }, { principals: new Map(), refused });
}

/** Although the document can't change. Its own failure must not hide the reason. @throws AccessError `cluster-conflict` */
async function rememberWithdrawals(
  { log, keys }: WorkerContext,
  cluster: Cluster,
  client: ClusterClient,
  state: ClusterState,
  content: Content,
): Promise<void> {
  try {
    const after = documentTexts(state, cluster, content, keys.memory);
    if (!needsWrite(state, after)) return;
    await rehearseWrite(client, state, after);
    await writeDocument(client, cluster, state, after);
  } catch (error) {
    if (error instanceof AccessError && error.code === "cluster-conflict") throw error;
    log.warn({ cluster: cluster.name, err: error }, "could not remember a revocation");
  }
}

/** Before the ledger records it: a refusal by validation or webhooks then leaves nothing behind. @throws AccessError */
export async function rehearseWrite(client: ClusterClient, { configMap }: ClusterState, after: Texts): Promise<void> {
  if (configMap) await client.rehearseWrite(configMap, after);
}

/** With the resourceVersion that was read (law 6). @returns null: no ConfigMap @throws AccessError; `cluster-conflict` */
export async function writeDocument(
  client: ClusterClient,
  cluster: Cluster,
  { configMap }: ClusterState,
  after: Texts,
): Promise<AwsAuthConfigMap | null> {
  if (!configMap || !differs(configMap, after)) return configMap;
  await client.writeAwsAuth(configMap, after);
  const readBack = await measuredStep("read-back", () => client.readAwsAuth());
  if (readBack) return readBack;
  throw new AccessError("document-absent", `Another writer deleted aws-auth of ${cluster.name} meanwhile`);
}

/** By two writes without an effect: a dead or late run could restore access that we report as gone. */
async function fenceOffWrites(client: ClusterClient, configMap: AwsAuthConfigMap): Promise<AwsAuthConfigMap> {
  const { data, annotations, resourceVersion } = configMap;
  const fenced = { data, annotations: { ...annotations, [fenceAnnotation]: resourceVersion } };
  const between = await client.writeAwsAuth(configMap, fenced);
  return client.writeAwsAuth(between, { data, annotations });
}

/** Whether the decision differs from the cluster. A missing ConfigMap counts as empty. */
export function needsWrite({ configMap }: ClusterState, after: Texts): boolean {
  return differs(configMap ?? { data: {}, annotations: {} }, after);
}

/** A removal has priority over withdrawals and lost annotations, because others can have filled the room. */
export function documentTexts(
  { configMap, lost }: ClusterState,
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

function differs(before: Texts, after: Texts): boolean {
  return !sameTexts(before.data, after.data) || !sameTexts(before.annotations, after.annotations);
}

function sameTexts(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name]);
}
