import { spawn } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { freePort } from "../../src/sandbox/free-port.ts";
import { type ProductProcess, type Program, startProduct } from "../../src/sandbox/product-process.ts";
import type { SandboxSlack } from "../../src/sandbox/slack/workspace.ts";

const nodeFlags = ["--import", createRequire(import.meta.url).resolve("tsx")];

/** `eks-access` from the sources, as its own process. */
const product: Program = { script: fileURLToPath(new URL("../../src/bin/eks-access.ts", import.meta.url)), nodeFlags };

const quiet = { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true" };

export function startProductProcess(
  kind: "slack" | "worker",
  environment: Readonly<Record<string, string>>,
): Promise<ProductProcess> {
  return startProduct(product, kind, { ...quiet, ...environment });
}

/** A Bolt app that does nothing but acknowledge, in the same way, on a port of its own; with ANSWERS it answers as well. */
export async function bareBoltOn(
  { botToken, signingSecret, apiUrl }: Pick<SandboxSlack, "botToken" | "signingSecret" | "apiUrl">,
  environment: { readonly ANSWERS?: string },
): Promise<{ readonly app: ProductProcess; readonly port: number }> {
  const port = await freePort();
  const app = await startProduct({ script: scriptOf("bare-bolt.ts"), nodeFlags }, "slack", {
    ...{ SLACK_BOT_TOKEN: botToken, SLACK_SIGNING_SECRET: signingSecret, SLACK_API_URL: apiUrl, PORT: String(port) },
    ...environment,
  });
  return { app, port };
}

/**
 * Runs a reference, a script of this folder, in the same way; what it prints is its result.
 * @param environment all that it gets
 */
export async function referenceResult(script: string, environment: Readonly<Record<string, string>>): Promise<unknown> {
  const args = [...nodeFlags, scriptOf(script)];
  const child = spawn(process.execPath, args, {
    env: { ...quiet, ...environment },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [output, [code]] = await Promise.all([text(child.stdout), once(child, "exit")]);
  if (code !== 0) throw new Error(`${script} ended with code ${code}`);
  return JSON.parse(output);
}

function scriptOf(name: string): string {
  return fileURLToPath(new URL(`./${name}`, import.meta.url));
}
