import { isOfNewestKey, type Json, type MemoryKeys } from "../seal.ts";

/** A whole document that admitted at least one principal, as the cluster itself keeps it. */
export interface KeptDocument {
  /** When it was read. */
  readonly at: string;
  readonly data: Readonly<Record<string, string>>;
  /** Our memory of its leases, as its annotation had it; null: it had none. */
  readonly leases: string | null;
}

/** `last`: the newest one. `before`: the one before it, in case the newest is readable but wrong. */
export type KeptName = "last" | "before";

export type KeptData = Readonly<Record<string, string>>;

/** A ConfigMap takes 1 MiB, names included (apimachinery, MaxSecretSize). */
const maxBytes = 1_000_000;

/** A kept document; null: our key sealed none for this cluster and name. An attacker who can write there could add an unsealed one. */
export function readKept(cluster: string, texts: KeptData, name: KeptName, keys: MemoryKeys): KeptDocument | null {
  const read = parse(texts[`${name}.json`] ?? "");
  if (!read) return null;
  const { seal: sealText, ...document } = read;
  return keys.isSealed("kept", keptValue(cluster, name, document), sealText) ? document : null;
}

/** The ConfigMap's next data; null: nothing changed, or there is no room. */
export function withKeptDocument(
  cluster: string,
  texts: KeptData,
  document: KeptDocument,
  keys: MemoryKeys,
): KeptData | null {
  const last = readKept(cluster, texts, "last", keys);
  if (last && isSame(last, document) && isOfNewestKey(parse(texts["last.json"] ?? "")?.seal ?? "", keys)) return null;
  const textOf = (name: KeptName, kept: KeptDocument) =>
    JSON.stringify({ ...kept, seal: keys.seal("kept", keptValue(cluster, name, kept)) }, null, 2);
  const newest = { "last.json": textOf("last", document) };
  const isOther = last && !isSame({ ...last, leases: null }, { ...document, leases: null });
  const older = isOther ? last : readKept(cluster, texts, "before", keys);
  const candidates: KeptData[] = [{ ...newest, ...(older && { "before.json": textOf("before", older) }) }, newest];
  return candidates.find((each) => Buffer.byteLength(Object.values(each).join("")) <= maxBytes) ?? null;
}

function isSame(some: KeptDocument, other: KeptDocument): boolean {
  const text = ({ data, leases }: KeptDocument) => JSON.stringify([Object.entries(data).sort(), leases]);
  return text(some) === text(other);
}

function keptValue(cluster: string, name: KeptName, { at, data, leases }: KeptDocument): Json {
  return { cluster, name, at, data: { ...data }, leases };
}

/** By hand: zod's copy lacks a key `__proto__`, which a ConfigMap can have, and the seal covers it. */
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

/** The lease of a rescue, from its access entry, which shows its end without Redis. */
export interface RescueLease {
  readonly id: string;
  /** Slack user id, as the person gave it. */
  readonly by: string;
  /** The person's ARN, according to AWS. */
  readonly as: string;
  readonly endsAt: string;
}

const leaseTag = "eks-access/rescue";
const asTag = "eks-access/rescue-as";
const sealTag = "eks-access/rescue-seal";

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

/** The lease in an entry's tags; null: our key sealed none for this cluster and principal. */
export function readRescueTags(
  clusterArn: string,
  principalArn: string,
  tags: Readonly<Record<string, string>>,
  keys: MemoryKeys,
): RescueLease | null {
  const [id = "", by = "", endsAt = ""] = (tags[leaseTag] ?? "").split(" ");
  const lease = { id, by, as: tags[asTag] ?? "", endsAt };
  return keys.isSealed("rescue", tagsValue(clusterArn, principalArn, lease), tags[sealTag] ?? "") ? lease : null;
}

function tagsValue(clusterArn: string, principalArn: string, { id, by, as, endsAt }: RescueLease): Json {
  return { clusterArn, principalArn, id, by, endsAt, as };
}
