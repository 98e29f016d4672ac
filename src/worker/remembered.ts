import { setImmediate as nextTurn } from "node:timers/promises";
import { keptWith } from "../access/collections.ts";
import {
  type AnnotationReading,
  leasesAnnotation,
  readAnnotation,
  readingOf,
  writeAnnotation,
} from "../access/lease/annotation.ts";
import type { Holding } from "../access/lease/lease-record.ts";
import {
  type ClusterBinding,
  type LeaseBinding,
  type OwnBindings,
  readOwnBindings,
  readSealedLease,
  type SealedLease,
} from "../access/lease/own-bindings.ts";
import { noWithdrawals, type Withdrawals } from "../access/lease/withdrawal.ts";
import { type Cluster, sealedClusterOf } from "../access/policy/cluster.ts";
import type { MemoryKeys } from "../access/seal.ts";
import { type planChanges, planSteps, type ReadDocument, readingSteps, type Steps } from "../aws-auth/index.ts";
import type { AwsAuthContent } from "../kubernetes/config-map.ts";
import { RecentResults, worthRemembering } from "../operations/bounds.ts";
import { inTurns } from "../operations/parallel.ts";

// Results that a run need not compute again, because a cluster hardly changes between two runs. Each is a pure function
// of its whole input, so nothing unverified is trusted.

/** A document with 58 kB of text takes 0.9 MB of memory. */
const maxDocumentText = 512 * 1024;
const documents = new RecentResults<ReadDocument>(maxDocumentText, worthRemembering);

type Data = Readonly<Record<string, string>>;

/** An unchanged ConfigMap is the same value (src/kubernetes/config-map.ts). */
const documentsOf = new WeakMap<Data, ReadDocument>();

export function* rememberedSteps(data: Data): Steps<ReadDocument> {
  const known = documentsOf.get(data);
  if (known) return known;
  const texts = Object.entries(data).flat();
  // With their lengths, so that no other data has the same text.
  const text = `${texts.map(({ length }) => length)}
${texts.join("")}`;
  const reading = documents.get(text, text) ?? (yield* readingSteps(data));
  documents.set(text, text, reading);
  documentsOf.set(data, reading);
  return reading;
}

export function readRemembered(data: Data): Promise<ReadDocument> {
  return inTurns(rememberedSteps(data));
}

export function planRemembered(...[document, changes, guard]: Parameters<typeof planChanges>) {
  return planSteps(document, changes, guard ?? {}, rememberedSteps);
}

const maxBindingText = 4 * 1024 * 1024;
const leasesOf = keptWith((_: MemoryKeys) => new RecentResults<SealedLease>(maxBindingText));

export function readLeaseRemembered(...given: Parameters<typeof readSealedLease>): SealedLease | null {
  const [cluster, { name, namespace }, annotation, keys] = given;
  const known = leasesOf(keys);
  const place = JSON.stringify([cluster, namespace, name]);
  const lease = known.get(place, annotation ?? "") ?? readSealedLease(...given);
  // Others' annotations use no memory.
  if (lease) known.set(place, annotation ?? "", lease);
  return lease;
}

/** Others' annotations can be large: no turn of the event loop reads many. */
const readInOneTurn = 16;

export async function ownBindingsAmong(
  cluster: string,
  bindings: readonly ClusterBinding[],
  keys: MemoryKeys,
): Promise<OwnBindings> {
  const parts: LeaseBinding[] = [];
  const forged: OwnBindings["forged"][number][] = [];
  for (let at = 0; at < bindings.length; at += readInOneTurn) {
    if (at > 0) await nextTurn();
    const read = readOwnBindings(cluster, bindings.slice(at, at + readInOneTurn), keys, readLeaseRemembered);
    parts.push(...read.parts);
    forged.push(...read.forged);
  }
  return { parts, forged };
}

const maxAnnotationText = 2 * 1024 * 1024;
const annotationsOf = keptWith(
  (_: MemoryKeys) => new RecentResults<AnnotationReading>(maxAnnotationText, worthRemembering),
);

export function readAnnotationRemembered(
  cluster: string,
  text: string | undefined,
  keys: MemoryKeys,
): AnnotationReading {
  if (text === undefined) return readAnnotation(cluster, text, keys);
  return annotationsOf(keys).of(cluster, text, () => readAnnotation(cluster, text, keys));
}

/** What a cluster remembers beside its document; null: there is none. */
export function memoryBeside(
  cluster: Cluster,
  configMap: Pick<AwsAuthContent, "annotations"> | null,
  keys: MemoryKeys,
): { readonly holdings: readonly Holding[]; readonly withdrawals: Withdrawals; readonly untrusted: string | null } {
  const reading = readAnnotationRemembered(sealedClusterOf(cluster), configMap?.annotations[leasesAnnotation], keys);
  if (reading.type === "holdings") return { ...reading, untrusted: null };
  return { holdings: [], withdrawals: noWithdrawals, untrusted: reading.type === "untrusted" ? reading.message : null };
}

/** As `writeAnnotation`: the next run reads this text, and needs neither to verify nor to read it again. */
export function writeAnnotationRemembered(
  cluster: string,
  holdings: readonly Holding[],
  keys: MemoryKeys,
  withdrawals = noWithdrawals,
): string | null {
  const text = writeAnnotation(cluster, holdings, keys, withdrawals);
  if (text !== null) annotationsOf(keys).set(cluster, text, readingOf(holdings, withdrawals));
  return text;
}
