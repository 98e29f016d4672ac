import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

const types = { js: "text/javascript; charset=utf-8", css: "text/css; charset=utf-8", svg: "image/svg+xml" } as const;

const own = (name: string) => fileURLToPath(new URL(`../assets/${name}`, import.meta.url));

/** The files that the page loads. Nothing else on the disk can be asked for. */
const files: Readonly<Record<string, { path: string; type: string }>> = {
  "page.js": { path: own("page.js"), type: types.js },
  "acts.js": { path: own("acts.js"), type: types.js },
  "live.js": { path: own("live.js"), type: types.js },
  "composer.js": { path: own("composer.js"), type: types.js },
  "dialogs.js": { path: own("dialogs.js"), type: types.js },
  "page.css": { path: own("page.css"), type: types.css },
  "chat.css": { path: own("chat.css"), type: types.css },
  "blocks.css": { path: own("blocks.css"), type: types.css },
  "forms.css": { path: own("forms.css"), type: types.css },
  "cluster.css": { path: own("cluster.css"), type: types.css },
  "icon.svg": { path: own("icon.svg"), type: types.svg },
  "idiomorph.js": {
    path: createRequire(import.meta.url).resolve("idiomorph/dist/idiomorph.esm.js"),
    type: types.js,
  },
};

export const assetNames: readonly string[] = Object.keys(files);

export async function readAsset(name: string): Promise<{ body: Buffer; type: string } | undefined> {
  const file = Object.hasOwn(files, name) ? files[name] : undefined;
  return file && { body: await readFile(file.path), type: file.type };
}
