import { AccessError, explain } from "../../access/failure/access-error.ts";
import type { AccessCheck, Cluster } from "../../access/policy/cluster.ts";
import { groupsIn, isPolicyText } from "../../access/policy/policy-text.ts";
import type { ApprovedRequest, MappedIdentity, ProofFinding } from "../../access/request/record.ts";
import type { ClusterClient } from "../../kubernetes/cluster-client.ts";
import type { AccessAnswer } from "../../kubernetes/reviews.ts";
import { sessionOf } from "../open/session-of.ts";

/** What the API server says about what somebody may do. */
export interface AuthorizationReview {
  readonly finding: ProofFinding;
  /** Under which ids its audit log has the questions. */
  readonly auditIds: readonly string[];
  /** What kept it from an answer; null: nothing did. */
  readonly unanswered: unknown;
}

/** EKS's own authorizer knows who signed in. AWS does not say that it answers for a name that somebody only asks about. */
const unseen = "a review names a Kubernetes user: it can't see the access policies of an IAM principal";

/** The session name with which a role is looked up. */
const anySession = "eks-access";

/** Asks the API server whether somebody may do all that the level of a request names. */
export async function reviewLease(
  client: Pick<ClusterClient, "may">,
  cluster: Cluster,
  request: ApprovedRequest,
  identity: MappedIdentity | null,
): Promise<AuthorizationReview> {
  const checks = checksOf(cluster, request);
  if (!identity) return known({ result: "no", detail: "who is not mapped may do nothing" });
  if (checks.length === 0) return known(notTested(`the level ${request.level} names nothing to verify`));
  if (request.groups.every(isPolicyText)) return known(notTested(unseen));
  const auditIds: string[] = [];
  const allowed: string[] = [];
  for (const check of checks) {
    const answer = await ask(client, identity, check);
    if (answer.type === "failed")
      return { finding: unansweredFinding(answer.error), auditIds, unanswered: answer.error };
    if (answer.auditId !== null) auditIds.push(answer.auditId);
    if (!answer.allowed) return { finding: deniedFinding(request, check), auditIds, unanswered: null };
    allowed.push(inWords(check));
  }
  return { finding: { result: "yes", detail: `may ${allowed.join(", ")}` }, auditIds, unanswered: null };
}

/**
 * Asks the API server whether somebody may still do something that the level of a lease names, after its end. The lease's own
 * groups are left out: what binds them stays, and nobody brings them any more.
 */
export async function reviewEnd(
  client: Pick<ClusterClient, "may">,
  cluster: Cluster,
  request: ApprovedRequest,
  identity: MappedIdentity,
): Promise<AuthorizationReview> {
  const checks = checksOf(cluster, request);
  if (checks.length === 0) return known(notTested(`the level ${request.level} names nothing to verify`));
  const usernames = usernamesOf(request, identity);
  const auditIds: string[] = [];
  const found = (finding: ProofFinding, unanswered: unknown = null) => ({ finding, auditIds, unanswered });
  for (const check of checks) {
    for (const username of usernames) {
      const answer = await ask(client, { ...identity, username }, check);
      if (answer.type === "failed") return found(unansweredFinding(answer.error), answer.error);
      if (answer.auditId !== null) auditIds.push(answer.auditId);
      const because = answer.reason && ` (${answer.reason})`;
      const detail = `may ${inWords(check)}, asked as ${username}${because}`;
      if (answer.allowed) return found({ result: "yes", detail });
    }
  }
  const refused = `may not ${checks.map(inWords).join(", ")}`;
  // Policies hang on the access entry: where none is read back, none is left.
  if (identity.groups.some(isPolicyText)) return found(notTested(`its groups alone ${refused}, and ${unseen}`));
  return found({ result: "no", detail: `${refused}, asked as ${usernames.join(" and ")}` });
}

/**
 * As whom to ask about an end: a role has a username for each session, and RBAC can bind any of them. Known are the session that
 * stands for all, and the one as which the worker signed in for the proof of the beginning.
 */
function usernamesOf({ id, principal, requester }: ApprovedRequest, { username }: MappedIdentity): readonly string[] {
  if (!principal.includes(":role/") || !username.endsWith(anySession)) return [username];
  return [username, username.slice(0, -anySession.length) + sessionOf([{ id, requester }]).sessionName];
}

/** Whether the same question may be answered later. */
export function mayBeAnswered(unanswered: unknown): boolean {
  return unanswered !== null && !(unanswered instanceof AccessError && !unanswered.retryable);
}

function checksOf({ levels }: Cluster, request: ApprovedRequest): readonly AccessCheck[] {
  return levels.find(({ name }) => name === request.level)?.verify ?? [];
}

function known(finding: ProofFinding): AuthorizationReview {
  return { finding, auditIds: [], unanswered: null };
}

function notTested(detail: string): ProofFinding {
  return { result: "not tested", detail };
}

/** The failure itself is told beside it as long as the question is asked again. */
function unansweredFinding(error: unknown): ProofFinding {
  return notTested(mayBeAnswered(error) ? "the API server has not answered yet" : explain(error));
}

function deniedFinding({ groups }: ApprovedRequest, check: AccessCheck): ProofFinding {
  if (groups.some(isPolicyText)) return notTested(`its groups alone may not ${inWords(check)}, and ${unseen}`);
  return { result: "no", detail: `may not ${inWords(check)}` };
}

type Answer = ({ readonly type: "answered" } & AccessAnswer) | { readonly type: "failed"; readonly error: unknown };

async function ask(
  client: Pick<ClusterClient, "may">,
  { username, groups }: MappedIdentity,
  { verb, resource, group, namespace }: AccessCheck,
): Promise<Answer> {
  const access = { verb, resource, ...(group && { group }), ...(namespace && { namespace }) };
  try {
    return { type: "answered", ...(await client.may({ username, groups: groupsIn(groups) }, access)) };
  } catch (error) {
    return { type: "failed", error };
  }
}

function inWords({ verb, resource, group, namespace }: AccessCheck): string {
  return `${verb} ${resource}${group && `.${group}`} ${namespace ? `in ${namespace}` : "in every namespace"}`;
}
