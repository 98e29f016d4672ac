import { AccessError, explain } from "../../access/failure/access-error.ts";
import { usernameFor } from "../../access/lease/lease.ts";
import type { Holding, Lease } from "../../access/lease/lease-record.ts";
import type { EndProof, MappedIdentity, Proof, ProofFinding } from "../../access/lease/proof-record.ts";
import { awaitSignIn, reviewAgain, reviewEndAgain } from "../../access/lease/proving.ts";
import { signInWay } from "../../access/lease/sign-in.ts";
import type { AccessCheck, Cluster } from "../../access/policy/cluster.ts";
import { covers, groupsIn, isPolicyText } from "../../access/policy/policy-text.ts";
import type { ApprovedRequest } from "../../access/request/record.ts";
import { failureOf } from "../../access/request/retry.ts";
import { type AccessEntry, identityOfEntry } from "../../access-entry/index.ts";
import { entryArnIn, type ReadDocument, readPrincipal, render, resolve } from "../../aws-auth/index.ts";
import type { ClusterClient } from "../../kubernetes/cluster-client.ts";
import type { AccessAnswer } from "../../kubernetes/reviews.ts";
import type { WorkerContext } from "../context.ts";
import { sessionOf } from "../open/become-creator.ts";
import type { OpenedCluster } from "../open/open-cluster.ts";
import { parseRemembered } from "../remembered.ts";

/** Who the principal is by what was read back after the write. */
export interface ReadBack {
  /** Null: nobody. */
  readonly identity: MappedIdentity | null;
  /** `aws-auth`, or `the access entries`. */
  readonly place: string;
  /** After how many milliseconds it was seen there, where EKS takes its time; null: at once. */
  readonly seenAfterMs: number | null;
  /** The ARN of the access entry, as IAM has it; null: there is none. */
  readonly entryArn: string | null;
}

/** Who a person is by the document that was read back. */
export function inDocument(document: ReadDocument, principal: string): ReadBack {
  return { identity: resolve(document, principal), place: "aws-auth", seenAfterMs: null, entryArn: null };
}

/** Who a person is by an access entry, null: there is none. A role's session has a name of ours, and a user has none. */
export function inEntries(
  entry: AccessEntry | null,
  holding: Holding | undefined,
  principal: string,
  seenAfterMs: number | null,
): ReadBack {
  const identity = identityOfEntry(entry, holding);
  const sessionName = principal.includes(":role/") ? "eks-access" : "";
  const username = identity && render(identity.username, { accountId: principal.split(":")[4] ?? "", sessionName });
  const shown = identity && { ...identity, username: username ?? identity.username };
  return { identity: shown, place: "the access entries", seenAfterMs, entryArn: entry?.principalArn ?? null };
}

/** A proof, and what kept the API server from an answer. */
export interface Proved {
  readonly proof: Proof;
  /** Null: it answered, or nothing was to be asked. */
  readonly unanswered: unknown;
}

/** Proves one lease by what was read back after the write, and against the API server. */
export async function prove(
  client: ClusterClient,
  cluster: Cluster,
  request: ApprovedRequest,
  readBack: ReadBack,
  now: () => Date,
): Promise<Proved> {
  const { finding, auditIds, unanswered } = await reviewLease(client, cluster, request, readBack.identity);
  const proof = {
    mapped: mapped(request, readBack),
    authorized: finding,
    reviewedAs: readBack.identity,
    entryArn: readBack.entryArn,
    signedIn: beforeSignIn(cluster, request),
    at: now().toISOString(),
    auditIds,
  };
  return { proof, unanswered };
}

/** Signing in is tried afterwards, by a job of its own (`sign-in-cluster.ts`): until then it is not tested. */
function beforeSignIn(cluster: Cluster, { principal }: ApprovedRequest): ProofFinding {
  const way = signInWay(cluster, principal);
  return { result: "not tested", detail: way.type === "role" ? "it is being tried" : way.why };
}

/** An active lease with its proof, and what of it is still to come: that the principal signs in, and an answer of the API server. */
export function withProof(
  lease: Lease,
  { proof, unanswered }: Proved,
  cluster: Cluster | undefined,
  principal: string,
): Lease {
  const isToBeTried = cluster !== undefined && signInWay(cluster, principal).type === "role";
  const at = new Date(proof.at);
  const reviewTrouble = mayBeAnswered(unanswered) ? reviewAgain(null, failureOf(unanswered), at) : null;
  return { ...lease, proof, ...awaitSignIn(isToBeTried, at), reviewTrouble };
}

function mapped(request: ApprovedRequest, { identity, place, seenAfterMs }: ReadBack): ProofFinding {
  if (!identity) return { result: "no", detail: `${request.principal} is nobody in ${place}` };
  const missing = request.groups.filter((group) => !covers(identity.groups, group));
  if (missing.length > 0) return { result: "no", detail: `${identity.username} lacks ${missing.join(", ")}` };
  const seen = seenAfterMs === null ? "" : `, seen in ${place} after ${seenAfterMs} ms`;
  return { result: "yes", detail: `${identity.username} with ${identity.groups.join(", ")}${seen}` };
}

/** What the API server says about what a person may do. */
export interface AuthorizationReview {
  readonly finding: ProofFinding;
  /** Under which ids its audit log has the questions. */
  readonly auditIds: readonly string[];
  /** What kept it from an answer; null: nothing did. */
  readonly unanswered: unknown;
}

