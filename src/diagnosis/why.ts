import type { MappedIdentity } from "../access/lease/lease-record.ts";
import { partitionOf, signInMethod } from "../access/policy/cluster.ts";
import { creatorText, isOperator, isSameCreator, operatorText } from "../access/policy/creator.ts";
import { bindsRoles } from "../access/policy/policy-text.ts";
import { admittedBy, type Caller, readCaller, sessionNameIn, withoutRolePath } from "../access/principal.ts";
import type { AccessRequest } from "../access/record.ts";
import { isClosed } from "../access/request.ts";
import { MASTERS, resolve } from "../aws-auth/index.ts";
import { absentRemedy } from "./cluster-links.ts";
import { type Cause, type CauseButton, cause, type Diagnosis, type WhyFacts } from "./facts.ts";
import { named, sentence, someOf, untilWords } from "./link.ts";
import {
  competingCauses,
  diagnoseNodeEntry,
  forbiddenCauses,
  randomEntryCause,
  requestRemedy,
  unmappedCauses,
} from "./mapped.ts";
import { driftRemedy, identityWords } from "./person-links.ts";
import { deadCause, isRefused, outdatedCause } from "./remade-roles.ts";
import { namesakesOf, repairOf, rolesInDocument } from "./replaced-roles.ts";

export function diagnose(facts: WhyFacts): Diagnosis {
  const reading = readCaller(facts.given, partitionOf(facts.cluster));
  if (reading.type === "none") {
    const causes = [cause("not-a-principal", reading.message, `${named("aws sts get-caller-identity")} shows yours.`)];
    return { principal: null, noticed: null, identity: null, symptom: "unauthorized", causes };
  }
  const { caller } = reading;
  const isSession = sessionNameIn(caller.callerArn) !== null;
  const about = isSession
    ? { principal: caller.callerArn, noticed: null }
    : { principal: caller.principal.arn, noticed: caller.noticed };
  const found = diagnoseFixedIdentity(facts, caller) ?? diagnoseEntry(facts, caller) ?? diagnoseMap(facts, caller);
  return { ...about, ...found, causes: [...found.causes, ...unreadCause(facts)] };
}

type Found = Pick<Diagnosis, "identity" | "symptom" | "causes">;

/** Callers that the document does not affect: they always or never get in. */
function diagnoseFixedIdentity(facts: WhyFacts, caller: Caller): Found | null {
  const { cluster, creatorArn } = facts;
  const { principal } = caller;
  const partition = partitionOf(cluster);
  if (isSameCreator(principal.arn, creatorArn)) {
    const message = `${creatorText(principal.arn, named(cluster.name))} Never add it to aws-auth.`;
    const identity = { username: "kubernetes-admin", groups: [MASTERS] };
    return { identity, symptom: "none", causes: [cause("creator", message, ownSide(facts, caller))] };
  }
  if (isOperator(cluster, principal.arn)) {
    const message = operatorText(principal.arn, named(cluster.name));
    const remedy = `Use your own role or user. ${named("aws sts get-caller-identity")} shows yours.`;
    return { identity: null, symptom: "forbidden", causes: [cause("operator", message, remedy)] };
  }
  if (principal.partition === partition) return null;
  const message = `${principal.arn} is in ${named(principal.partition)}, ${named(cluster.name)} in ${named(partition)}.`;
  return {
    identity: null,
    symptom: "unauthorized",
    causes: [cause("wrong-partition", message, usePrincipalOf(partition))],
  };
}

const usePrincipalOf = (place: string) => `Use a principal of ${named(place)}.`;

function diagnoseEntry(facts: WhyFacts, caller: Caller): Found | null {
  const { accessEntry, mode, cluster } = facts;
  if (accessEntry.type === "entry" && mode !== "CONFIG_MAP") return diagnoseAccessEntry(facts, caller);
  if (mode !== "API") return null;
  const { arn } = caller.principal;
  const known = accessEntry.type === "none" ? `, and ${arn} has no access entry` : notAskedWords(facts);
  const message = `${named(cluster.name)} does not read aws-auth${known}.`;
  const remedy = requestRemedy(cluster, caller);
  const symptom = accessEntry.type === "none" ? "unauthorized" : "unknown";
  return {
    identity: null,
    symptom,
    causes: [...replacedCause(facts, caller, null), ...leaseCauses(facts, null), cause("mode-api", message, remedy)],
  };
}

function notAskedWords({ accessEntry }: WhyFacts): string {
  return accessEntry.type === "not asked" ? "; its access entry is unknown" : "";
}

