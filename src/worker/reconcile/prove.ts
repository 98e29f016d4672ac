import { readPrincipal } from "../../access/arn.ts";
import { type Drift, driftOf, type SectionWriter } from "../../access/lease/drift.ts";
import { awaitSignIn, usernameFor } from "../../access/lease/lease.ts";
import type { EndProof, Holding, Lease, MappedIdentity, Proof, ProofFinding } from "../../access/lease/lease-record.ts";
import { type Cluster, signInMethod } from "../../access/policy/cluster.ts";
import { bindsRoles, covers, isRoleText } from "../../access/policy/policy-text.ts";
import { readHolder, sessionNameIn } from "../../access/principal.ts";
import type { ApprovedRequest } from "../../access/record.ts";
import { failureOf, nextProofTry, nextReviewTry } from "../../access/retry.ts";
import { type AccessEntry, identityOfEntry } from "../../access-entry/index.ts";
import { entryFor } from "../../aws/access-entries.ts";
import { entryOf, goFold, type ReadDocument, render, resolve, type Section } from "../../aws-auth/index.ts";
import type { WorkerContext } from "../context.ts";
import type { OpenedCluster } from "../open-cluster.ts";
import { readRemembered } from "../remembered.ts";
import type { SessionIdentity } from "../sign-in/sign-in.ts";
import { type AuthorizationReview, anySession, isByEnded, mayBeAnswered, reviewEnd } from "./review.ts";
import type { Reviewer } from "./review-questions.ts";

export interface ReadBack extends SessionIdentity {
  /** After how many milliseconds EKS showed it; null: at once. */
  readonly seenAfterMs: number | null;
  /** The ARN of the access entry, in IAM's form; null: there is none. */
  readonly entryArn: string | null;
  /** Of aws-auth. */
  readonly document?: ReadDocument;
}

export function inDocument(document: ReadDocument, principal: string): ReadBack {
  return { identity: resolve(document, principal), place: "aws-auth", seenAfterMs: null, entryArn: null, document };
}

/** What a lease's entry in `aws-auth` lacks; null: nothing. @param groups from a sealed source */
export function driftInDocument(
  request: ApprovedRequest,
  document: ReadDocument,
  writers: readonly SectionWriter[],
  groups?: readonly string[],
): Drift | null {
  const entry = entryOf(document, request.principal);
  // Others can have put it into the other section.
  const isNamedIn = ({ section }: { section: Section | null }) =>
    section && document.data[section]?.includes(request.principal);
  const section = entry?.section ?? document.blocking.find(isNamedIn)?.section ?? undefined;
  const drift = driftOf(request, entry, writers, document.blocking, groups, section);
  const moved = drift && !drift.isUnread && !entry && movedEntry(request, document);
  return moved ? { ...drift, message: `${drift.message}; ${moved}` } : drift;
}

/** Others can have given a lease's entry another ARN. Only they know, so an end leaves it as it is. A clause; null: there is no such entry. */
function movedEntry({ principal, groups, lease }: ApprovedRequest, document: ReadDocument): string | null {
  const was = lease.proof?.reviewedAs?.username;
  if (was === undefined) return null;
  for (const { arn, username, groups: its } of document.entries) {
    const left = its.filter((group) => groups.includes(group)).join(", ");
    if (left === "" || goFold(arn) === goFold(principal) || resolve(document, arn)?.username !== was) continue;
    const reading = readPrincipal(arn);
    const isNamedByUs = reading.type === "principal" && usernameFor(reading.principal) === username;
    if (!isNamedByUs)
      return `${arn} has its username and ${left}: if others changed its ARN, remove ${left} there by hand`;
  }
  return null;
}

