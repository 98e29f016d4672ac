import { createHmac, hkdfSync, timingSafeEqual } from "node:crypto";
import { canonicalJson, type Json } from "../audit/canonical-json.ts";

/** What a seal speaks for. The purpose keeps a seal of one kind from passing as one of another kind. */
export type SealPurpose =
  | "decision"
  | "preview"
  | "annotation"
  | "written"
  | "creation"
  | "rescue"
  | "review"
  | "link"
  | "entry"
  | "withdrawal"
  | "move-plan"
  | "kept";

export interface SealKey {
  /** Names the key in the seal; eight hex digits derived from the key, so that it tells nothing of it. */
  readonly id: string;
  readonly secret: Buffer;
}

/** The first key signs, all of them verify: a key is rotated by putting a new one in front. */
export type SealKeys = readonly [SealKey, ...SealKey[]];

/** Makes keys from the secrets of the environment. */
export function sealKeysFrom(secrets: readonly [string, ...string[]]): SealKeys {
  const [first, ...others] = secrets;
  return [sealKeyFrom(first), ...others.map(sealKeyFrom)];
}

function sealKeyFrom(secret: string): SealKey {
  const derived = Buffer.from(hkdfSync("sha256", secret, "eks-access", "seal", 36));
  return { id: derived.subarray(32).toString("hex"), secret: derived.subarray(0, 32) };
}

/** Seals a value: `<key id>.<HMAC-SHA256, hex>`. */
export function seal(purpose: SealPurpose, value: Json, keys: SealKeys): string {
  const [key] = keys;
  return `${key.id}.${mac(purpose, value, key)}`;
}

/** Whether one of our keys made this seal for exactly this value. Compared in constant time. */
export function isSealed(purpose: SealPurpose, value: Json, sealText: string, keys: SealKeys): boolean {
  const key = keys.find(({ id }) => sealText.startsWith(`${id}.`));
  if (!key) return false;
  const wanted = Buffer.from(`${key.id}.${mac(purpose, value, key)}`);
  const found = Buffer.from(sealText);
  return wanted.length === found.length && timingSafeEqual(wanted, found);
}

function mac(purpose: SealPurpose, value: Json, key: SealKey): string {
  return createHmac("sha256", key.secret)
    .update(`eks-access ${purpose}\n${canonicalJson(value)}`)
    .digest("hex");
}
