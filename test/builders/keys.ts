import { createHash, createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";
import type { Sandbox } from "../../sandbox/sandbox.ts";
import {
  type DecisionKeys,
  type MemoryKeys,
  memoryKeys,
  type PreviewKeys,
  signingKeys,
} from "../../src/access/seal.ts";
import type { KeyVariables } from "../../src/bin/keys.ts";
import { readKeys } from "../../src/config/key-environment.ts";
import { rememberingSeals } from "../../src/operations/bounds.ts";

/** The keys of both processes of an installation. */
export interface BothKeys {
  readonly decision: DecisionKeys;
  readonly memory: MemoryKeys;
  readonly preview: PreviewKeys;
}

/** The header of an Ed25519 private key in PKCS #8 (RFC 8410); the 32 bytes of the key follow. */
const header = Buffer.from("302e020100300506032b657004220420", "hex");

/** An Ed25519 key that is the same in each run. */
export function aPrivateKey(text: string): KeyObject {
  return createPrivateKey({ key: Buffer.concat([header, aSecret(text)]), format: "der", type: "pkcs8" });
}

/** A secret of the worker's memory that is the same in each run. */
export const aSecret = (text: string): Buffer => createHash("sha256").update(text).digest();

/** The keys of an installation by this name. They verify each genuine seal once, as in both processes. */
export function keysNamed(name: string): BothKeys {
  const decision: DecisionKeys = signingKeys(aPrivateKey(`${name}: decisions`));
  const preview: PreviewKeys = signingKeys(aPrivateKey(`${name}: previews`));
  return {
    decision: { ...decision, ...rememberingSeals<"decision">(decision) },
    memory: memoryKeys([aSecret(`${name}: memory`)]),
    preview: { ...preview, ...rememberingSeals<"preview">(preview) },
  };
}

/** The keys of the installation that the tests speak of. */
export const keys = keysNamed("ours");

/** The keys of another installation. */
export const otherKeys = keysNamed("another");

/** The keys in the environments of both processes. */
export function keysIn(...environments: readonly Readonly<Record<string, string>>[]): BothKeys {
  const problems: string[] = [];
  const { slackKeys, workerKeys } = readKeys(Object.assign({}, ...environments), "all", problems);
  if (!slackKeys || !workerKeys) throw new Error(`These are not the environments of both: ${problems.join(" ")}`);
  return { ...workerKeys, decision: slackKeys.decision };
}

/** The keys of a sandbox's processes. */
export function keysOf({ environmentOf }: Pick<Sandbox, "environmentOf">): BothKeys {
  return keysIn(environmentOf("slack", { redisUrl: "" }), environmentOf("worker", { redisUrl: "" }));
}

/** Variables of each process for the same keys as `keysNamed` makes. */
export function variablesNamed(name: string): KeyVariables {
  const [decision, preview] = [aPrivateKey(`${name}: decisions`), aPrivateKey(`${name}: previews`)];
  return {
    slack: { DECISION_SIGNING_KEY: privateText(decision), PREVIEW_PUBLIC_KEYS: publicText(preview) },
    worker: {
      DECISION_PUBLIC_KEYS: publicText(decision),
      MEMORY_KEYS: aSecret(`${name}: memory`).toString("base64"),
      PREVIEW_SIGNING_KEY: privateText(preview),
    },
  };
}

/** A private key as the environment has it. */
export function privateText(key: KeyObject): string {
  return key.export({ type: "pkcs8", format: "der" }).toString("base64");
}

/** A public key as the environment has it. */
export function publicText(key: KeyObject): string {
  return createPublicKey(key).export({ type: "spki", format: "der" }).toString("base64");
}
