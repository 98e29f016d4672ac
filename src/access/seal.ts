import {
  createHmac,
  createPublicKey,
  hash,
  hkdfSync,
  type KeyObject,
  sign as signEd25519,
  timingSafeEqual,
  verify as verifyEd25519,
} from "node:crypto";

/** The purposes of each kind of key. A purpose is part of the signed text, so no key or seal works for another purpose. */
export interface SealPurposes {
  /** People's decisions, and Slack's answers about them: the Slack process signs, both processes verify. */
  readonly decision: "decision" | "review" | "link" | "email" | "notice" | "user-groups" | "messages";
  /** What the worker remembers in clusters, in AWS and in the ledger: only the worker signs and verifies. */
  readonly memory:
    | "annotation"
    | "entry"
    | "binding"
    | "place"
    | "written"
    | "withdrawal"
    | "creation"
    | "rescue"
    | "migration"
    | "kept";
  /** The worker's previews and lists, and the audit log's beginning: the worker signs, both processes verify. */
  readonly preview: "preview" | "migration-plan" | "log-base" | "identities" | "fleet" | "notice" | "namespaces";
}

export type KeyKind = keyof SealPurposes;

/** Verifies seals. A forged or missing seal gives false, never an error. */
export interface Verifier<Kind extends KeyKind> {
  readonly ids: readonly string[];
  // A property, not a method: only then does the compiler refuse a verifier of another kind.
  readonly isSealed: (purpose: SealPurposes[Kind], value: Json, seal: unknown) => boolean;
}

/** Seals with its newest key, and verifies with each accepted one. The key itself can't be read from it. */
export interface Signer<Kind extends KeyKind> extends Verifier<Kind> {
  readonly seal: (purpose: SealPurposes[Kind], value: Json) => string;
}

export type DecisionKeys = Signer<"decision">;
export type DecisionPublicKeys = Verifier<"decision">;
export type MemoryKeys = Signer<"memory">;
export type PreviewKeys = Signer<"preview">;
export type PreviewPublicKeys = Verifier<"preview">;

/** The Slack process decides, and can't forge the worker's memory or proofs. */
export type SlackKeys = { readonly decision: DecisionKeys; readonly preview: PreviewPublicKeys };

/** The worker verifies decisions, and can't make one. */
export interface WorkerKeys {
  readonly decision: DecisionPublicKeys;
  readonly memory: MemoryKeys;
  readonly preview: PreviewKeys;
}

/** One key. Its seals are `<id>.<signature>`; the id is derived from the key and reveals nothing of it. */
interface Key {
  readonly id: string;
  readonly verify: (message: string, signature: string) => boolean;
}

type SigningKey = Key & { readonly sign: (message: string) => string };

/** HMAC-SHA256. The first secret seals, all of them verify. */
export function memoryKeys(secrets: readonly [Buffer, ...Buffer[]]): MemoryKeys {
  const [first, ...others] = secrets;
  return signer(hmacKey(first), others.map(hmacKey));
}

/** Ed25519 with a private key. Accepts its own seals, and those of `others`: public keys from before or after a rotation. */
export function signingKeys<Kind extends "decision" | "preview">(
  privateKey: KeyObject,
  others: readonly KeyObject[] = [],
): Signer<Kind> {
  const own = ed25519Key(createPublicKey(privateKey));
  const sign = (message: string) => signEd25519(null, Buffer.from(message), privateKey).toString("base64url");
  return signer({ ...own, sign }, others.map(ed25519Key));
}

/** Ed25519 with public keys alone: verifies, and can't sign. */
export function publicKeys<Kind extends "decision" | "preview">(keys: readonly KeyObject[]): Verifier<Kind> {
  return verifier(keys.map(ed25519Key));
}

function signer<Kind extends KeyKind>(key: SigningKey, others: readonly Key[]): Signer<Kind> {
  const seal = (purpose: string, value: Json) => `${key.id}.${key.sign(messageOf(purpose, value))}`;
  return { ...verifier<Kind>([key, ...others]), seal };
}

function verifier<Kind extends KeyKind>(keys: readonly Key[]): Verifier<Kind> {
  return {
    ids: keys.map(({ id }) => id),
    isSealed: (purpose: string, value, seal) => {
      const [, id, signature = ""] = (typeof seal === "string" && /^([0-9a-f]{8})\.([\w-]{1,128})$/.exec(seal)) || [];
      const candidates = keys.filter((key) => key.id === id);
      if (candidates.length === 0) return false;
      try {
        const message = messageOf(purpose, value);
        return candidates.some((key) => key.verify(message, signature));
      } catch {
        // JSON from Redis can nest too deep to be written again: we never signed such a value.
        return false;
      }
    },
  };
}

