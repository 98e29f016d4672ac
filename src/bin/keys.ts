import { generateKeyPairSync, randomBytes } from "node:crypto";
import { cliCommand, readOnlyOptions } from "./process-io.ts";

const keysUsage = `Usage: eks-access keys

Prints the keys as variables, those of the Slack process and those of the worker. It stores nothing.

Example: eks-access keys
Exit code: 0 printed, 2 unusable input.
`;

export interface KeyVariables {
  readonly slack: Readonly<Record<"DECISION_SIGNING_KEY" | "PREVIEW_PUBLIC_KEYS", string>>;
  readonly worker: Readonly<Record<"DECISION_PUBLIC_KEYS" | "MEMORY_KEYS" | "PREVIEW_SIGNING_KEY", string>>;
}

export const runKeys = cliCommand("keys", keysUsage, async (argv, io) => {
  readOnlyOptions(argv, {});
  const { slack, worker } = newKeys();
  io.stdout(`# For the Slack process only\n${linesOf(slack)}\n# For the worker only\n${linesOf(worker)}`);
  return 0;
});

export function newKeys(): KeyVariables {
  const [decision, preview] = [newPair(), newPair()];
  return {
    slack: { DECISION_SIGNING_KEY: decision.privateKey, PREVIEW_PUBLIC_KEYS: preview.publicKey },
    worker: {
      DECISION_PUBLIC_KEYS: decision.publicKey,
      MEMORY_KEYS: randomBytes(32).toString("base64"),
      PREVIEW_SIGNING_KEY: preview.privateKey,
    },
  };
}

function newPair(): { readonly privateKey: string; readonly publicKey: string } {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  return {
    privateKey: privateKey.export({ type: "pkcs8", format: "der" }).toString("base64"),
    publicKey: publicKey.export({ type: "spki", format: "der" }).toString("base64"),
  };
}

function linesOf(variables: Readonly<Record<string, string>>): string {
  return Object.entries(variables)
    .map(([name, value]) => `${name}=${value}\n`)
    .join("");
}
