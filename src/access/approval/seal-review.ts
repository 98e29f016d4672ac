import type { AccessRequest, Review } from "../request/record.ts";
import { isAhead } from "./decision.ts";
import type { DecisionKeys, DecisionPublicKeys } from "./seal.ts";

/** Seals that somebody has looked at what this request gave without an approval. */
export function sealReview({ id }: AccessRequest, review: Omit<Review, "seal">, keys: DecisionKeys): Review {
  return { ...review, seal: keys.seal("review", { ...review, request: id }) };
}

/** Whether a review stands there that none of our keys sealed, or of the future: whoever can write to Redis could put it there. */
export function hasForgedReview({ id, glass }: AccessRequest, keys: DecisionPublicKeys, now: Date): boolean {
  if (!glass?.review) return false;
  if (isAhead(glass.review, now)) return true;
  const { seal: sealText, ...review } = glass.review;
  return !keys.isSealed("review", { ...review, request: id }, sealText);
}

/** The request without a review that is not ours: it is still to be reviewed. */
export function withoutForgedReview(request: AccessRequest, keys: DecisionPublicKeys, now: Date): AccessRequest {
  if (!request.glass || !hasForgedReview(request, keys, now)) return request;
  return { ...request, glass: { ...request.glass, review: null } };
}