/** EKS's own authorizer knows who signed in. AWS does not say that it answers for a name that a person only asks about. */
const unseen =
  "a review asks about a Kubernetes username: it can't see the access policies that EKS gives to the IAM principal";

/** The session name with which a role is looked up. */
const anySession = "eks-access";

/** Asks the API server whether a person may do all that the level of a request names. */
export async function reviewLease(
  client: Pick<ClusterClient, "may">,
  cluster: Cluster,
  request: ApprovedRequest,
  identity: MappedIdentity | null,
): Promise<AuthorizationReview> {
  const checks = checksOf(cluster, request);
  if (!identity) return known({ result: "no", detail: "who is not mapped may do nothing" });
  if (checks.length === 0) return known(notTested(`the level ${request.level} names nothing to verify`));
  if (request.groups.every(isPolicyText)) return known(notTested(`${unseen}. Only signing in shows them`));
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
 * Asks the API server whether a person may still do something that the level of a lease names, after its end. The lease's own
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

/** The proof of an end, and under which ids the cluster's audit log has its questions. */
export interface ProvedEnd {
  readonly proof: EndProof;
  readonly auditIds: readonly string[];
}

/** What is known of a lease that ended. */
export interface EndFacts {
  readonly cluster: Cluster;
  readonly opened: OpenedCluster;
  readonly request: ApprovedRequest;
  /** Who the principal is after the end, by what was read back. */
  readonly readBack: ReadBack;
  /** The cluster's leases that are in force. */
  readonly inForce: readonly ApprovedRequest[];
}

/** Verifies after the end what is left of a lease. What can't be asked now has its next try. */
export async function proveEnd({ now }: WorkerContext, facts: EndFacts): Promise<ProvedEnd> {
  const { cluster, opened, request, inForce } = facts;
  // What is asked from here on must not make the end look later.
  const at = now();
  const { readBack, unread } = await withWhatWasHidden(opened, request, facts.readBack);
  const reviewedAs = readBack.identity ?? { username: usernameOf(request), groups: [] };
  const review = unread ?? (await reviewEnd(opened.client, cluster, request, reviewedAs));
  const { auditIds, unanswered } = review;
  const trouble = mayBeAnswered(unanswered) ? reviewEndAgain(null, failureOf(unanswered), now()) : null;
  const mapped = unread ? unread.finding : mappedAfter(request, readBack);
  const others = othersOf(request, inForce);
  return { proof: { at: at.toISOString(), mapped, authorized: review.finding, reviewedAs, others, trouble }, auditIds };
}

/** Who a principal is in the cluster now. An access entry goes before the document. @throws AccessError */
export async function whoIsIt({ mode, entries, client }: OpenedCluster, principal: string): Promise<ReadBack> {
  const arn = entries && entryArnIn(await entries.list(), principal);
  const entry = arn && entries ? await entries.describe(arn) : null;
  if (entry || mode === "API") return inEntries(entry, undefined, principal, null);
  const configMap = await client.readAwsAuth();
  return inDocument(parseRemembered(configMap?.data ?? {}), principal);
}

/** Who the principal is after the end: no. */
export function mappedAfter({ principal }: ApprovedRequest, { identity, place }: ReadBack): ProofFinding {
  if (!identity) return { result: "no", detail: `nobody in ${place}` };
  const { username, groups } = identity;
  const byAccount = username === principal && groups.length === 0 ? ", through mapAccounts" : "";
  return { result: "yes", detail: `${username} with ${groups.join(", ") || "no groups"}${byAccount}` };
}

type Unread = Awaited<ReturnType<typeof reviewEnd>>;

/** An access entry hides what aws-auth has for its principal: with the entry gone, that counts again. */
async function withWhatWasHidden(
  opened: OpenedCluster,
  { principal }: ApprovedRequest,
  readBack: ReadBack,
): Promise<{ readonly readBack: ReadBack; readonly unread: Unread | null }> {
  const isHidden = readBack.identity === null && opened.mode === "API_AND_CONFIG_MAP" && readBack.place !== "aws-auth";
  if (!isHidden) return { readBack, unread: null };
  try {
    return { readBack: await whoIsIt(opened, principal), unread: null };
  } catch (error) {
    const finding = { result: "not tested", detail: "aws-auth could not be read" } as const;
    return { readBack, unread: { finding, auditIds: [], unanswered: error } };
  }
}

/** As whom the lease let its principal in. */
function usernameOf({ principal, lease }: ApprovedRequest): string {
  const known: MappedIdentity | null = lease?.proof?.reviewedAs ?? null;
  if (known) return known.username;
  const reading = readPrincipal(principal);
  if (reading.type !== "principal") return principal;
  const template = usernameFor(reading.principal);
  return render(template, { accountId: reading.principal.account, sessionName: "eks-access" }) ?? template;
}

function othersOf({ id, principal }: ApprovedRequest, inForce: readonly ApprovedRequest[]): readonly string[] {
  return inForce
    .filter((each) => each.id !== id && each.principal.toLowerCase() === principal.toLowerCase())
    .map((each) => `${each.id} gives ${each.level} until ${each.lease?.endsAt}`);
}
