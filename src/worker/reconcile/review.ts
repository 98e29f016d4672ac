import { AccessError, explainFailure } from "../../access/failure/access-error.ts";
import type { MappedIdentity, Proof, ProofFinding } from "../../access/lease/proof-record.ts";
import { signInMethod } from "../../access/lease/sign-in.ts";
import type { AccessCheck, Cluster } from "../../access/policy/cluster.ts";
import { isPolicyText, kubernetesGroups, namespaceOf } from "../../access/policy/policy-text.ts";
import { bindsRoles, placedRoleOf } from "../../access/policy/role-text.ts";
import type { ApprovedRequest } from "../../access/request/record.ts";
import { sessionNameIn } from "../../aws-auth/index.ts";
import type { ClusterClient } from "../../kubernetes/cluster-client.ts";
import type { ResourceAccess } from "../../kubernetes/reviews.ts";
import { sessionOf } from "../open/become-creator.ts";

/** What the API server says about what a person may do. */
export interface AuthorizationReview {
  readonly finding: ProofFinding;
  /** Under which ids its audit log has the questions. */
  readonly auditIds: readonly string[];
  /** What kept it from an answer; null: nothing did. */
  readonly unanswered: unknown;
}

type Reviewer = Pick<ClusterClient, "may">;

/**
 * EKS's own authorizer knows who signed in, and does not answer for a username that another only asks about (EKS User Guide,
 * "Associate access policies with access entries").
 */
const unseen = "a review asks about a Kubernetes username, and can't see the access policies of an IAM principal";

/** The session name with which a role is looked up. */
export const anySession = "eks-access";

/** A session that no person has: IAM Identity Center gives no name with `=`. */
export const impossibleSession = "eks-access=nobody";

/** Asks the API server whether a person may do all that the level of a request names. */
export async function reviewLease(
  client: Reviewer,
  cluster: Cluster,
  request: ApprovedRequest,
  identity: MappedIdentity | null,
): Promise<AuthorizationReview> {
  const checks = checksOf(cluster, request);
  if (!identity) return unasked({ result: "no", detail: "an unmapped principal can do nothing" });
  if (checks.length === 0) return unasked(namesNothing(cluster, request));
  if (request.groups.every(isPolicyText)) return unasked(notTested(unseenUntil(cluster, request, checks)));
  const questions = checks.map((check) => ({ identity, check }));
  const { failure, found, auditIds } = await askUntil(client, questions, false);
  if (failure) return { finding: unansweredFinding(failure.error), auditIds, unanswered: failure.error };
  if (found) return { finding: deniedFinding(cluster, request, found.check), auditIds, unanswered: null };
  const beyond = await reviewBeyond(client, request, identity, checks[0]);
  const detail = `can ${checks.map(inWords).join(", ")}${beyond.says}`;
  const finding = beyond.failure ? unansweredFinding(beyond.failure.error) : ({ result: "yes", detail } as const);
  const ids = [...auditIds, ...beyond.auditIds];
  return { finding, auditIds: ids, unanswered: beyond.failure ? beyond.failure.error : null };
}

/** A namespace that no cluster has: asking about it asks about all that the lease does not name. */
const anotherNamespace = "eks-access-another-namespace";

/**
 * What a lease by binding must not give: the same in another namespace, and to another session of the same role. Where one of
 * them is allowed all the same, other bindings allow it, and the proof says so.
 */
async function reviewBeyond(
  client: Reviewer,
  { groups, principal }: ApprovedRequest,
  identity: MappedIdentity,
  check: AccessCheck | undefined,
): Promise<Omit<Answers, "found"> & { readonly says: string }> {
  const auditIds: string[] = [];
  if (!check || !bindsRoles(groups)) return { auditIds, says: "", failure: null };
  const isEverywhere = groups.some((text) => placedRoleOf(text)?.namespace === null);
  const elsewhere = { identity, check: { ...check, namespace: anotherNamespace } };
  const username = anotherSession(principal, identity.username);
  const questions = [
    ...(isEverywhere ? [] : [{ ...elsewhere, where: "in other namespaces" }]),
    ...(username ? [{ identity: { ...identity, username }, check, where: "as another session of the role" }] : []),
  ];
  let says = "";
  for (const { where, ...question } of questions) {
    const { found, failure, auditIds: ids } = await askUntil(client, [question], true);
    auditIds.push(...ids);
    if (failure) return { auditIds, says, failure };
    says += found ? `, and ${where} too, by other bindings` : `, not ${where}`;
  }
  return { auditIds, says, failure: null };
}

