import type { AccessRequest } from "../request/request.ts";
import { isAhead } from "./decision.ts";
import type { Review } from "./glass.ts";
import { isSealed, type SealKeys, seal } from "./seal.ts";

/** Seals that somebody has looked at what this request gave without an approval. */
export function sealReview({ id }: AccessRequest, review: Omit<Review, "seal">, keys: SealKeys): Review {
  return { ...review, seal: seal("review", { ...review, request: id }, keys) };
}

/** Whether a review stands there that none of our keys sealed, or of the future: whoever can write to Redis could put it there. */
export function hasForgedReview({ id, glass }: AccessRequest, keys: SealKeys, now: Date): boolean {
  if (!glass?.review) return false;
  if (isAhead(glass.review, now)) return true;
  const { seal: sealText, ...review } = glass.review;
  // One of an older program has none.
  return typeof sealText !== "string" || !isSealed("review", { ...review, request: id }, sealText, keys);
}

/** The request without a review that is not ours: it is still to be reviewed. */
export function withoutForgedReview(request: AccessRequest, keys: SealKeys, now: Date): AccessRequest {
  if (!request.glass || !hasForgedReview(request, keys, now)) return request;
  return { ...request, glass: { ...request.glass, review: null } };
}
