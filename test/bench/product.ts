import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { freePort, type ProductProcess, type Program, startProduct } from "../../sandbox/product-process.ts";
import type { SandboxSlack } from "../../sandbox/slack/workspace.ts";

/**
 * The image's own flags, and what Node by itself takes for the old part of its heap where a container has 512 MiB, as in
 * deploy/kubernetes: half of it. With the memory of a whole machine before it, V8 lets garbage lie until the heap is four times what is in use.
 */
const nodeFlags = [...imageFlags(), "--max-old-space-size=256"];

/** `eks-access`, built as it ships, as its own process. */
export const product = programOf("../../dist/bin/eks-access");

/** A Bolt app that does nothing but acknowledge. */
export const bareBolt = programOf("./bare-bolt");

const quiet = { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true" };

export function startProductProcess(
  kind: "slack" | "worker",
  environment: Readonly<Record<string, string>>,
): Promise<ProductProcess> {
  return startProduct(watched(product), kind, { ...quiet, ...environment });
}

/** The bare Bolt app, in the same way, on a port of its own; with ANSWERS it answers as well. */
export async function bareBoltOn(
  { botToken, signingSecret, apiUrl }: Pick<SandboxSlack, "botToken" | "signingSecret" | "apiUrl">,
  environment: { readonly ANSWERS?: string },
): Promise<{ readonly app: ProductProcess; readonly port: number }> {
  const port = await freePort();
  const app = await startProduct(bareBolt, "slack", {
    ...{ SLACK_BOT_TOKEN: botToken, SLACK_SIGNING_SECRET: signingSecret, SLACK_API_URL: apiUrl, PORT: String(port) },
    ...environment,
  });
  return { app, port };
}

/**
 * Runs a reference, a script of this folder named without its extension, in the same way; what it prints is its result.
 * @param environment all that it gets
 */
export async function referenceResult(script: string, environment: Readonly<Record<string, string>>): Promise<unknown> {
  const { nodeFlags, script: file } = programOf(`./${script}`);
  const child = spawn(process.execPath, [...nodeFlags, file], {
    env: { ...quiet, ...environment },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [output, [code]] = await Promise.all([text(child.stdout), once(child, "exit")]);
  if (code !== 0) throw new Error(`${script} ended with code ${code}`);
  return JSON.parse(output);
}

/** A program that prints what is left on its heap when it is asked (live-heap.ts). */
function watched({ script, nodeFlags: flags }: Program): Program {
  return { script, nodeFlags: [...flags, "--expose-gc", "--import", programOf("./live-heap").script] };
}

/** What is in use on the heap of a process that was started as `watched`, after its garbage is collected; in MB. */
export async function liveHeapOf(child: ProductProcess): Promise<number> {
  const said = child.log.filter(isLiveHeap).length;
  process.kill(child.pid, "SIGUSR2");
  await child.logged(liveHeap, said + 1);
  return z.object({ mb: z.number() }).parse(JSON.parse(child.log.filter(isLiveHeap)[said] ?? "{}")).mb;
}

const liveHeap = '"msg":"live heap"';
const isLiveHeap = (line: string) => line.includes(liveHeap);

/** Those of the image's `node`. npm runs a script in the folder of its package.json. */
function imageFlags(): readonly string[] {
  const [, entryPoint = ""] = /^ENTRYPOINT (.*)$/m.exec(readFileSync("Dockerfile", "utf8")) ?? [];
  return z.array(z.string()).parse(JSON.parse(entryPoint)).slice(1, -1);
}

/** A script of the bench's own compilation, by its place beside this one, without its extension. */
function programOf(place: string): Program {
  return { script: fileURLToPath(new URL(`${place}.js`, import.meta.url)), nodeFlags };
}
