import { isSealed, type SealKeys, seal } from "../approval/seal.ts";
import type { Json } from "../audit/canonical-json.ts";
import type { Holding, Share } from "./holding.ts";

/** Where the cluster itself remembers our grants, in the same object as the entries they explain. */
export const grantsAnnotation = "eks-access/grants";

export type AnnotationReading =
  | { readonly type: "absent" }
  | { readonly type: "holdings"; readonly holdings: readonly Holding[] }
  /** Somebody edited it, it was copied from another cluster, or the key is not ours. */
  | { readonly type: "untrusted"; readonly message: string };

/** The annotation's text, sealed for this one cluster; null where there is nothing to remember. */
export function writeAnnotation(cluster: string, holdings: readonly Holding[], keys: SealKeys): string | null {
  if (holdings.length === 0) return null;
  const held = [...holdings].sort((a, b) => (a.arn < b.arn ? -1 : 1)).map(compact);
  return JSON.stringify({ v: 1, held, seal: seal("annotation", { cluster, held }, keys) });
}

/**
 * The API server takes 256 KiB for all annotations of an object together; others' annotations need room, too. This
 * holds some 900 grants.
 */
const annotationLimitBytes = 200 * 1024;

/** Whether the annotation of these holdings stays below its limit. */
export function fitsAnnotation(cluster: string, holdings: readonly Holding[], keys: SealKeys): boolean {
  return Buffer.byteLength(writeAnnotation(cluster, holdings, keys) ?? "") <= annotationLimitBytes;
}

/** Reads the annotation. What our key did not seal for this cluster is not believed. */
export function readAnnotation(cluster: string, text: string | undefined, keys: SealKeys): AnnotationReading {
  if (text === undefined) return { type: "absent" };
  const untrusted = (message: string): AnnotationReading => ({ type: "untrusted", message });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return untrusted("it is not JSON");
  }
  if (!isAnnotation(value)) return untrusted("it has not the form that eks-access writes");
  if (!isSealed("annotation", { cluster, held: value.held }, value.seal, keys)) {
    return untrusted("its seal is not ours for this cluster");
  }
  const holdings = value.held.map(expand);
  return holdings.every((each) => each !== null)
    ? { type: "holdings", holdings: holdings as Holding[] }
    : untrusted("it has not the form that eks-access writes");
}

function compact(holding: Holding): Json {
  return {
    arn: holding.arn,
    new: holding.entryAdded,
    add: holding.added,
    g: holding.shares.map(({ id, endsAt, groups, level, requester, approvers }) => [
      id,
      endsAt,
      groups,
      level,
      requester,
      ...approvers,
    ]),
  };
}

function expand(value: Json): Holding | null {
  const { arn, new: entryAdded, add, g } = value as { [key: string]: Json | undefined };
  if (typeof arn !== "string" || typeof entryAdded !== "boolean" || !isTexts(add) || !Array.isArray(g)) return null;
  const shares = g.map(expandShare);
  return shares.every((share) => share !== null) ? { arn, entryAdded, added: add, shares: shares as Share[] } : null;
}

function expandShare(value: Json): Share | null {
  const [id, endsAt, groups, ...names] = Array.isArray(value) ? value : [];
  if (typeof id !== "string" || typeof endsAt !== "string" || !isTexts(groups) || !isTexts(names)) return null;
  const [level = "", requester = "", ...approvers] = names;
  return { id, endsAt, groups, level, requester, approvers };
}

function isTexts(value: Json | undefined): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}

function isAnnotation(value: unknown): value is { v: 1; held: readonly Json[]; seal: string } {
  if (typeof value !== "object" || value === null) return false;
  const { v, held, seal: sealText } = value as { v?: unknown; held?: unknown; seal?: unknown };
  return (
    v === 1 &&
    typeof sealText === "string" &&
    Array.isArray(held) &&
    held.every((item) => typeof item === "object" && item !== null && !Array.isArray(item))
  );
}
