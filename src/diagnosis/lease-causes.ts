import type { MappedIdentity } from "../access/lease/lease-record.ts";
import { bindsRoles } from "../access/policy/policy-text.ts";
import type { AccessRequest } from "../access/record.ts";
import { isClosed } from "../access/request.ts";
import { type Cause, type CauseButton, cause, type WhyFacts } from "./facts.ts";
import { named, sentence, untilWords } from "./link.ts";
import { driftRemedy } from "./person-links.ts";

/** Why access is missing or different, by the ledger. `identity`: the principal's present one. */
export function leaseCauses(facts: WhyFacts, identity: MappedIdentity | null): readonly Cause[] {
  const { requests } = facts;
  const open = requests.filter((request) => !isClosed(request));
  const openCauses = open.flatMap((request) => openCause(facts, request, identity) ?? []);
  if (open.length > 0) return openCauses;
  const [newest] = requests;
  return newest ? [closedCause(facts, newest)] : [];
}

export function endingSoon(facts: WhyFacts): readonly Cause[] {
  const soon = facts.requests.find(({ lease }) => lease?.state === "active" && !lease.end && lease.warnedAt);
  if (!soon?.lease) return [];
  const message = `${subjectOf(facts, soon)} ends ${soon.lease.endsAt}.`;
  return [cause("lease-ends-soon", message, "Ask to extend it while it runs.", offerOf(facts, "extend", soon))];
}

function openCause(facts: WhyFacts, request: AccessRequest, identity: MappedIdentity | null): Cause | null {
  const { lease, preview, trouble } = request;
  if (lease?.state === "active" && !lease.end) return driftCause(facts, request, identity);
  const subject = subjectOf(facts, request);
  const tried = trouble ? ` ${sentence(trouble.message)} The next try is at ${trouble.retryAt}.` : "";
  if (lease?.end) {
    const offer = offerOf(facts, "ask-again", request);
    return cause("lease-ended", `The worker is removing ${subject}.${tried}`, askAgain, offer);
  }
  if (!lease && preview) {
    const message = `${subject} waits for an approver. It expires ${request.expiresAt}.`;
    return cause("not-yet", message, "Ask the approvers in its channel.");
  }
  const isAt = lease ? "is approved; the worker is applying it" : "is requested; the worker looks at the cluster first";
  const how = lease?.voidSince ? "needs a new decision. Its approval no longer counts" : isAt;
  const wait = `If nothing happens, ${named(`/eks-access whoami ${facts.cluster.name}`)} finds the step that fails.`;
  return cause("not-yet", `${subject} ${how}.${tried}`, wait);
}

const askAgain = "Ask again if you still need it.";

function driftCause(facts: WhyFacts, request: AccessRequest, identity: MappedIdentity | null): Cause | null {
  const isInMap = facts.mode === "CONFIG_MAP" && !bindsRoles(request.groups);
  // A person's groups show neither bindings nor access policies, but the worker's last look does.
  const isMissing = isInMap
    ? request.groups.some((group) => !identity?.groups.includes(group))
    : request.lease?.drift != null;
  if (!isMissing) return null;
  const known = request.lease?.drift ? ` Found: ${sentence(request.lease.drift.message)}` : "";
  const message = `${subjectOf(facts, request)} is active ${untilWords(request)}, but it is missing from ${isInMap ? "aws-auth" : "the cluster"}.${known}`;
  return cause("drifted", message, driftRemedy(facts.cluster));
}

function closedCause(facts: WhyFacts, request: AccessRequest): Cause {
  const { state, lease } = request;
  const subject = subjectOf(facts, request);
  const offer = offerOf(facts, "ask-again", request);
  if (lease?.state === "ended") {
    const why = lease.end && lease.end.cause !== "expired" ? "a person revoked it" : "its time was over";
    return cause("lease-ended", `${subject} ended ${lease.endedAt}: ${why}.`, askAgain, offer);
  }
  if (lease?.state === "failed") {
    const why = sentence(lease.failure.message);
    return cause("request-closed", `${subject} couldn't be applied: ${why}`, "Fix that, then ask again.", offer);
  }
  const why = request.refusal ? ` ${sentence(request.refusal.message)}` : "";
  return cause("request-closed", `${subject} ${closedWords[state]}.${why}`, askAgain, offer);
}

const closedWords: Readonly<Record<AccessRequest["state"], string>> = {
  pending: "was requested",
  approved: "was approved",
  denied: "was denied",
  cancelled: "was cancelled",
  expired: "expired without a decision",
  refused: "was refused before any approver saw it",
};

function subjectOf({ user }: WhyFacts, { id, level, requester }: AccessRequest): string {
  return `${named(level)} (${named(id)}${requester === user ? "" : `, requested by ${named(requester)}`})`;
}

/** Only the lease's holder can extend it or request the same again. */
function offerOf({ user }: WhyFacts, type: CauseButton["type"], request: AccessRequest): CauseButton | null {
  return request.requester === user ? { type, request: request.id } : null;
}
