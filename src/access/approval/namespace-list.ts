import { z } from "zod";
import type { Json } from "../audit/event.ts";
import { isDatedAhead } from "./decision.ts";
import type { PreviewKeys, PreviewPublicKeys } from "./seal.ts";

/** More are not published: a person can still type a name. */
const maxNames = 5_000;
/** An older list is of no use. */
const maxKeptMs = 3_600_000;
/** A newer one needs no new look at the cluster. */
const currentMs = 60_000;

const listForm = z.strictObject({
  cluster: z.string(),
  at: z.iso.datetime(),
  names: z.array(z.string().max(63)).max(maxNames),
  seal: z.string(),
});

/** The namespaces of a cluster as a worker saw them, sorted and sealed. It offers choices in a form, and gives no access. */
export type NamespaceList = Readonly<z.output<typeof listForm>>;

export function sealNamespaces(cluster: string, names: readonly string[], now: Date, keys: PreviewKeys): NamespaceList {
  const list = { cluster, at: now.toISOString(), names: names.toSorted().slice(0, maxNames) };
  return { ...list, seal: keys.seal("namespaces", list as unknown as Json) };
}

/** What a worker sealed about this cluster in the last hour; null: it is something else. */
export function readNamespaceList(
  value: unknown,
  cluster: string,
  keys: PreviewPublicKeys,
  now: Date,
): NamespaceList | null {
  const read = listForm.safeParse(value);
  if (!read.success || read.data.cluster !== cluster) return null;
  const { seal, ...list } = read.data;
  if (isDatedAhead(list, now) || now.getTime() - Date.parse(list.at) > maxKeptMs) return null;
  return keys.isSealed("namespaces", list as unknown as Json, seal) ? read.data : null;
}

export function isCurrentList({ at }: NamespaceList, now: Date): boolean {
  return now.getTime() - Date.parse(at) <= currentMs;
}
