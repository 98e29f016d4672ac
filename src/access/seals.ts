import { hash } from "node:crypto";
import { z } from "zod";
import { type Immutable, textForm } from "./lease/lease-record.ts";
import type { LedgerRecord } from "./lists.ts";
import type { Migration, SealedPlan } from "./migration.ts";
import type { Cluster, Level } from "./policy/cluster.ts";
import { creatorArnOf } from "./policy/creator.ts";
import { noRequesterFacts, type RequesterFacts, ruleFor, sharedLeases } from "./policy/rule.ts";
import { type AccessRequest, type Decision, type Preview, type Review, typedFieldsOf } from "./record.ts";
import {
  canonicalJson,
  type DecisionKeys,
  type DecisionPublicKeys,
  hasSeal,
  type Json,
  type PreviewKeys,
  type PreviewPublicKeys,
  sealedAnew,
  withSeal,
  withSealAnew,
} from "./seal.ts";

export type SeenInCluster = Pick<Preview, "base" | "way" | "leases">;

/**
 * The digest of a change: all that an approval depends on, so that it differs if the request, the policy, the entry (`base`) or
 * the way does. `leases`: what the approver saw; `giveSameAccess` compares them at the click and at the write.
 */
export function digestOfChange(
  request: AccessRequest,
  cluster: Cluster,
  level: Level,
  { base, way, leases }: SeenInCluster,
): string {
  const entry = base && { username: base.username, groups: [...base.groups].sort() };
  const requested = requestedValue(request, cluster, level);
  const beside = leases.map(({ id, groups, endsAt }) => ({ id, groups: [...groups], endsAt }));
  return digest({ ...requested, way, rule: ruleValue(request, cluster, level), base: entry, leases: beside });
}

/** The digest of an emergency: it covers neither the principal's entry nor the rules. */
export function digestOfRequest(request: AccessRequest, cluster: Cluster, level: Level): string {
  return digest(requestedValue(request, cluster, level));
}

function digest(value: Json): string {
  return hash("sha256", canonicalJson(value));
}

function requestedValue(request: AccessRequest, cluster: Cluster, level: Level) {
  return {
    request: request.id,
    requester: request.requester,
    askedBy: request.askedBy,
    principal: request.principal,
    level: request.level,
    groups: [...request.groups].sort(),
    durationSeconds: request.durationSeconds,
    ...typedFieldsOf(request),
    createdAt: request.createdAt,
    expiresAt: request.expiresAt,
    extends: request.extends,
    until: request.until,
    cluster: { name: cluster.name, eksName: cluster.eksName, region: cluster.region, account: cluster.account },
    creator: creatorArnOf(cluster.creator) ?? "discover",
    approvers: [...cluster.approvers].sort(),
    foreignAccounts: [...cluster.foreignAccounts].sort(),
    policy: { groups: [...level.groups].sort(), maxDurationSeconds: level.maxDurationSeconds },
  };
}

function ruleValue({ requester, requesterFacts }: AccessRequest, cluster: Cluster, level: Level): Json | undefined {
  const rule = ruleFor(cluster, level.name, { user: requester, memberships: requesterFacts.memberships });
  if (rule?.name === "") return undefined;
  if (!rule) return null;
  const { approvals, approvers, selfApproval, maxDurationSeconds, permanent, principals, hours } = rule;
  return {
    approvals,
    approvers: approvers && [...approvers].sort(),
    selfApproval,
    shared: sharedLeases(rule, level),
    maxDurationSeconds,
    permanent,
    principals: { ...principals },
    hours: hours && { ...hours },
  };
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
  if (!plan || plan.summary.digest !== plan.digest) return false;
  return keys.isSealed("migration-plan", planValue(migration, plan), plan.seal);
}

function planValue({ id }: Pick<Migration, "id">, plan: Omit<SealedPlan, "seal">): Json {
  return { migration: id, plan: { ...plan, seal: undefined } } as unknown as Json;
}

export function sealPreview(request: AccessRequest, preview: Omit<Preview, "seal">, keys: PreviewKeys): Preview {
  return { ...preview, seal: keys.seal("preview", previewValue(request, preview)) };
}

/** Whether the worker made this preview for this request. Otherwise an attacker with Redis could show one change and get another approved. */
export function isGenuinePreview(request: AccessRequest, cluster: Cluster, keys: PreviewPublicKeys): boolean {
  const { preview } = request;
  const level = cluster.levels.find(({ name }) => name === request.level);
  if (!preview || !level) return false;
  if (!keys.isSealed("preview", previewValue(request, preview), preview.seal)) return false;
  return digestOfChange(request, cluster, level, preview) === preview.digest;
}

function previewValue({ id }: Pick<AccessRequest, "id">, preview: Omit<Preview, "seal">): Json {
  return { request: id, preview: { ...preview, seal: undefined } } as unknown as Json;
}

export function sealReview(request: AccessRequest, review: Omit<Review, "seal">, keys: DecisionKeys): Review {
  return withSeal(keys, "review", review, reviewed(request));
}

/** With who took the access: under another name they could review it themselves. Approvers of another cluster can't. */
function reviewed({ id, cluster, requester, principal, emergency }: AccessRequest) {
  return { request: id, cluster, requester, principal, rescuers: [...(emergency?.as ?? [])] };
}

/** Whether the review lacks our seal or has a future date: an attacker with Redis could have written it. */
export function hasForgedReview(request: AccessRequest, keys: DecisionPublicKeys, now: Date): boolean {
  const review = request.emergency?.review;
  if (!review) return false;
  return isDatedAhead(review, now) || !hasSeal(keys, "review", review, reviewed(request));
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
  return withSeal(keys, "decision", decision, { request });
}