function diagnoseAccessEntry(facts: WhyFacts, caller: Caller): Found | null {
  const { accessEntry, document, mode, pods } = facts;
  if (accessEntry.type !== "entry") return null;
  const { identity, policies } = accessEntry;
  const ofNodes = diagnoseNodeEntry(accessEntry, caller, pods);
  if (ofNodes) return ofNodes;
  const dead = deadCause(facts);
  if (dead) return { identity: null, symptom: "unauthorized", causes: [dead] };
  const inMap = document && mode !== "API" ? resolve(document, caller.callerArn) : null;
  const gives = policies.length > 0 ? `, with the access policies ${someOf(policies)}` : ", with no access policy";
  const loses = inMap ? ` Its item in aws-auth, ${identityWords(inMap)}, does not count.` : "";
  const message = `${caller.principal.arn} has an access entry as ${identityWords(identity)}${gives}.${loses}`;
  const wins = cause("access-entry-wins", message, "Add what the access entry lacks.");
  const outdated = outdatedCause(facts);
  const last = outdated ? [outdated] : [];
  if (pods?.allowed) {
    return { identity, symptom: "none", causes: [...last, ...ownSideCause(facts, caller), ...(inMap ? [wins] : [])] };
  }
  // The API server answers for a name and groups: it does not know access policies.
  const symptom = pods && policies.length === 0 ? "forbidden" : "unknown";
  const ofRights = [wins, ...leaseCauses(facts, identity), ...forbiddenCauses(facts, identity, caller)];
  // No right helps a caller that the cluster refused.
  const causes = facts.requests.some(isRefused) ? [...last, ...ofRights] : [...ofRights, ...last];
  return { identity, symptom, causes };
}

/** Without access entries the other causes are less certain. */
function unreadCause({ accessEntry, cluster }: WhyFacts): readonly Cause[] {
  if (accessEntry.type !== "not asked") return [];
  const message = `Access entries were not read: ${accessEntry.why}.`;
  return [cause("entries-unread", message, `${named(`/eks-access check ${cluster.name}`)} shows the fix.`)];
}

/** The cluster names another role of the same permission set: one of the two is deleted. */
function replacedCause(
  { document, mode, cluster, rolesInEntries }: WhyFacts,
  { principal }: Caller,
  identity: MappedIdentity | null,
): readonly Cause[] {
  const inMap = document && mode !== "API" ? rolesInDocument(document) : [];
  const [other] = namesakesOf(principal.arn, [...(rolesInEntries ?? []), ...inMap]);
  if (!other) return [];
  const arn = withoutRolePath(other.arn);
  const message = `The permission set ${named(admittedBy(principal.arn).name)} has one role in account ${principal.account}, and ${named(cluster.name)} names another: ${named(arn)} (${other.place}).`;
  const request = named(`/eks-access request ${cluster.name} ${principal.arn} …`);
  const asItIs = identity
    ? ""
    : ` If that is ${principal.arn}, run ${request}, or an approver runs ${repairOf(cluster, principal.arn)}.`;
  const remedy = `${named("aws sts get-caller-identity")} prints the current role.${asItIs} If it is another, link it: ${named("/eks-access link <arn>")}.`;
  return [cause("role-replaced", message, remedy)];
}

/** An access entry that was not read could override it. */
function diagnoseMap(facts: WhyFacts, caller: Caller): Found {
  const found = diagnoseDocument(facts, caller);
  return facts.accessEntry.type === "not asked" ? { ...found, identity: null, symptom: "unknown" } : found;
}

function diagnoseDocument(facts: WhyFacts, caller: Caller): Found {
  const { document, cluster, pods } = facts;
  if (!document) {
    const message = `The ConfigMap aws-auth of ${named(cluster.name)} does not exist.`;
    const causes = [cause("document-absent", message, absentRemedy(cluster))];
    return { identity: null, symptom: "unauthorized", causes };
  }
  // Also if the one that this reader takes shuts the caller out: another can count.
  const chance = randomEntryCause(document, caller);
  if (chance) return { identity: null, symptom: "random", causes: [chance] };
  const identity = resolve(document, caller.callerArn);
  if (!identity) {
    const unmapped = unmappedCauses(document, caller);
    const causes = [...replacedCause(facts, caller, null), ...unmapped, ...leaseCauses(facts, null)];
    return { identity, symptom: "unauthorized", causes: causes.length > 0 ? causes : [notMapped(facts, caller)] };
  }
  const rivals = competingCauses(document, caller);
  if (pods?.allowed) {
    const drifts = leaseCauses(facts, identity).filter(({ code }) => code === "drifted");
    const others = [...rivals, ...drifts, ...replacedCause(facts, caller, identity), ...endingSoon(facts)];
    return { identity, symptom: "none", causes: [...others, ...ownSideCause(facts, caller)] };
  }
  const causes = [...rivals, ...leaseCauses(facts, identity), ...forbiddenCauses(facts, identity, caller)];
  return { identity, symptom: pods ? "forbidden" : "unknown", causes: causes.length > 0 ? causes : [podsNotAsked] };
}

