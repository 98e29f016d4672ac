import type { AccessRequest, Review } from "../request/record.ts";
import { isAhead } from "./decision.ts";
import type { DecisionKeys, DecisionPublicKeys } from "./seal.ts";

/** Seals that somebody has looked at what this request gave without an approval. */
export function sealReview({ id }: AccessRequest, review: Omit<Review, "seal">, keys: DecisionKeys): Review {
  return { ...review, seal: keys.seal("review", { ...review, request: id }) };
}

/** Whether a review stands there that none of our keys sealed, or of the future: whoever can write to Redis could put it there. */
export function hasForgedReview({ id, emergency }: AccessRequest, keys: DecisionPublicKeys, now: Date): boolean {
  if (!emergency?.review) return false;
  if (isAhead(emergency.review, now)) return true;
  const { seal: sealText, ...review } = emergency.review;
  return !keys.isSealed("review", { ...review, request: id }, sealText);
}

/** The request without a review that is not ours: it is still to be reviewed. */
export function withoutForgedReview<Request extends AccessRequest>(
  request: Request,
  keys: DecisionPublicKeys,
  now: Date,
): Request {
  if (!request.emergency || !hasForgedReview(request, keys, now)) return request;
  return { ...request, emergency: { ...request.emergency, review: null } };
}
