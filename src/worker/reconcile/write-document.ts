import type { MemoryKeys } from "../../access/approval/seal.ts";
import { AccessError } from "../../access/failure/access-error.ts";
import { leasesAnnotation, writeAnnotation } from "../../access/lease/annotation.ts";
import {
  allAnnotationsBytes,
  bytesOf,
  fenceAnnotation,
  othersAnnotations,
} from "../../access/lease/annotation-room.ts";
import { noWithdrawals } from "../../access/lease/withdrawal.ts";
import type { Cluster } from "../../access/policy/cluster.ts";
import type { ClusterClient } from "../../kubernetes/cluster-client.ts";
import type { AwsAuthConfigMap } from "../../kubernetes/config-map.ts";
import { step } from "../../operations/metrics/steps.ts";
import type { ClusterState } from "./cluster-state.ts";
import type { Content } from "./plan-settlement.ts";

/**
 * Sends the write as a dry run, so that validation and admission webhooks speak before anything changes, and before the
 * ledger says that a write has begun: what they refuse has certainly left nothing behind.
 *
 * @throws AccessError
 */
export async function rehearseWrite(client: ClusterClient, { configMap }: ClusterState, after: Texts): Promise<void> {
  if (configMap) await client.writeAwsAuth(configMap, after, { dryRun: true });
}

/**
 * Puts what was decided into the cluster with the resourceVersion that was read (law 6), and reads back what stands
 * there afterwards.
 *
 * @returns the ConfigMap read back; null where there is none, and so nothing can be written
 * @throws AccessError; `cluster-conflict` where somebody else wrote meanwhile
 */
export async function writeDocument(
  client: ClusterClient,
  cluster: Cluster,
  { configMap }: ClusterState,
  after: Texts,
): Promise<AwsAuthConfigMap | null> {
  if (!configMap || !differs(configMap, after)) return configMap;
  await client.writeAwsAuth(configMap, after, { dryRun: false });
  const readBack = await step("read-back", () => client.readAwsAuth());
  if (readBack) return readBack;
  throw new AccessError(
    "document-absent",
    `The ConfigMap aws-auth of ${cluster.name} was deleted right after the write`,
  );
}

/**
 * Makes every write fail that was planned on what was read, by two writes that change nothing in the end. A run that
 * died, or that is late, may be about to send one: what is told to be gone could come back with it.
 *
 * @returns the ConfigMap as it is then
 * @throws AccessError `cluster-conflict` where such a write came first
 */
export async function fenceOffWrites(client: ClusterClient, configMap: AwsAuthConfigMap): Promise<AwsAuthConfigMap> {
  const { data, annotations, resourceVersion } = configMap;
  const fenced = { data, annotations: { ...annotations, [fenceAnnotation]: resourceVersion } };
  const between = await client.writeAwsAuth(configMap, fenced, { dryRun: false });
  return client.writeAwsAuth(between, { data, annotations }, { dryRun: false });
}

/** Whether what was decided differs from what stands in the cluster. Where there is no ConfigMap, it counts as empty. */
export function needsWrite({ configMap }: ClusterState, after: Texts): boolean {
  return differs(configMap ?? { data: {}, annotations: {} }, after);
}

/**
 * What the ConfigMap has to hold, as text. That an access goes comes before remembering that it was taken back, and before writing again what others have taken out of
 * the annotation: they may have left no room for it.
 */
export function documentTexts(
  { configMap, lost }: ClusterState,
  { name }: Cluster,
  { data, holdings, withdrawals }: Content,
  keys: MemoryKeys,
): Texts {
  const kept = holdings.filter(({ arn }) => !lost.has(arn.toLowerCase()));
  const memories = [
    [holdings, withdrawals],
    [holdings, noWithdrawals],
    [kept, withdrawals],
  ] as const;
  for (const memory of memories) {
    const annotations = annotationsAfter(configMap, writeAnnotation(name, memory[0], keys, memory[1]));
    if (bytesOf(annotations) <= allAnnotationsBytes) return { data, annotations };
  }
  return { data, annotations: annotationsAfter(configMap, writeAnnotation(name, kept, keys)) };
}

function annotationsAfter(configMap: AwsAuthConfigMap | null, annotation: string | null): Texts["annotations"] {
  const others = othersAnnotations(configMap?.annotations ?? {});
  return annotation === null ? others : { ...others, [leasesAnnotation]: annotation };
}

export type Texts = Pick<AwsAuthConfigMap, "data" | "annotations">;

function differs(before: Texts, after: Texts): boolean {
  return !sameTexts(before.data, after.data) || !sameTexts(before.annotations, after.annotations);
}

/** Whether both hold the same keys with the same texts. */
export function sameTexts(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name]);
}
