import { AccessError, explainFailure } from "../../access/access-error.ts";
import type { MappedIdentity, Proof, ProofFinding } from "../../access/lease/lease-record.ts";
import { type AccessCheck, type Cluster, signInMethod } from "../../access/policy/cluster.ts";
import { bindsRoles, isPolicyText, placedRoleOf } from "../../access/policy/policy-text.ts";
import { sessionNameIn } from "../../access/principal.ts";
import type { ApprovedRequest } from "../../access/record.ts";
import { sessionOf } from "../../aws/session-policy.ts";
import type { ClusterClient } from "../../kubernetes/cluster-client.ts";
import {
  type Answers,
  accessOf,
  askAfterWrite,
  askUntil,
  type Check,
  checksOf,
  inWords,
  mayGive,
  type Question,
  questionsOf,
  type Reviewer,
} from "./review-questions.ts";

export interface AuthorizationReview {
  readonly finding: ProofFinding;
  readonly auditIds: readonly string[];
  /** Why it did not answer; null: it did. */
  readonly unanswered: unknown;
}

/** EKS's authorizer does not answer for a username (User Guide, "Associate access policies with access entries"). */
const unseen = "a review asks about a Kubernetes username, and can't see the access policies of an IAM principal";

/** The session name for looking up a role. */
export const anySession = "eks-access";

/** A session name that no person has: IAM Identity Center gives no name with `=`. `{{SessionName}}` changes it, too. */
export const impossibleSession = "eks-access=no@body";

/** Asks the API server whether a person has all that the level of a request names. */
export async function reviewLease(
  client: Reviewer,
  cluster: Cluster,
  request: ApprovedRequest,
  identity: MappedIdentity | null,
): Promise<AuthorizationReview> {
  if (!identity) return unasked({ result: "no", detail: "an unmapped principal can do nothing" });
  const { checks, failure: unread } = await questionsOf(client, cluster, request);
  if (unread) return { finding: unansweredFinding(unread.error), auditIds: [], unanswered: unread.error };
  if (checks.length === 0) return unasked(namesNothing(cluster, request));
  if (request.groups.every(isPolicyText)) return unasked(notTested(unseenUntil(cluster, request, checks)));
  const questions = checks.map((check) => ({ identity, check }));
  const isLate = ({ check }: Question) => mayGive(client, request, check).catch(() => true);
  // At once: a person waits for the answers.
  const [own, session] = await Promise.all([
    askAfterWrite(client, questions, false, isLate),
    askBeyond(client, anotherSession(request, identity, checks[0])),
  ]);
  const elsewhere = own.found || own.failure ? nothingAsked : await reviewElsewhere(client, request, questions[0], own);
  const auditIds = [own, elsewhere, session].flatMap((answers) => answers.auditIds);
  const failure = own.failure ?? (own.found ? null : (elsewhere.failure ?? session.failure));
  if (failure) return { finding: unansweredFinding(failure.error), auditIds, unanswered: failure.error };
  if (own.found) {
    const denied = deniedFinding(cluster, request, own.found.check);
    if (!client.again || !(await isLate(own.found))) return { finding: denied, auditIds, unanswered: null };
    return { finding: notTested(bindingUnknown.what), auditIds, unanswered: bindingUnknown };
  }
  const detail = `can ${checks.map(inWords).join(", ")}${elsewhere.says}${session.says}`;
  return { finding: { result: "yes", detail }, auditIds, unanswered: null };
}

/** RBAC learns of a binding later than a run waits. No one can do anything about it. */
const bindingUnknown = new AccessError("binding-late", "the API server does not know the new binding yet", {
  remedy: "The worker asks again.",
  retryAfterMs: 15_000,
});

/** A namespace that no cluster has: what is allowed there is allowed in every namespace. Bindings of others can allow it in some. */
const anotherNamespace = "eks-access-another-namespace";

/** RBAC looks at ClusterRoleBindings first (kubernetes, VisitRulesFor): none of them gives the same in every namespace. */
const byRoleBinding = /^RBAC: allowed by RoleBinding "/;

