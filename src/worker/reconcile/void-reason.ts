import { type ApprovalVerdict, approverGetsAccess, checkApproval } from "../../access/approvals.ts";
import { checkEmergency } from "../../access/emergency.ts";
import type { MappedIdentity } from "../../access/lease/lease-record.ts";
import { type LinkedArns, linkedArnInAccountOf } from "../../access/links.ts";
import type { Cluster, Way } from "../../access/policy/cluster.ts";
import { mayAsk, mayRequest } from "../../access/policy/may-ask.ts";
import { isPolicyText, matchesLevel } from "../../access/policy/policy-text.ts";
import { ruleFor } from "../../access/policy/rule.ts";
import type { ApprovedRequest } from "../../access/record.ts";
import type { DecisionPublicKeys } from "../../access/seal.ts";
import { digestOfChange, sealedRequesterFacts } from "../../access/seals.ts";
import { isSamePrincipal, readHolder } from "../../aws-auth/index.ts";

export interface ApprovalFacts {
  readonly cluster: Cluster;
  /** The way that the cluster would take it now. */
  readonly way: Way;
  /** The base that an approval depends on. */
  readonly baseFor: (request: ApprovedRequest) => MappedIdentity | null;
  readonly keys: DecisionPublicKeys;
  readonly now: Date;
  /** By Slack user id: an approver's linked ARN, if our seal confirms it. */
  readonly links: LinkedArns;
}

/** Why a request's approval does not cover the present change; null: it does (laws 3 and 4). */
export function voidReason(facts: ApprovalFacts, request: ApprovedRequest): string | null {
  const { way, baseFor } = facts;
  return reasonIn(facts, request, () => ({ base: baseFor(request), way }));
}

/** Null: it allows it. Later changes by others do not matter: the digest covers the entry that the approvers saw. */
export function whyNotRepaired(facts: ApprovalFacts, request: ApprovedRequest): string | null {
  const { base = null, way = "aws-auth" } = request.preview ?? {};
  return reasonIn(facts, request, () => ({ base, way }));
}

interface SeenThere {
  readonly base: MappedIdentity | null;
  readonly way: Way;
}

function reasonIn(facts: ApprovalFacts, request: ApprovedRequest, seenOf: () => SeenThere): string | null {
  const { cluster, way, keys, now } = facts;
  const level = cluster.levels.find((each) => each.name === request.level);
  if (!level) return `${cluster.name} does not offer ${request.level} any more`;
  const principal = readHolder(request.principal);
  if (principal.type === "invalid") return principal.message;
  // Redis does not prove the record's own facts about the requester.
  const requesterFacts = sealedRequesterFacts(request);
  const requested = { ...request, cluster, level, principal: principal.principal, requesterFacts };
  const allowed = request.emergency ? mayRequest(requested) : mayAsk(requested, null);
  if (allowed.type === "refused") return allowed.message;
  if (!matchesLevel(level.groups, request)) return "what the level gives has changed";
  if (way === "aws-auth" && level.groups.some(isPolicyText)) return "aws-auth takes no access policies";
  if (request.emergency) return messageOf(checkEmergency(request, cluster, level, keys, now));
  // Redis has the list of approved leases, and the approval's digest confirms it.
  const leases = request.preview?.leases ?? [];
  const digest = digestOfChange({ ...request, requesterFacts }, cluster, level, { ...seenOf(), leases });
  const reason = messageOf(checkApproval(request, cluster, level, digest, keys, now));
  return reason ?? (isForApprover(facts, { ...request, requesterFacts }) ? approverGetsAccess : null);
}

/** A link can come after the approval, or from a Slack process that does not record links. */
function isForApprover({ cluster, links }: ApprovalFacts, request: ApprovedRequest): boolean {
  const { principal, requester, level, requesterFacts, approvals } = request;
  const rule = ruleFor(cluster, level, { user: requester, memberships: requesterFacts.memberships });
  return (
    !rule?.selfApproval &&
    approvals.some(({ by }) => isSamePrincipal(linkedArnInAccountOf(links, by, principal), principal))
  );
}

function messageOf(verdict: ApprovalVerdict): string | null {
  return verdict.type === "void" ? verdict.message : null;
}
