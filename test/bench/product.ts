import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { type ProductProcess, type Program, startProduct } from "../../src/sandbox/product-process.ts";

const nodeFlags = ["--import", createRequire(import.meta.url).resolve("tsx")];

/** `eks-access` from the sources, as its own process. */
const product: Program = { script: fileURLToPath(new URL("../../src/bin/eks-access.ts", import.meta.url)), nodeFlags };

/** What is quiet in both the product and its references, so that neither pays for writing lines that nobody reads. */
const quiet = { LOG_LEVEL: "info", AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true" };

export function startProductProcess(
  kind: "slack" | "worker",
  environment: Readonly<Record<string, string>>,
): Promise<ProductProcess> {
  return startProduct(product, kind, { ...quiet, ...environment });
}

/** How a script of this folder is run as a process of its own: in the same way as the product. */
export function programOf(script: string): { readonly path: string; readonly args: readonly string[] } {
  const file = fileURLToPath(new URL(`./${script}`, import.meta.url));
  return { path: process.execPath, args: [...nodeFlags, file] };
}
