import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { renderingDigests, renderManifests } from "./manifests.ts";

/** `npm run manifests`: renders the chart into deploy/kubernetes, and keeps the digests of both. */
const root = fileURLToPath(new URL("../..", import.meta.url));
for (const [path, text] of await renderManifests()) await writeFile(join(root, "deploy/kubernetes", path), text);
await writeFile(join(root, "test/deploy/rendering.json"), `${JSON.stringify(renderingDigests(), null, 2)}\n`);
