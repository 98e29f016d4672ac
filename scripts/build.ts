import { rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import * as esbuild from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));

/**
 * Builds `eks-access` as it ships: the program is `folder`/bin/eks-access.js. At its start the Slack process opens and
 * compiles 70 files of ours, instead of 218. Packages stay in node_modules, where scanners find them. All files are in one
 * folder, because the program finds package.json and deploy/ by its own place.
 */
export async function buildProduct(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await esbuild.build({
    entryPoints: [join(root, "src/bin/eks-access.ts")],
    outdir: join(folder, "bin"),
    chunkNames: "[name]-[hash]",
    ...{ bundle: true, splitting: true, packages: "external", platform: "node", format: "esm", target: "node20" },
    logLevel: "warning",
  });
}

const [, script, folder = "dist"] = process.argv;
if (script && import.meta.url === pathToFileURL(script).href) await buildProduct(resolve(root, folder));
