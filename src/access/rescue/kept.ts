import type { MemoryKeys } from "../approval/seal.ts";
import type { Json } from "../audit/canonical-json.ts";

/** A document that could be read whole and let somebody in, as the cluster itself keeps it. */
export interface KeptDocument {
  /** ISO 8601: when it was read. */
  readonly at: string;
  readonly data: Readonly<Record<string, string>>;
  /** Our memory of the leases in it, as its annotation had it; null: there was none. */
  readonly leases: string | null;
}

/** `last`: the newest one. `before`: the one before it, for where what is wrong could be read. */
export type KeptName = "last" | "before";

/** What the ConfigMap of kept documents holds. */
export type KeptTexts = Readonly<Record<string, string>>;

/** A ConfigMap takes 1 MiB, names included (apimachinery, MaxSecretSize). */
const mostBytes = 1_000_000;

/** A kept document; null: there is none that our key sealed for this cluster. Anything else would let in whoever can write there. */
export function readKept(cluster: string, texts: KeptTexts, name: KeptName, keys: MemoryKeys): KeptDocument | null {
  const read = parse(texts[`${name}.json`] ?? "");
  if (!read) return null;
  const { seal: sealText, ...document } = read;
  return keys.isSealed("kept", sealedValue(cluster, document), sealText) ? document : null;
}

/** What is kept from now on; null: nothing else than before, or it has no room. */
export function keep(cluster: string, texts: KeptTexts, document: KeptDocument, keys: MemoryKeys): KeptTexts | null {
  const last = readKept(cluster, texts, "last", keys);
  if (last && isSame(last, document)) return null;
  const newest = JSON.stringify({ ...document, seal: keys.seal("kept", sealedValue(cluster, document)) }, null, 2);
  const before = last && isSame({ ...last, leases: null }, { ...document, leases: null }) ? "before" : "last";
  const older = readKept(cluster, texts, before, keys) ? texts[`${before}.json`] : undefined;
  const candidates: KeptTexts[] = [
    { "last.json": newest, ...(older !== undefined && { "before.json": older }) },
    { "last.json": newest },
  ];
  return candidates.find((each) => Buffer.byteLength(Object.values(each).join("")) <= mostBytes) ?? null;
}

function isSame(some: KeptDocument, other: KeptDocument): boolean {
  const text = ({ data, leases }: KeptDocument) => JSON.stringify([Object.entries(data).sort(), leases]);
  return text(some) === text(other);
}

function sealedValue(cluster: string, { at, data, leases }: KeptDocument): Json {
  return { cluster, at, data: { ...data }, leases };
}

function parse(text: string): (KeptDocument & { readonly seal: string }) | null {
  try {
    const { at, data, leases, seal: sealText } = JSON.parse(text) as Partial<KeptDocument & { seal: string }>;
    if (typeof at !== "string" || typeof sealText !== "string") return null;
    if (typeof data !== "object" || data === null) return null;
    if (!Object.values(data).every((each) => typeof each === "string")) return null;
    return { at, data, leases: typeof leases === "string" ? leases : null, seal: sealText };
  } catch {
    return null;
  }
}
