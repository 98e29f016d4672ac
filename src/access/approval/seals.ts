import { type BrokenChain, genesis } from "../audit/event.ts";
import type { Anchor, LogBase } from "../audit/verify-log.ts";
import type { Cluster } from "../policy/cluster.ts";
import { digestOfChange } from "../request/digest.ts";
import type { Migration, SealedPlan } from "../request/migration.ts";
import type { AccessRequest, Decision, Preview, Review } from "../request/record.ts";
import { isDatedAhead, lastApproval } from "./decision.ts";
import type { DecisionKeys, DecisionPublicKeys, Json, PreviewKeys, PreviewPublicKeys } from "./seal.ts";

/** Signs the audit log's beginning. The caller has verified every removed event. */
export function sealLogBase(base: Omit<LogBase, "seal">, keys: PreviewKeys): LogBase {
  return { ...base, seal: keys.seal("log-base", baseValue(base)) };
}

/** What is wrong with the beginning of a log; null: it is complete, or the worker signed the removal. */
export function brokenLogBase(base: LogBase, keys: PreviewPublicKeys): BrokenChain | null {
  const isWhole = base.count === 0 && base.hash === genesis && !base.erasures?.size;
  if (isWhole || keys.isSealed("log-base", baseValue(base), base.seal)) return null;
  const what = base.count > 0 ? "removed the earlier ones" : "erased some";
  const message = `The log begins after event ${base.count}, and the worker did not sign that it ${what}.`;
  return { type: "broken", sequence: base.count, message };
}

/** Whether the newest key signed it. After a rotation the worker signs it again. */
export function isSealedByNewestKey({ seal }: LogBase, { ids: [newest] }: PreviewKeys): boolean {
  return seal === null || seal.startsWith(`${newest}.`);
}

function baseValue({ count, hash, anchors, erasures }: Omit<LogBase, "seal">): Json {
  const places = anchors.map(({ count, hash }: Anchor) => ({ count, hash }));
  return { count, hash, anchors: places, ...(erasures?.size && { erasures: Object.fromEntries(erasures) }) };
}

export function sealMigrationPlan(
  migration: Pick<Migration, "id">,
  plan: Omit<SealedPlan, "seal">,
  keys: PreviewKeys,
): SealedPlan {
  return { ...plan, seal: keys.seal("migration-plan", planValue(migration, plan)) };
}

/** Whether the worker made this plan for exactly this migration, so that approvers can decide on it (law 4). */
export function isGenuinePlan(migration: Migration, keys: PreviewPublicKeys): boolean {
  const { plan } = migration;
  if (!plan) return false;
  const { seal: sealText, ...unsealed } = plan;
  return (
    plan.summary.digest === plan.digest && keys.isSealed("migration-plan", planValue(migration, unsealed), sealText)
  );
}

function planValue(
  { id }: Pick<Migration, "id">,
  { at, digest, summary, outs, replacements }: Omit<SealedPlan, "seal">,
): Json {
  const plan = { at, digest, summary, outs, ...(replacements && { replacements }) };
  return { migration: id, plan } as unknown as Json;
}

export function sealPreview(request: AccessRequest, preview: Omit<Preview, "seal">, keys: PreviewKeys): Preview {
  return { ...preview, seal: keys.seal("preview", previewValue(request, preview)) };
}

/** Whether the worker made this preview for this request. Otherwise an attacker with Redis could show one change and get another approved. */
export function isGenuinePreview(request: AccessRequest, cluster: Cluster, keys: PreviewPublicKeys): boolean {
  const { preview } = request;
  const level = cluster.levels.find(({ name }) => name === request.level);
  if (!preview || !level) return false;
  const { seal: sealText, ...unsealed } = preview;
  if (!keys.isSealed("preview", previewValue(request, unsealed), sealText)) return false;
  return digestOfChange(request, cluster, level, preview) === preview.digest;
}

function previewValue({ id }: AccessRequest, preview: Omit<Preview, "seal">): Json {
  return { request: id, preview: { ...preview, seal: undefined } } as unknown as Json;
}

export function sealReview({ id }: AccessRequest, review: Omit<Review, "seal">, keys: DecisionKeys): Review {
  return { ...review, seal: keys.seal("review", { ...review, request: id }) };
}

/** Whether the review lacks our seal or has a future date: an attacker with Redis could have written it. */
export function hasForgedReview({ id, emergency }: AccessRequest, keys: DecisionPublicKeys, now: Date): boolean {
  if (!emergency?.review) return false;
  if (isDatedAhead(emergency.review, now)) return true;
  const { seal: sealText, ...review } = emergency.review;
  return !keys.isSealed("review", { ...review, request: id }, sealText);
}

/** Removes a forged review, so that the emergency still needs one. */
export function withoutForgedReview<Request extends AccessRequest>(
  request: Request,
  keys: DecisionPublicKeys,
  now: Date,
): Request {
  if (!request.emergency || !hasForgedReview(request, keys, now)) return request;
  return { ...request, emergency: { ...request.emergency, review: null } };
}

export function sealDecision(decision: Omit<Decision, "seal">, request: string, keys: DecisionKeys): Decision {
  return { ...decision, seal: keys.seal("decision", { ...decision, request }) };
}

/** Whether one of our keys sealed exactly this decision for exactly this request. */
export function isSealedDecision(decision: Decision, request: string, keys: DecisionPublicKeys): boolean {
  const { seal: sealText, ...unsealed } = decision;
  return keys.isSealed("decision", { ...unsealed, request }, sealText);
}

/** The newest approval, if our seal is on every approval; null: one lacks it, or there is none. */
export function lastSealedApproval({ id, approvals }: AccessRequest, keys: DecisionPublicKeys): Decision | null {
  return approvals.every((each) => isSealedDecision(each, id, keys)) ? (lastApproval(approvals) ?? null) : null;
}
