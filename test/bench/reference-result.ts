import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { programOf } from "./product.ts";

/**
 * Runs a reference, a script of this folder, as a process of its own, as the product's are. What it prints is its result.
 * @param environment all that it gets
 */
export async function referenceResult(script: string, environment: Readonly<Record<string, string>>): Promise<unknown> {
  const { path, args } = programOf(script);
  const child = spawn(path, [...args], { env: environment, stdio: ["ignore", "pipe", "inherit"] });
  const [output, [code]] = await Promise.all([text(child.stdout), once(child, "exit")]);
  if (code !== 0) throw new Error(`${script} ended with code ${code}`);
  return JSON.parse(output);
}