/** Something that a lease by binding must not give. */
type Beyond = Question & { readonly where: string };

type Said = Pick<Answers, "auditIds" | "failure"> & { readonly says: string };

const nothingAsked: Said = { auditIds: [], failure: null, says: "" };

/** If it is allowed, other bindings allow it, and the proof says so. */
async function askBeyond(client: Reviewer, beyond: Beyond | null): Promise<Said> {
  if (!beyond) return nothingAsked;
  const { auditIds, failure, found } = await askUntil(client, [beyond], true);
  return { auditIds, failure, says: found ? `, and ${beyond.where} too, by other bindings` : `, not ${beyond.where}` };
}

/** The same in another namespace. Asks only if the answer about the lease's own does not tell. */
async function reviewElsewhere(
  client: Reviewer,
  { groups }: ApprovedRequest,
  question: Question | undefined,
  own: Answers,
): Promise<Said> {
  const isEverywhere = groups.some((text) => placedRoleOf(text)?.namespace === null);
  if (!question || "path" in question.check || !bindsRoles(groups) || isEverywhere) return nothingAsked;
  const where = "in every namespace";
  if (byRoleBinding.test(own.reasons[0] ?? "")) return { ...nothingAsked, says: `, not ${where}` };
  return askBeyond(client, { ...question, check: { ...question.check, namespace: anotherNamespace }, where });
}

/** The same as another session of the same role; null: all sessions share one username, or there is no session. */
function anotherSession(
  { groups, principal }: ApprovedRequest,
  identity: MappedIdentity,
  check: Check | undefined,
): Beyond | null {
  const username = check && bindsRoles(groups) ? nameOfAnotherSession(principal, identity.username) : null;
  return check && username
    ? { identity: { ...identity, username }, check, where: "as every session of the role" }
    : null;
}

function nameOfAnotherSession(principal: string, username: string): string | null {
  const session = sessionNameIn(principal);
  if (session === null) return null;
  const found = [session, session.replaceAll("@", "-")].find((name) => username.includes(name));
  if (found === undefined) return null;
  // The role's name can contain the session's, and comes before it.
  const at = username.lastIndexOf(found);
  return username.slice(0, at) + impossibleSession + username.slice(at + found.length);
}

/** An API server that has not heard of a deletion names the binding, which can be of another lease that ended. */
export function isByEnded(reason: string, inForce: readonly ApprovedRequest[]): boolean {
  const lease = /Binding "eks-access-(r-\w+)-/.exec(reason)?.[1];
  return lease !== undefined && !inForce.some(({ id }) => id === lease);
}

/** Asks the API server without the lease's own groups: their bindings stay without the person. */
export async function reviewEnd(
  client: Reviewer,
  cluster: Cluster,
  request: ApprovedRequest,
  identity: MappedIdentity,
  inForce: readonly ApprovedRequest[] = [],
): Promise<AuthorizationReview> {
  const { checks, failure: unread } = await questionsOf(client, cluster, request);
  if (unread) return { finding: unansweredFinding(unread.error), auditIds: [], unanswered: unread.error };
  if (checks.length === 0) return unasked(namesNothing(cluster, request));
  const usernames = usernamesOf(request, identity);
  const questions = checks.flatMap((check) =>
    usernames.map((username) => ({ identity: { ...identity, username }, check })),
  );
  const isLate = ({ reason }: { readonly reason: string }) => isByEnded(reason, inForce);
  const { failure, found, auditIds } = await askAfterWrite(client, questions, true, isLate);
  if (failure) return { finding: unansweredFinding(failure.error), auditIds, unanswered: failure.error };
  if (found) {
    const because = found.reason && ` (${found.reason})`;
    const detail = `can ${inWords(found.check)}, asked as ${found.identity.username}${because}`;
    return { finding: { result: "yes", detail }, auditIds, unanswered: null };
  }
  const refused = `can't ${checks.map(inWords).join(", ")}`;
  // Policies belong to the access entry: without an entry there are none.
  const finding = identity.groups.some(isPolicyText)
    ? notTested(`its groups alone ${refused}, and ${unseen}`)
    : ({ result: "no", detail: `${refused}, asked as ${usernames.join(" and ")}` } as const);
  return { finding, auditIds, unanswered: null };
}

