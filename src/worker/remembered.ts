import { setImmediate as nextTurn } from "node:timers/promises";
import type { MemoryKeys } from "../access/approval/seal.ts";
import { type AnnotationReading, readAnnotation } from "../access/lease/annotation.ts";
import {
  type ClusterBinding,
  type LeaseBinding,
  type OwnBindings,
  readOwnBindings,
  readSealedLease,
  type SealedLease,
} from "../access/lease/own-bindings.ts";
import { type AwsAuthDocument, type DocumentReading, readDocument, withProblems } from "../aws-auth/index.ts";
import { RecentResults, worthRemembering } from "../operations/recent.ts";

// Results that a run need not compute again, because a cluster hardly changes between two runs. Each is a pure function
// of its whole input, so nothing unverified is trusted.

/** A document with 58 kB of text takes 1.3 MB of memory. */
const maxDocumentText = 512 * 1024;
const documents = new RecentResults<DocumentReading>(maxDocumentText, worthRemembering);
/** An unchanged ConfigMap is the same value (src/kubernetes/config-map.ts). */
const documentsOf = new WeakMap<Data, DocumentReading>();
const withTheirProblems = new WeakMap<DocumentReading, AwsAuthDocument>();

type Data = Readonly<Record<string, string>>;

export function readRemembered(data: Data): DocumentReading {
  const known = documentsOf.get(data);
  if (known) return known;
  const texts = Object.entries(data).flat();
  // With their lengths, so that no other data has the same text.
  const text = `${texts.map(({ length }) => length)}\n${texts.join("")}`;
  const reading = documents.of(text, text, () => readDocument(data));
  documentsOf.set(data, reading);
  return reading;
}

export function parseRemembered(data: Data): AwsAuthDocument {
  const reading = readRemembered(data);
  const known = withTheirProblems.get(reading);
  if (known) return known;
  const document = withProblems(reading);
  withTheirProblems.set(reading, document);
  return document;
}

const maxBindingText = 4 * 1024 * 1024;
const leases = new WeakMap<MemoryKeys, RecentResults<SealedLease>>();

export function readLeaseRemembered(...given: Parameters<typeof readSealedLease>): SealedLease | null {
  const [cluster, { name, namespace }, annotation, keys] = given;
  const known = leases.get(keys) ?? new RecentResults<SealedLease>(maxBindingText);
  leases.set(keys, known);
  const place = JSON.stringify([cluster, namespace, name]);
  const lease = known.get(place, annotation ?? "") ?? readSealedLease(...given);
  // Others' annotations use no memory.
  if (lease) known.set(place, annotation ?? "", lease);
  return lease;
}

/** Others' annotations can be large: no turn of the event loop reads many. */
const readInOneTurn = 16;

/** As `readOwnBindings`. */
export async function ownBindingsAmong(
  cluster: string,
  bindings: readonly ClusterBinding[],
  keys: MemoryKeys,
): Promise<OwnBindings> {
  const parts: LeaseBinding[] = [];
  const forged: ClusterBinding[] = [];
  for (let at = 0; at < bindings.length; at += readInOneTurn) {
    if (at > 0) await nextTurn();
    const read = readOwnBindings(cluster, bindings.slice(at, at + readInOneTurn), keys, readLeaseRemembered);
    parts.push(...read.parts);
    forged.push(...read.forged);
  }
  return { parts, forged };
}

const maxAnnotationText = 2 * 1024 * 1024;
const annotations = new WeakMap<MemoryKeys, RecentResults<AnnotationReading>>();

export function readAnnotationRemembered(
  cluster: string,
  text: string | undefined,
  keys: MemoryKeys,
): AnnotationReading {
  if (text === undefined) return readAnnotation(cluster, text, keys);
  const known = annotations.get(keys) ?? new RecentResults<AnnotationReading>(maxAnnotationText, worthRemembering);
  annotations.set(keys, known);
  return known.of(cluster, text, () => readAnnotation(cluster, text, keys));
}
