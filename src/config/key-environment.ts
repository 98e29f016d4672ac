import { createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";
import {
  memoryKeys,
  type PreviewPublicKeys,
  publicKeys,
  type SlackKeys,
  signingKeys,
  type WorkerKeys,
} from "../access/seal.ts";
import { use } from "./forms.ts";

export type Variables = Readonly<Record<string, string | undefined>>;

/** The keys to sign and to verify. Null: another process. */
export interface KeyEnvironment {
  readonly slackKeys: SlackKeys | null;
  readonly workerKeys: WorkerKeys | null;
}

/** The shortest secret of the worker's memory, in bytes. */
const leastSecretBytes = 32;

/** Reads the keys of a process. A private key brings its public key; the lists add others. No problem shows a part of a value. */
export function readKeys(env: Variables, kind: ProcessKind, problems: string[]): KeyEnvironment {
  const [isSlack, isWorker] = [kind !== "worker", kind !== "slack"];
  const deciding = isSlack ? readPrivateKey(env, "DECISION_SIGNING_KEY", problems) : null;
  const deciders = readPublicKeys(env, "DECISION_PUBLIC_KEYS", isSlack, problems);
  const memory = isWorker ? readMemoryKeys(env, problems) : null;
  const showing = isWorker ? readPrivateKey(env, "PREVIEW_SIGNING_KEY", problems) : null;
  const showers = readPublicKeys(env, "PREVIEW_PUBLIC_KEYS", isWorker, problems);
  const decision = deciding && signingKeys<"decision">(deciding, deciders);
  const preview = showing && signingKeys<"preview">(showing, showers);
  const decisions = decision ?? publicKeys<"decision">(deciders);
  const previews = preview ?? publicKeys<"preview">(showers);
  if (decisions.ids.some((id) => previews.ids.includes(id))) {
    problems.push(use("PREVIEW_PUBLIC_KEYS", "another key than for decisions: `eks-access keys`"));
  }
  return {
    slackKeys: decision && { decision, preview: previews },
    workerKeys: preview && memory && { decision: decisions, memory: memoryKeys(memory), preview },
  };
}

/** The keys that verify the beginning of the audit log, in any environment. Without one, no key is trusted. */
export function readPreviewKeys(env: Variables, problems: string[]): PreviewPublicKeys {
  const own = env.PREVIEW_SIGNING_KEY ? readPrivateKey(env, "PREVIEW_SIGNING_KEY", problems) : null;
  const others = readPublicKeys(env, "PREVIEW_PUBLIC_KEYS", true, problems);
  return publicKeys(own ? [createPublicKey(own), ...others] : others);
}

function readPrivateKey(env: Variables, name: string, problems: string[]): KeyObject | null {
  const key = ed25519(() =>
    createPrivateKey({ key: Buffer.from(env[name] ?? "", "base64"), format: "der", type: "pkcs8" }),
  );
  if (!key) problems.push(use(name, "the private key that `eks-access keys` prints"));
  return key;
}

function readPublicKeys(env: Variables, name: string, mayBeEmpty: boolean, problems: string[]): readonly KeyObject[] {
  if (!env[name]?.trim() && mayBeEmpty) return [];
  const keys = listOf(env[name]).map((text) =>
    ed25519(() => createPublicKey({ key: Buffer.from(text, "base64"), format: "der", type: "spki" })),
  );
  const known = keys.filter((key) => key !== null);
  if (known.length < keys.length) {
    problems.push(use(name, "the public keys that `eks-access keys` prints, separated by commas"));
  }
  return known;
}

function readMemoryKeys(env: Variables, problems: string[]): readonly [Buffer, ...Buffer[]] | null {
  const secrets = listOf(env.MEMORY_KEYS).map((text) =>
    /^[A-Za-z0-9+/_-]+={0,2}$/.test(text) ? Buffer.from(text, "base64") : Buffer.alloc(0),
  );
  const [first, ...others] = secrets;
  if (first && secrets.every(({ length }) => length >= leastSecretBytes)) return [first, ...others];
  problems.push(
    use("MEMORY_KEYS", "the secret that `eks-access keys` prints, or several with commas (the first seals)"),
  );
  return null;
}

function ed25519(read: () => KeyObject): KeyObject | null {
  try {
    const key = read();
    return key.asymmetricKeyType === "ed25519" ? key : null;
  } catch {
    return null;
  }
}

function listOf(text = ""): readonly string[] {
  return text.split(",").map((each) => each.trim());
}

/** The secrets that only one of the two processes can have. */
const secretsOf = {
  slack: ["SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET", "DECISION_SIGNING_KEY"],
  worker: ["MEMORY_KEYS", "PREVIEW_SIGNING_KEY", "AUDIT_WEBHOOK_SECRET"],
} as const;

/** Laws 1 and 3: a stolen worker must not act in Slack, and a stolen Slack process must forge nothing of the worker's. */
export function forbidOthersSecrets(env: Variables, kind: ProcessKind, problems: string[]): void {
  if (kind === "all") return;
  const [own, others] = kind === "worker" ? (["worker", "slack"] as const) : (["Slack process", "worker"] as const);
  for (const name of secretsOf[others]) {
    if (env[name]) problems.push(`${name}: remove it from the ${own}'s environment.`);
  }
}

/** Which of the two processes starts: each needs other secrets, and must not have the other's. */
export type ProcessKind = "slack" | "worker" | "all";