/** A role has one for each session, and RBAC can bind any. We know two: of looking up a role, and the worker's own. */
function usernamesOf({ id, principal, requester }: ApprovedRequest, { username }: MappedIdentity): readonly string[] {
  if (!principal.includes(":role/") || !username.endsWith(anySession)) return [username];
  return [username, username.slice(0, -anySession.length) + sessionOf([{ id, requester }]).sessionName];
}

/** Whether the same question may get an answer later. */
export function mayBeAnswered(unanswered: unknown): boolean {
  return unanswered !== null && !(unanswered instanceof AccessError && !unanswered.retryable);
}

function unasked(finding: ProofFinding): AuthorizationReview {
  return { finding, auditIds: [], unanswered: null };
}

function notTested(detail: string): ProofFinding {
  return { result: "not tested", detail };
}

function namesNothing({ levels }: Cluster, { level, groups }: ApprovedRequest): ProofFinding {
  if (bindsRoles(groups)) return notTested(`the roles of ${level} have no right that a question can name`);
  const isNamed = levels.some(({ name, verify }) => name === level && verify.length > 0);
  return notTested(
    isNamed
      ? `the level ${level} names its namespaces by patterns, and a review needs a name`
      : `the level ${level} names nothing to verify`,
  );
}

function unansweredFinding(error: unknown): ProofFinding {
  return notTested(mayBeAnswered(error) ? "the API server has not answered yet" : explainFailure(error));
}

function deniedFinding(cluster: Cluster, request: ApprovedRequest, check: Check): ProofFinding {
  if (!request.groups.some(isPolicyText)) return { result: "no", detail: `can't ${inWords(check)}` };
  return notTested(`its groups alone can't ${inWords(check)}, and ${unseenUntil(cluster, request, [check])}`);
}

/** Why a review does not answer, and who can: the principal itself, or the worker if it can assume the principal. */
function unseenUntil(cluster: Cluster, { principal }: ApprovedRequest, checks: readonly Check[]): string {
  if (signInMethod(cluster, principal).type === "role") return `${unseen}. The worker asks when it signs in`;
  return `${unseen}. ${principalCanAsk(checks)}`;
}

function principalCanAsk([check]: readonly Check[]): string {
  if (!check || "path" in check) return "Only the principal can test this";
  const { verb, resource, group, namespace, name } = check;
  const [plural = "", subresource] = resource.split("/");
  const what = `${verb} ${plural}${group && `.${group}`}${name ? `/${name}` : ""}${subresource ? ` --subresource=${subresource}` : ""}`;
  return `Only the principal can test this: kubectl auth can-i ${what} ${namespace ? `-n ${namespace}` : "--all-namespaces"}`;
}

/** The checks that only the principal itself can ask: access policies can allow them, and no review did. */
export function checksOfPrincipal(
  cluster: Cluster,
  request: ApprovedRequest,
  proof: Proof | null,
): readonly AccessCheck[] {
  const isUnseen = request.groups.some(isPolicyText) && proof?.authorized.result === "not tested";
  return isUnseen ? checksOf(cluster, request) : [];
}

/** Null: there is nothing to ask. @throws AccessError if it did not answer */
export async function reviewAsPrincipal(
  client: Pick<ClusterClient, "mayI">,
  checks: readonly AccessCheck[],
): Promise<ProofFinding | null> {
  if (checks.length === 0) return null;
  for (const check of checks) {
    const isAllowed = await client.mayI(accessOf(check));
    if (!isAllowed) return { result: "no", detail: `can't ${inWords(check)}, asked as the principal itself` };
  }
  return { result: "yes", detail: `can ${checks.map(inWords).join(", ")}, asked as the principal itself` };
}

/** If the sign-in did not get this far, there is no other try. */
export function notAskedAsPrincipal(checks: readonly AccessCheck[]): ProofFinding {
  return notTested(`${unseen}. ${principalCanAsk(checks)}`);
}