/** As whom another session of the same role signs in; null: the username is the same for all, or there is no session. */
function anotherSession(principal: string, username: string): string | null {
  const session = sessionNameIn(principal);
  if (session === null) return null;
  const found = [session, session.replaceAll("@", "-")].find((name) => username.includes(name));
  return found === undefined ? null : username.replace(found, impossibleSession);
}

/**
 * Asks the API server whether a person may still do something that the level of a lease names, after its end. The lease's own
 * groups are left out: their bindings stay, but the person is not in them any more.
 */
export async function reviewEnd(
  client: Reviewer,
  cluster: Cluster,
  request: ApprovedRequest,
  identity: MappedIdentity,
): Promise<AuthorizationReview> {
  const checks = checksOf(cluster, request);
  if (checks.length === 0) return unasked(namesNothing(cluster, request));
  const usernames = usernamesOf(request, identity);
  const questions = checks.flatMap((check) =>
    usernames.map((username) => ({ identity: { ...identity, username }, check })),
  );
  const { failure, found, auditIds } = await askUntil(client, questions, true);
  if (failure) return { finding: unansweredFinding(failure.error), auditIds, unanswered: failure.error };
  if (found) {
    const because = found.reason && ` (${found.reason})`;
    const detail = `can ${inWords(found.check)}, asked as ${found.identity.username}${because}`;
    return { finding: { result: "yes", detail }, auditIds, unanswered: null };
  }
  const refused = `can't ${checks.map(inWords).join(", ")}`;
  // Policies hang on the access entry: where none is read back, none is left.
  const finding = identity.groups.some(isPolicyText)
    ? notTested(`its groups alone ${refused}, and ${unseen}`)
    : ({ result: "no", detail: `${refused}, asked as ${usernames.join(" and ")}` } as const);
  return { finding, auditIds, unanswered: null };
}

/**
 * The usernames to ask for after an end: a role has a username for each session, and RBAC can bind any of them. We know the session
 * with which a role is looked up, and the one with which the worker signed in for the proof of the beginning.
 */
function usernamesOf({ id, principal, requester }: ApprovedRequest, { username }: MappedIdentity): readonly string[] {
  if (!principal.includes(":role/") || !username.endsWith(anySession)) return [username];
  return [username, username.slice(0, -anySession.length) + sessionOf([{ id, requester }]).sessionName];
}

/** Whether the same question may be answered later. */
export function mayBeAnswered(unanswered: unknown): boolean {
  return unanswered !== null && !(unanswered instanceof AccessError && !unanswered.retryable);
}

/**
 * What to ask of a lease. A check of every namespace is one of each namespace of the lease, where it gives nothing in the whole
 * cluster. An access policy may name its namespaces by a pattern, which no question can.
 */
export function checksOf({ levels }: Cluster, { level, groups }: ApprovedRequest): readonly AccessCheck[] {
  const checks = levels.find(({ name }) => name === level)?.verify ?? [];
  const places = groups.map(namespaceOf);
  if (places.includes(null)) return checks;
  const namespaces = [...new Set(places.filter((place) => place !== null))].filter((place) => !place.includes("*"));
  return checks.flatMap((check) =>
    check.namespace === "" ? namespaces.map((namespace) => ({ ...check, namespace })) : [check],
  );
}

function unasked(finding: ProofFinding): AuthorizationReview {
  return { finding, auditIds: [], unanswered: null };
}

function notTested(detail: string): ProofFinding {
  return { result: "not tested", detail };
}