/** A person's identity by an access entry; null: there is none. A role without a known session gets our session name. A user has none. */
export function inEntries(
  entry: AccessEntry | null,
  holding: Holding | undefined,
  principal: string,
  seenAfterMs: number | null,
): ReadBack {
  const identity = identityOfEntry(entry, holding);
  const sessionName = sessionNameIn(principal) ?? (principal.includes(":role/") ? anySession : "");
  const username = identity && render(identity.username, { accountId: principal.split(":")[4] ?? "", sessionName });
  const shown = identity && { ...identity, username: username ?? identity.username };
  return { identity: shown, place: "the access entries", seenAfterMs, entryArn: entry?.principalArn ?? null };
}

export interface Proved {
  readonly proof: Proof;
  /** Null: it answered, or there was nothing to ask. */
  readonly unanswered: unknown;
}

/** Proves one lease by the state read back after the write, and by what the API server answered after it. */
export function prove(
  cluster: Cluster,
  request: ApprovedRequest,
  readBack: ReadBack,
  { finding, auditIds, unanswered }: AuthorizationReview,
  now: Date,
): Proved {
  const way = signInMethod(cluster, request.principal);
  const proof = {
    mapped: mapped(request, readBack),
    authorized: finding,
    reviewedAs: readBack.identity,
    entryArn: readBack.entryArn,
    // A later job signs in (`sign-in-cluster.ts`).
    signedIn: { result: "not tested", detail: way.type === "role" ? "the worker is trying it" : way.why } as const,
    at: now.toISOString(),
    auditIds,
  };
  return { proof, unanswered };
}

/** An active lease with its proof, and its pending parts: the sign-in, and an answer of the API server. */
export function withProof(lease: Lease, { proof, unanswered }: Proved, cluster: Cluster, principal: string): Lease {
  const isToBeTried = signInMethod(cluster, principal).type === "role";
  const at = new Date(proof.at);
  const reviewTrouble = mayBeAnswered(unanswered) ? nextReviewTry(null, failureOf(unanswered), at) : null;
  return { ...lease, proof, ...awaitSignIn(isToBeTried, at), reviewTrouble };
}

function mapped(request: ApprovedRequest, { identity, place, seenAfterMs }: ReadBack): ProofFinding {
  if (!identity) return { result: "no", detail: `${request.principal} is not in ${place}` };
  const missing = request.groups.filter((group) => !covers(identity.groups, group));
  if (missing.length > 0) return { result: "no", detail: `${identity.username} lacks ${missing.join(", ")}` };
  const seen = seenAfterMs === null ? "" : `, seen in ${place} after ${seenAfterMs} ms`;
  return { result: "yes", detail: `${identity.username} with ${identity.groups.join(", ")}${seen}` };
}

export type ProvedEnd = { readonly proof: EndProof; readonly auditIds: readonly string[] };

interface EndFacts {
  readonly cluster: Cluster;
  readonly opened: OpenedCluster;
  /** Absent: the cluster's client. */
  readonly reviewer?: Reviewer;
  readonly request: ApprovedRequest;
  readonly readBack: ReadBack;
  readonly inForce: readonly ApprovedRequest[];
  /** Leases that still have to end, in this run or another. */
  readonly ending?: readonly ApprovedRequest[];
  /** Present: an access entry can hide what was read back. */
  readonly unlisted?: { readonly why: unknown } | undefined;
}

/** What is left can be of such a lease: a second look comes when that one should be gone too. Messages say only what is left. */
export const endsBeside = { code: "ends-beside", message: "", retryAfterMs: 15_000 };

