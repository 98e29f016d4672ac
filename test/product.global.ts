import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { TestProject } from "vitest/node";

declare module "vitest" {
  export interface ProvidedContext {
    /** A folder of this test run's, in which `builtProduct()` puts the product. */
    productFolder: string;
  }
}

/** Below node_modules, so that what is compiled there finds its packages. */
const cache = fileURLToPath(new URL("../node_modules/.cache/eks-access", import.meta.url));

/** Vitest's global setup: an empty folder for the product, which is compiled when a test asks for it. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  await mkdir(cache, { recursive: true });
  const folder = await mkdtemp(join(cache, "product-"));
  project.provide("productFolder", folder);
  return () => rm(folder, { recursive: true, force: true });
}
