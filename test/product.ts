import { execFile } from "node:child_process";
import { access, mkdir, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { inject } from "vitest";
import type { Program } from "../sandbox/product-process.ts";

const root = fileURLToPath(new URL("..", import.meta.url));

let product: Promise<Program> | undefined;

/**
 * `eks-access` as it ships: compiled, once in a test run, by whichever file asks first. A process from the sources
 * would compile itself at each start, which takes twice as long as all else that it does until it is ready.
 */
export function builtProduct(): Promise<Program> {
  product ??= buildOnce(inject("productFolder"));
  return product;
}

async function buildOnce(folder: string): Promise<Program> {
  const built = join(folder, "built");
  // Whoever waits goes on after a build that failed as well, and says by itself what is not there.
  if (await isFirst(folder)) await build(folder).finally(() => writeFile(built, ""));
  while (!(await isThere(built))) await wait(50);
  return { script: join(folder, "dist/bin/eks-access.js"), nodeFlags: [] };
}

/** Whether this test file is the one that builds; a folder is made by one process alone. */
function isFirst(folder: string): Promise<boolean> {
  return mkdir(join(folder, "building")).then(
    () => true,
    () => false,
  );
}

async function build(folder: string): Promise<void> {
  const typescript = dirname(createRequire(import.meta.url).resolve("typescript/package.json"));
  const options = ["-p", "tsconfig.build.json", "--noCheck", "--outDir", join(folder, "dist")];
  await promisify(execFile)(process.execPath, [join(typescript, "bin/tsc"), ...options], { cwd: root });
}

function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
