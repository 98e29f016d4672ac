import type { Holding, Lease } from "../../access/lease/lease-record.ts";
import type { MappedIdentity, Proof, ProofFinding } from "../../access/lease/proof-record.ts";
import { awaitSignIn, nextReviewTry } from "../../access/lease/proving.ts";
import { signInMethod } from "../../access/lease/sign-in.ts";
import type { Cluster } from "../../access/policy/cluster.ts";
import { covers } from "../../access/policy/policy-text.ts";
import type { ApprovedRequest } from "../../access/request/record.ts";
import { failureOf } from "../../access/request/retry.ts";
import { type AccessEntry, identityOfEntry } from "../../access-entry/index.ts";
import { type ReadDocument, render, resolve, sessionNameIn } from "../../aws-auth/index.ts";
import { anySession, mayBeAnswered, type Reviewer, reviewLease } from "./review.ts";

/** The principal's identity after the write, as read back. */
export interface ReadBack {
  readonly identity: MappedIdentity | null;
  /** `aws-auth`, or `the access entries`. */
  readonly place: string;
  /** After how many milliseconds EKS showed it; null: at once. */
  readonly seenAfterMs: number | null;
  /** The ARN of the access entry, in IAM's form; null: there is none. */
  readonly entryArn: string | null;
}

export function inDocument(document: ReadDocument, principal: string): ReadBack {
  return { identity: resolve(document, principal), place: "aws-auth", seenAfterMs: null, entryArn: null };
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

/** A proof, and why the API server did not answer. */
export interface Proved {
  readonly proof: Proof;
  /** Null: it answered, or there was nothing to ask. */
  readonly unanswered: unknown;
}

/** Proves one lease by the state read back after the write, and by the API server. */
export async function prove(
  client: Reviewer,
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

/** A later job signs in (`sign-in-cluster.ts`): until then the finding is "not tested". */
function beforeSignIn(cluster: Cluster, { principal }: ApprovedRequest): ProofFinding {
  const way = signInMethod(cluster, principal);
  return { result: "not tested", detail: way.type === "role" ? "the worker is trying it" : way.why };
}

/** An active lease with its proof, and its pending parts: the sign-in, and an answer of the API server. */
export function withProof(
  lease: Lease,
  { proof, unanswered }: Proved,
  cluster: Cluster | undefined,
  principal: string,
): Lease {
  const isToBeTried = cluster !== undefined && signInMethod(cluster, principal).type === "role";
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
