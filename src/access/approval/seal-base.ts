import type { Anchor, LogBase } from "../audit/anchor.ts";
import type { Json } from "../audit/canonical-json.ts";
import { type BrokenChain, genesis } from "../audit/event.ts";
import type { PreviewKeys, PreviewPublicKeys } from "./seal.ts";

/** Signs where the audit log begins. Only to be asked by who has verified all that is forgotten by it. */
export function sealBase(base: Omit<LogBase, "seal">, keys: PreviewKeys): LogBase {
  return { ...base, seal: keys.seal("log-base", sealedValue(base)) };
}

/** What is wrong with the beginning of a log; null: nothing was forgotten, or the worker signed that it forgot it. */
export function brokenBase(base: LogBase, keys: PreviewPublicKeys): BrokenChain | null {
  const isWhole = base.count === 0 && base.hash === genesis;
  if (isWhole || keys.isSealed("log-base", sealedValue(base), base.seal)) return null;
  const message = `The log begins after event ${base.count}, and the worker did not sign that it forgot what was before.`;
  return { type: "broken", sequence: base.count, message };
}

/** Whether the newest key signed it: a rotated key is to be signed over. */
export function isSealedAnew({ seal }: LogBase, { ids: [newest] }: PreviewKeys): boolean {
  return seal === null || seal.startsWith(`${newest}.`);
}

function sealedValue({ count, hash, anchors }: Omit<LogBase, "seal">): Json {
  return { count, hash, anchors: anchors.map(({ count, hash }: Anchor) => ({ count, hash })) };
}