function namesNothing({ levels }: Cluster, { level }: ApprovedRequest): ProofFinding {
  const isNamed = levels.some(({ name, verify }) => name === level && verify.length > 0);
  return notTested(
    isNamed
      ? `the level ${level} names its namespaces by patterns, and a review needs a name`
      : `the level ${level} names nothing to verify`,
  );
}

/** The record shows the failure beside it as long as the question is asked again. */
function unansweredFinding(error: unknown): ProofFinding {
  return notTested(mayBeAnswered(error) ? "the API server has not answered yet" : explainFailure(error));
}

function deniedFinding(cluster: Cluster, request: ApprovedRequest, check: AccessCheck): ProofFinding {
  if (!request.groups.some(isPolicyText)) return { result: "no", detail: `can't ${inWords(check)}` };
  return notTested(`its groups alone can't ${inWords(check)}, and ${unseenUntil(cluster, request, [check])}`);
}

/** Why a review does not answer, and what will: the principal itself, as the worker where it may become it. */
function unseenUntil(cluster: Cluster, { principal }: ApprovedRequest, checks: readonly AccessCheck[]): string {
  if (signInMethod(cluster, principal).type === "role") return `${unseen}. The worker asks when it signs in`;
  return `${unseen}. ${principalCanAsk(checks)}`;
}

function principalCanAsk([check]: readonly AccessCheck[]): string {
  if (!check) return "Only the principal can ask";
  const { verb, resource, group, namespace } = check;
  const [plural = "", subresource] = resource.split("/");
  const what = `${verb} ${plural}${group && `.${group}`}${subresource ? ` --subresource=${subresource}` : ""}`;
  return `Only the principal can ask: kubectl auth can-i ${what} ${namespace ? `-n ${namespace}` : "--all-namespaces"}`;
}

/** What of a lease only its principal itself can ask for: access policies may allow it, and no review has found it allowed. */
export function checksOfPrincipal(
  cluster: Cluster,
  request: ApprovedRequest,
  proof: Proof | null,
): readonly AccessCheck[] {
  const isUnseen = request.groups.some(isPolicyText) && proof?.authorized.result === "not tested";
  return isUnseen ? checksOf(cluster, request) : [];
}

/** Asks the API server as the principal itself; null: there is nothing to ask. @throws AccessError what kept it from an answer */
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

/** Where signing in did not come so far, there is no other try. */
export function notAskedAsPrincipal(checks: readonly AccessCheck[]): ProofFinding {
  return notTested(`${unseen}. ${principalCanAsk(checks)}`);
}

interface Question {
  readonly identity: MappedIdentity;
  readonly check: AccessCheck;
}

interface Answers {
  readonly auditIds: readonly string[];
  /** The first question with the answer that ends the asking, and the reason of the API server; null: none had it. */
  readonly found: (Question & { readonly reason: string }) | null;
  /** What kept a question from an answer. */
  readonly failure: { readonly error: unknown } | null;
}

/** Asks one question after another, until one has this answer, or none at all. */
async function askUntil(client: Reviewer, questions: readonly Question[], isAllowed: boolean): Promise<Answers> {
  const auditIds: string[] = [];
  for (const question of questions) {
    const { username, groups } = question.identity;
    try {
      const user = { username, groups: kubernetesGroups(groups) };
      const { allowed, reason, auditId } = await client.may(user, accessOf(question.check));
      if (auditId !== null) auditIds.push(auditId);
      if (allowed === isAllowed) return { auditIds, found: { ...question, reason }, failure: null };
    } catch (error) {
      return { auditIds, found: null, failure: { error } };
    }
  }
  return { auditIds, found: null, failure: null };
}

function accessOf({ verb, resource, group, namespace }: AccessCheck): ResourceAccess {
  return { verb, resource, ...(group && { group }), ...(namespace && { namespace }) };
}

function inWords({ verb, resource, group, namespace }: AccessCheck): string {
  return `${verb} ${resource}${group && `.${group}`} ${namespace ? `in ${namespace}` : "in every namespace"}`;
}
