import { covers, groupsIn, isPolicyText } from "../../access-entry/policy-text.ts";
import type { ReadDocument } from "../../aws-auth/document.ts";
import { resolve } from "../../aws-auth/resolve.ts";
import { render } from "../../aws-auth/templates.ts";
import { explain } from "../../failure/access-error.ts";
import type { Grant } from "../../grant/grant.ts";
import { awaitSignIn } from "../../grant/sign-in.ts";
import type { ClusterClient } from "../../kubernetes/cluster-client.ts";
import type { AccessAnswer } from "../../kubernetes/reviews.ts";
import type { AccessCheck, Cluster } from "../../policy/cluster.ts";
import { signInWay } from "../../policy/sign-in.ts";
import type { Finding, Proof } from "../../proof/proof.ts";
import type { AccessRequest, MappedIdentity } from "../../request/request.ts";

/** Who the principal is by what was read back after the write. */
export interface ReadBack {
  /** Null: nobody. */
  readonly identity: MappedIdentity | null;
  /** `aws-auth`, or `the access entries`. */
  readonly place: string;
  /** After how many milliseconds it was seen there, where EKS takes its time; null: at once. */
  readonly seenAfterMs: number | null;
}

/** Who somebody is by the document that was read back. */
export function inDocument(document: ReadDocument, principal: string): ReadBack {
  return { identity: resolve(document, principal), place: "aws-auth", seenAfterMs: null };
}

/** Who somebody is by the access entries: a role's session has a name of ours, and a user has none. */
export function inEntries(identity: MappedIdentity | null, principal: string, seenAfterMs: number | null): ReadBack {
  const sessionName = principal.includes(":role/") ? "eks-access" : "";
  const username = identity && render(identity.username, { accountId: principal.split(":")[4] ?? "", sessionName });
  const shown = identity && { ...identity, username: username ?? identity.username };
  return { identity: shown, place: "the access entries", seenAfterMs };
}

/** Proves one grant by what was read back after the write, and against the API server. */
export async function prove(
  client: ClusterClient,
  cluster: Cluster,
  request: AccessRequest,
  readBack: ReadBack,
  now: () => Date,
): Promise<Proof> {
  const auditIds: string[] = [];
  return {
    mapped: mapped(request, readBack),
    authorized: await authorized(client, cluster, request, readBack.identity, auditIds),
    signedIn: beforeSignIn(cluster, request),
    at: now().toISOString(),
    auditIds,
  };
}

/** Signing in is tried afterwards, by a job of its own (`sign-in-cluster.ts`): until then it is not tested. */
function beforeSignIn(cluster: Cluster, { principal }: AccessRequest): Finding {
  const way = signInWay(cluster, principal);
  return { result: "not tested", detail: way.type === "role" ? "it is being tried" : way.why };
}

/** A grant in force with its proof, which waits for the principal to sign in where the worker may become it. */
export function withProof(grant: Grant, proof: Proof, cluster: Cluster | undefined, principal: string): Grant {
  const isToBeTried = cluster !== undefined && signInWay(cluster, principal).type === "role";
  return { ...grant, proof, ...awaitSignIn(isToBeTried, new Date(proof.at)) };
}

function mapped(request: AccessRequest, { identity, place, seenAfterMs }: ReadBack): Finding {
  if (!identity) return { result: "no", detail: `${request.principal} is nobody in ${place}` };
  const missing = request.groups.filter((group) => !covers(identity.groups, group));
  if (missing.length > 0) return { result: "no", detail: `${identity.username} lacks ${missing.join(", ")}` };
  const seen = seenAfterMs === null ? "" : `, seen in ${place} after ${seenAfterMs} ms`;
  return { result: "yes", detail: `${identity.username} with ${identity.groups.join(", ")}${seen}` };
}

/** EKS's own authorizer goes by who signs in, not by a name that somebody asks about. */
const unseen = "a review of the API server can't see what an access policy allows";

async function authorized(
  client: ClusterClient,
  cluster: Cluster,
  request: AccessRequest,
  identity: MappedIdentity | null,
  auditIds: string[],
): Promise<Finding> {
  const checks = cluster.levels.find((level) => level.name === request.level)?.verify ?? [];
  if (!identity) return { result: "no", detail: "who is not mapped may do nothing" };
  if (checks.length === 0)
    return { result: "not tested", detail: `the level ${request.level} names nothing to verify` };
  if (request.groups.every(isPolicyText)) return { result: "not tested", detail: unseen };
  const { username } = identity;
  const reviewed = { username, groups: groupsIn(identity.groups) };
  const allowed: string[] = [];
  for (const check of checks) {
    const answer = await ask(client, reviewed, check);
    if (answer.type === "failed") return { result: "not tested", detail: answer.message };
    if (answer.auditId !== null) auditIds.push(answer.auditId);
    if (!answer.allowed && request.groups.some(isPolicyText)) {
      return { result: "not tested", detail: `its groups alone may not ${inWords(check)}, and ${unseen}` };
    }
    if (!answer.allowed) return { result: "no", detail: `may not ${inWords(check)}` };
    allowed.push(inWords(check));
  }
  return { result: "yes", detail: `may ${allowed.join(", ")}` };
}

async function ask(
  client: ClusterClient,
  identity: MappedIdentity,
  { verb, resource, group, namespace }: AccessCheck,
): Promise<({ type: "answered" } & AccessAnswer) | { type: "failed"; message: string }> {
  const access = { verb, resource, ...(group && { group }), ...(namespace && { namespace }) };
  try {
    return { type: "answered", ...(await client.may(identity, access)) };
  } catch (error) {
    return { type: "failed", message: explain(error) };
  }
}

function inWords({ verb, resource, group, namespace }: AccessCheck): string {
  return `${verb} ${resource}${group && `.${group}`} ${namespace ? `in ${namespace}` : "in every namespace"}`;
}