export function isSealedDecision(decision: Decision, request: string, keys: DecisionPublicKeys): boolean {
  return hasSeal(keys, "decision", decision, { request });
}

/** The newest approval, if our seal is on every approval; null: one lacks it, or there is none. */
export function lastSealedApproval({ id, approvals }: AccessRequest, keys: DecisionPublicKeys): Decision | null {
  return approvals.every((each) => isSealedDecision(each, id, keys)) ? (lastApproval(approvals) ?? null) : null;
}

/** As the last approval sealed them: an attacker with Redis could add a group to the record's own copy. */
export function sealedRequesterFacts({ approvals }: AccessRequest): RequesterFacts {
  return lastApproval(approvals)?.requester ?? noRequesterFacts;
}

/** The newest approval: the lease counts from it. Undefined: there is none. */
export function lastApproval(approvals: readonly Decision[]): Decision | undefined {
  if (approvals.length < 2) return approvals[0];
  return approvals.toSorted((a, b) => Date.parse(a.at) - Date.parse(b.at)).at(-1);
}

/** Longer than `timing.approvalGoodFor`, shorter than a night, in which people leave. */
export const approversConfirmedForSeconds = 8 * 3600;

/** Whether the last approval names each of these approvers as a current one. */
export function areStillApprovers(approvals: readonly Decision[]): boolean {
  const still = lastApproval(approvals)?.stillApprovers ?? [];
  return approvals.every(({ by }) => still.includes(by));
}

/** How far the clocks of the two processes may differ, in milliseconds. NTP keeps them much closer. */
const maxAheadMs = 60_000;

/** Or unreadable. It counts for nothing: a lease counts from it, so a future date would give access for years. */
export function isDatedAhead({ at }: Pick<Decision, "at">, now: Date): boolean {
  return !(Date.parse(at) <= now.getTime() + maxAheadMs);
}

/** Whether it was said at most so long ago. */
export function isRecent(said: Pick<Decision, "at">, now: Date, withinMs: number): boolean {
  return !isDatedAhead(said, now) && now.getTime() - Date.parse(said.at) <= withinMs;
}

export type LinkSeal = Immutable<z.output<typeof linkSealForm>>;
const linkSealForm = z.strictObject({
  /** The linked person, or the administrator who confirmed it; null: only the first request named it. */
  by: textForm.nullable(),
  at: textForm,
  /** Over the fields above, the Slack user id and the ARN. */
  seal: textForm,
});

/** A person's linked principal in the ledger. `seal` null: eks-access did not write it. */
export type PrincipalLink = Immutable<z.output<typeof linkForm>>;
export const linkForm = z.strictObject({ arn: textForm, seal: linkSealForm.nullable() });

/** A person's request to be linked with a principal; an administrator has to confirm it. */
export type LinkProposal = Immutable<z.output<typeof linkProposalForm>>;
export const linkProposalForm = z.strictObject({ id: textForm, user: textForm, arn: textForm, at: textForm });

export function sealLink(user: string, arn: string, said: Omit<LinkSeal, "seal">, keys: DecisionKeys): LinkSeal {
  return withSeal(keys, "link", said, { user, arn });
}

export function isSealedLink(user: string, { arn, seal: given }: PrincipalLink, keys: DecisionPublicKeys): boolean {
  return given !== null && hasSeal(keys, "link", given, { user, arn });
}

/** The same link under the newest key; null: it is, or no key of ours made it. */
export function linkSealedAnew(user: string, { arn, seal: given }: PrincipalLink, keys: DecisionKeys) {
  const seal = given && withSealAnew(keys, "link", given, { user, arn });
  return seal && seal.seal !== given?.seal ? { arn, seal } : null;
}

/** A record's decisions, and the review of its emergency, under the newest key. */
export function decisionsSealedAnew<Kept extends LedgerRecord>(record: Kept, keys: DecisionKeys): Kept {
  const of = { request: record.id };
  const after = { ...record, approvals: record.approvals.map((each) => withSealAnew(keys, "decision", each, of)) };
  if (!("emergency" in record) || !record.emergency?.review) return after;
  const review = withSealAnew(keys, "review", record.emergency.review, reviewed(record));
  return { ...after, emergency: { ...record.emergency, review } };
}

/** What approvers decide about under the newest key: otherwise the worker looks again, and no approval counts. */
export function shownSealedAnew<Kept extends LedgerRecord>(record: Kept, keys: PreviewKeys): Kept {
  const { id } = record;
  const { plan, preview } = record as Partial<Migration & AccessRequest>;
  if (plan) {
    const seal = sealedAnew(keys, "migration-plan", planValue({ id }, plan), plan.seal);
    return { ...record, plan: { ...plan, seal } };
  }
  if (!preview) return record;
  const seal = sealedAnew(keys, "preview", previewValue({ id }, preview), preview.seal);
  return { ...record, preview: { ...preview, seal } };
}

/** Whether a rule with `linkedOnly` accepts this link: it is sealed, and confirmed if the configuration requires that. */
export function isAcceptedLink(
  user: string,
  link: PrincipalLink,
  mustBeConfirmed: boolean,
  keys: DecisionPublicKeys,
): boolean {
  const by = link.seal?.by ?? null;
  return by !== null && (!mustBeConfirmed || by !== user) && isSealedLink(user, link, keys);
}