/** Whether the newest key made a seal. After a rotation each process seals again what it keeps for long. */
export function isOfNewestKey(seal: string, { ids: [newest] }: Pick<Verifier<KeyKind>, "ids">): boolean {
  return seal.startsWith(`${newest}.`);
}

/** Why a seal can't be verified: this process has no key of its id, which others can have written; null: it has one, or there is no id. */
export function absentKey(seal: string, { ids }: Pick<Verifier<KeyKind>, "ids">): string | null {
  const [, id] = /^([0-9a-f]{8})\./.exec(seal) ?? [];
  return id === undefined || ids.includes(id) ? null : `this worker lacks its key ${id}`;
}

/** The keys that a rotation replaces: they still verify. */
export function olderKeys({ ids: [newest, ...others] }: Pick<Verifier<KeyKind>, "ids">): readonly string[] {
  return [...new Set(others)].filter((id) => id !== newest);
}

/** The same seal by the newest key; unchanged if it is, or if no key of ours made it: a rotation must not trust a forged one. */
export function sealedAnew<Kind extends KeyKind>(
  keys: Signer<Kind>,
  purpose: SealPurposes[Kind],
  value: Json,
  seal: string,
): string {
  return isOfNewestKey(seal, keys) || !keys.isSealed(purpose, value, seal) ? seal : keys.seal(purpose, value);
}

type Sealed = { readonly seal: string };

/** A value with its seal. @param more what the seal covers besides it, or in its place */
export function withSeal<Kind extends KeyKind, Said extends object>(
  keys: Signer<Kind>,
  purpose: SealPurposes[Kind],
  said: Said,
  more: object = {},
): Said & Sealed {
  return { ...said, seal: keys.seal(purpose, { ...said, ...more } as unknown as Json) };
}

export function hasSeal<Kind extends KeyKind>(
  keys: Verifier<Kind>,
  purpose: SealPurposes[Kind],
  { seal, ...said }: Sealed,
  more: object = {},
): boolean {
  return keys.isSealed(purpose, { ...said, ...more } as unknown as Json, seal);
}

/** The same value with the seal of the newest key. */
export function withSealAnew<Kind extends KeyKind, Said extends Sealed>(
  keys: Signer<Kind>,
  purpose: SealPurposes[Kind],
  { seal, ...said }: Said,
  more: object,
): Said {
  const value = { ...said, ...more } as unknown as Json;
  return { ...said, seal: sealedAnew(keys, purpose, value, seal) } as unknown as Said;
}

/** The ids of the keys in all seals of a stored value. In JSON no text that people typed looks like one. */
export function keysIn(value: object | null): ReadonlySet<string> {
  return new Set([...JSON.stringify(value).matchAll(/"seal":"([0-9a-f]{8})\./g)].map(([, id = ""]) => id));
}

function messageOf(purpose: string, value: Json): string {
  return `eks-access ${purpose}\n${canonicalJson(value)}`;
}

function hmacKey(secret: Buffer): SigningKey {
  const derived = Buffer.from(hkdfSync("sha256", secret, "eks-access", "memory", 36));
  const [key, id] = [derived.subarray(0, 32), derived.subarray(32).toString("hex")];
  const sign = (message: string) => createHmac("sha256", key).update(message).digest("hex");
  return { id, sign, verify: (message, signature) => isSameText(sign(message), signature) };
}

function ed25519Key(key: KeyObject): Key {
  const id = hash("sha256", key.export({ type: "spki", format: "der" })).slice(0, 8);
  return {
    id,
    verify: (message, signature) => {
      const bytes = Buffer.from(signature, "base64url");
      // The same bytes have several base64url texts: one seal has one text.
      return bytes.toString("base64url") === signature && verifyEd25519(null, Buffer.from(message), key, bytes);
    },
  };
}

function isSameText(wanted: string, found: string): boolean {
  const [a, b] = [Buffer.from(wanted), Buffer.from(found)];
  return a.length === b.length && timingSafeEqual(a, b);
}

export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json | undefined };

/** JSON with sorted keys and no white space: equal values give equal text, so digests can be compared. */
export function canonicalJson(value: Json): string {
  if (Array.isArray(value)) return `[${value.map((item: Json) => canonicalJson(item)).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const object = value as { readonly [key: string]: Json | undefined };
  const fields: string[] = [];
  for (const key of Object.keys(object).sort()) {
    const item = object[key];
    if (item !== undefined) fields.push(`${JSON.stringify(key)}:${canonicalJson(item)}`);
  }
  return `{${fields.join(",")}}`;
}

/** Of an audit event: the chain of the log covers it. */
export function digestOfEvent(event: object): string {
  return hash("sha256", canonicalJson(event as unknown as Json));
}

/** What a text from outside says; null: it is no JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