const podsNotAsked = cause("not-allowed", "The API server was not asked.", "Try again.");

function notMapped(facts: WhyFacts, caller: Caller): Cause {
  const { cluster } = facts;
  const { principal } = caller;
  const isForeign = principal.account !== cluster.account && !cluster.foreignAccounts.includes(principal.account);
  const foreign = isForeign
    ? ` ${principal.arn} is in ${named(principal.account)}, ${named(cluster.name)} in ${named(cluster.account)}.`
    : "";
  const message = `aws-auth of ${named(cluster.name)} has no entry for ${principal.arn}${notAskedWords(facts)}.${foreign}`;
  const remedy = isForeign
    ? `${usePrincipalOf(cluster.account)} An operator can add it to foreignAccounts.`
    : requestRemedy(cluster, caller);
  return cause("not-mapped", message, remedy);
}

function ownSideCause(facts: WhyFacts, caller: Caller): Cause[] {
  const message = `${named(facts.cluster.name)} lets this principal in, and it can list pods in ${named("default")}${notAskedWords(facts)}.`;
  return [cause("own-side", message, ownSide(facts, caller))];
}

/** Of the token: aws-iam-authenticator, issue 1106. */
function ownSide({ cluster }: WhyFacts, { principal }: Caller): string {
  const way = signInMethod(cluster, principal.arn);
  // The document has a role without its path; STS needs the path.
  const roleOption = way?.type === "role" ? `--role-arn ${way.roleArn}` : "--role-arn";
  const update = `aws eks update-kubeconfig --region ${cluster.region} --name ${cluster.eksName}`;
  const size = `aws eks get-token --region ${cluster.region} --cluster-name ${cluster.eksName} --query status.token --output text | wc -c`;
  return `Compare ${named("aws sts get-caller-identity")} with ${named("kubectl auth whoami")}. Write the kubeconfig with ${named(update)} (assuming a role: ${named(roleOption)}). The token, by ${named(size)}, has at most 4096 characters.`;
}

/** Why access is missing or different, by the ledger. `identity`: the principal's present one. */
function leaseCauses(facts: WhyFacts, identity: MappedIdentity | null): readonly Cause[] {
  const { requests } = facts;
  const open = requests.filter((request) => !isClosed(request));
  if (open.length > 0) return open.flatMap((request) => openCause(facts, request, identity) ?? []);
  const [newest] = requests;
  return newest ? [closedCause(facts, newest)] : [];
}

function endingSoon(facts: WhyFacts): readonly Cause[] {
  const soon = facts.requests.find(({ lease }) => lease?.state === "active" && !lease.end && lease.warnedAt);
  if (!soon?.lease) return [];
  const message = `${subjectOf(facts, soon)} ends ${soon.lease.endsAt}.`;
  return [cause("lease-ends-soon", message, "Ask to extend it.", offerOf(facts, "extend", soon))];
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
  const how = lease?.voidSince ? "needs a new decision" : isAt;
  const wait = `${named(`/eks-access whoami ${facts.cluster.name}`)} finds the step that fails.`;
  return cause("not-yet", `${subject} ${how}.${tried}`, wait);
}

const askAgain = "Ask again.";

function driftCause(facts: WhyFacts, request: AccessRequest, identity: MappedIdentity | null): Cause | null {
  // With an access entry, or a binding, a person's groups do not show it, but the worker's last look does.
  const isByMap = facts.mode === "CONFIG_MAP" || (facts.mode !== "API" && request.lease?.written?.way === "aws-auth");
  const isInMap = isByMap && facts.accessEntry.type === "none" && !bindsRoles(request.groups);
  const isMissing = isInMap
    ? request.groups.some((group) => !identity?.groups.includes(group))
    : request.lease?.drift != null;
  if (!isMissing) return null;
  const known = request.lease?.drift ? ` Found: ${sentence(request.lease.drift.message)}` : "";
  const message = `${subjectOf(facts, request)} is active ${untilWords(request)}, but it is missing from ${isInMap ? "aws-auth" : "the cluster"}.${known}`;
  return cause("drifted", message, driftRemedy(facts.cluster, request.lease?.drift?.message, request));
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
