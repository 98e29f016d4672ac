import type { Json } from "../audit/canonical-json.ts";
import type { Cluster } from "../policy/cluster.ts";
import { digestOfChange } from "../request/digest.ts";
import type { AccessRequest, Preview } from "../request/record.ts";
import type { PreviewKeys, PreviewPublicKeys } from "./seal.ts";

/** Seals what the worker saw in the cluster: approvers decide by it. */
export function sealPreview(request: AccessRequest, preview: Omit<Preview, "seal">, keys: PreviewKeys): Preview {
  return { ...preview, seal: keys.seal("preview", sealedValue(request, preview)) };
}

/**
 * Whether approvers may be shown this preview with its buttons: the worker made it, and its digest is that of the very
 * request that is shown with it. Otherwise whoever can write to Redis could show one change and have another approved.
 */
export function isGenuine(request: AccessRequest, cluster: Cluster, keys: PreviewPublicKeys): boolean {
  const { preview } = request;
  const level = cluster.levels.find(({ name }) => name === request.level);
  if (!preview || !level) return false;
  const { seal: sealText, ...unsealed } = preview;
  if (!keys.isSealed("preview", sealedValue(request, unsealed), sealText)) return false;
  return digestOfChange(request, cluster, level, preview) === preview.digest;
}

function sealedValue({ id }: AccessRequest, preview: Omit<Preview, "seal">): Json {
  return { request: id, preview: { ...preview, seal: undefined } } as unknown as Json;
}