/** Verifies the remains of a lease after its end. An unanswered question gets its next try. */
export async function proveEnd({ now }: WorkerContext, facts: EndFacts): Promise<ProvedEnd> {
  const { cluster, opened, reviewer = opened.client, request, inForce, ending = [] } = facts;
  const at = now();
  const { readBack, unread } = await withWhatWasHidden(facts);
  const reviewedAs = readBack.identity ?? { username: usernameOf(request), groups: [] };
  const review = unread ?? (await reviewEnd(reviewer, cluster, request, reviewedAs, inForce));
  const { auditIds, unanswered } = review;
  const mapped = unread ? unread.finding : mappedAfter(request, readBack);
  const isBeside = ({ id, principal }: ApprovedRequest) =>
    id !== request.id && principal.toLowerCase() === request.principal.toLowerCase();
  const isLeft = [mapped, review.finding].some(({ result }) => result === "yes");
  const isPassing = ending.some(isBeside) || isByEnded(review.finding.detail, inForce);
  const passing = isLeft && isPassing ? endsBeside : null;
  const failure = mayBeAnswered(unanswered) ? failureOf(unanswered) : passing;
  const trouble = failure && nextProofTry(null, failure, now());
  const others = inForce.filter(isBeside).map(({ id, level, lease }) => `${id} gives ${level} until ${lease.endsAt}`);
  return { proof: { at: at.toISOString(), mapped, authorized: review.finding, reviewedAs, others, trouble }, auditIds };
}

/** A principal's present identity in the cluster. An access entry overrides the document. @throws AccessError */
export async function identityInCluster(
  { mode, entries, client }: OpenedCluster,
  principal: string,
): Promise<ReadBack> {
  const entry = entries && (await entryFor(entries, principal)).entry;
  if (entry || mode === "API") return inEntries(entry, undefined, principal, null);
  return inDocument(await readRemembered((await client.readAwsAuth())?.data ?? {}), principal);
}

/** Whether the principal is still mapped after the end: "no" is the wanted result. */
export function mappedAfter(request: ApprovedRequest, { identity, place, document }: ReadBack): ProofFinding {
  const { principal, groups: given } = request;
  if (identity && bindsRoles(given)) return boundAfter(identity);
  if (!identity) {
    const moved = document && movedEntry(request, document);
    return { result: "no", detail: `not in ${place}${moved ? `, but ${moved}` : ""}` };
  }
  const { username, groups } = identity;
  const byAccount = username === principal && groups.length === 0 ? ", through mapAccounts" : "";
  return { result: "yes", detail: `${username} with ${groups.join(", ") || "no groups"}${byAccount}` };
}

/** A lease by bindings does not change the sign-in: only the roles still bound to the name count. */
function boundAfter({ username, groups }: MappedIdentity): ProofFinding {
  const left = groups.filter(isRoleText);
  if (left.length > 0) return { result: "yes", detail: `${username} with ${left.join(", ")}` };
  return { result: "no", detail: `no role is bound to ${username} by a lease` };
}

/** An access entry hides its principal's item in aws-auth: without the entry, the item counts again. */
async function withWhatWasHidden(
  facts: EndFacts,
): Promise<Pick<EndFacts, "readBack"> & { readonly unread: AuthorizationReview | null }> {
  const { opened, request, readBack, unlisted } = facts;
  if (unlisted) {
    const finding = { result: "not tested", detail: "the worker couldn't list the access entries" } as const;
    return { readBack: { ...readBack, identity: null }, unread: { finding, auditIds: [], unanswered: unlisted.why } };
  }
  const isHidden = readBack.identity === null && opened.mode === "API_AND_CONFIG_MAP" && readBack.place !== "aws-auth";
  if (!isHidden) return { readBack, unread: null };
  try {
    return { readBack: await identityInCluster(opened, request.principal), unread: null };
  } catch (error) {
    const finding = { result: "not tested", detail: "the worker couldn't read aws-auth" } as const;
    return { readBack, unread: { finding, auditIds: [], unanswered: error } };
  }
}

function usernameOf({ principal, lease }: ApprovedRequest): string {
  const known: MappedIdentity | null = lease.proof?.reviewedAs ?? null;
  if (known) return known.username;
  const reading = readHolder(principal);
  if (reading.type !== "principal") return principal;
  const template = usernameFor(reading.principal);
  const sessionName = sessionNameIn(principal) ?? anySession;
  return render(template, { accountId: reading.principal.account, sessionName }) ?? template;
}
