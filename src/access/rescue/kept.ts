import type { MemoryKeys } from "../approval/seal.ts";
import type { Json } from "../audit/event.ts";

/** A document that could be read whole and admitted at least one principal, as the cluster itself keeps it. */
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
export type KeptData = Readonly<Record<string, string>>;

/** A ConfigMap takes 1 MiB, names included (apimachinery, MaxSecretSize). */
const mostBytes = 1_000_000;

/** A kept document; null: there is none that our key sealed for this cluster. Anything else would let in an attacker who can write there. */
export function readKept(cluster: string, texts: KeptData, name: KeptName, keys: MemoryKeys): KeptDocument | null {
  const read = parse(texts[`${name}.json`] ?? "");
  if (!read) return null;
  const { seal: sealText, ...document } = read;
  return keys.isSealed("kept", keptValue(cluster, document), sealText) ? document : null;
}

/** What is kept from now on; null: nothing else than before, or it has no room. */
export function withKeptDocument(
  cluster: string,
  texts: KeptData,
  document: KeptDocument,
  keys: MemoryKeys,
): KeptData | null {
  const last = readKept(cluster, texts, "last", keys);
  if (last && isSame(last, document)) return null;
  const newest = JSON.stringify({ ...document, seal: keys.seal("kept", keptValue(cluster, document)) }, null, 2);
  const before = last && isSame({ ...last, leases: null }, { ...document, leases: null }) ? "before" : "last";
  const older = readKept(cluster, texts, before, keys) ? texts[`${before}.json`] : undefined;
  const candidates: KeptData[] = [
    { "last.json": newest, ...(older !== undefined && { "before.json": older }) },
    { "last.json": newest },
  ];
  return candidates.find((each) => Buffer.byteLength(Object.values(each).join("")) <= mostBytes) ?? null;
}

function isSame(some: KeptDocument, other: KeptDocument): boolean {
  const text = ({ data, leases }: KeptDocument) => JSON.stringify([Object.entries(data).sort(), leases]);
  return text(some) === text(other);
}

function keptValue(cluster: string, { at, data, leases }: KeptDocument): Json {
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

/** The lease of a rescue, as the access entry itself says it: its reader knows when it ends, without Redis. */
export interface RescueLease {
  /** The request's id. */
  readonly id: string;
  /** Slack user id, as its maker said. */
  readonly by: string;
  /** The ARN of its maker, as AWS said. */
  readonly as: string;
  readonly endsAt: string;
}

const leaseTag = "eks-access/rescue";
const asTag = "eks-access/rescue-as";
const sealTag = "eks-access/rescue-seal";

/** The tags of the entry, sealed for this one cluster and principal. */
export function writeRescueTags(
  clusterArn: string,
  principalArn: string,
  lease: RescueLease,
  keys: MemoryKeys,
): Record<string, string> {
  const { id, by, as, endsAt } = lease;
  return {
    [leaseTag]: `${id} ${by} ${endsAt}`,
    [asTag]: as,
    [sealTag]: keys.seal("rescue", tagsValue(clusterArn, principalArn, lease)),
  };
}

/** The lease in an entry's tags; null: none that our key sealed for this cluster and principal. */
export function readRescueTags(
  clusterArn: string,
  principalArn: string,
  tags: Readonly<Record<string, string>>,
  keys: MemoryKeys,
): RescueLease | null {
  const [id = "", by = "", endsAt = ""] = (tags[leaseTag] ?? "").split(" ");
  const lease = { id, by, as: tags[asTag] ?? "", endsAt };
  const value = tagsValue(clusterArn, principalArn, lease);
  return keys.isSealed("rescue", value, tags[sealTag] ?? "") ? lease : null;
}

function tagsValue(clusterArn: string, principalArn: string, { id, by, as, endsAt }: RescueLease): Json {
  return { clusterArn, principalArn, id, by, endsAt, as };
}
