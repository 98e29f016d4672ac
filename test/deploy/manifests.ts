import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { render } from "./a-helm.ts";

const deploy = fileURLToPath(new URL("../../deploy", import.meta.url));
const header = "# Rendered from deploy/helm by `npm run manifests`: change it there.";

/** Template of the chart → the manifest that is its rendering with default values, below deploy/kubernetes. */
export const manifests: ReadonlyMap<string, string> = new Map([
  ...["slack", "worker", "service-accounts", "network-policies", "disruption-budgets"].map(
    (name) => [name, `${name}.yaml`] as const,
  ),
  ["redis", "redis/redis.yaml"],
  ...["alb", "external-redis", "ipv6", "otlp"].map(
    (name) => [`network-${name}`, `network/${name}/policies.yaml`] as const,
  ),
]);

/** What the manifests of `network/` have in the place of your own values. */
export const variants = [
  "network.albCidrs={10.0.0.0/24,10.0.1.0/24}",
  "network.redisCidrs={10.0.2.0/24,10.0.3.0/24}",
  "network.collectorNamespace=observability",
  "network.ipv6=true",
].flatMap((value) => ["--set", value]);

/** Each manifest, by its path below deploy/kubernetes. */
export async function renderManifests(): Promise<ReadonlyMap<string, string>> {
  const rendered = await render(variants);
  return new Map([...manifests].map(([name, path]) => [path, `${header}\n${rendered.get(name)}\n`]));
}

/** Of the chart and of the manifests: whether one was changed without the other can be seen without Helm. */
export function renderingDigests(): { readonly chart: string; readonly manifests: string } {
  const files = readdirSync(join(deploy, "helm"), { recursive: true, withFileTypes: true })
    .filter((each) => each.isFile() && !each.name.endsWith(".md"))
    .map((each) => join(each.parentPath, each.name));
  const rendered = [...manifests.values()].map((path) => join(deploy, "kubernetes", path));
  return { chart: digestOf(files), manifests: digestOf(rendered) };
}

function digestOf(paths: readonly string[]): string {
  const hash = createHash("sha256");
  for (const path of [...paths].sort()) {
    hash
      .update(`${path.slice(deploy.length)}\0`)
      .update(readFileSync(path))
      .update("\0");
  }
  return hash.digest("hex");
}
