import type { AwsAuthDocument } from "../aws-auth/document.ts";
import { type Identity, resolve } from "../aws-auth/resolve.ts";
import { explain } from "../failure/access-error.ts";
import type { ClusterClient } from "../kubernetes/cluster-client.ts";
import type { AccessAnswer } from "../kubernetes/reviews.ts";
import type { AccessCheck, Cluster } from "../policy/cluster.ts";
import type { Finding, Proof } from "../proof/proof.ts";
import type { AccessRequest } from "../request/request.ts";

/** Proves one grant against the document that was read back after the write, and against the API server. */
export async function prove(
  client: ClusterClient,
  cluster: Cluster,
  request: AccessRequest,
  readBack: AwsAuthDocument,
  now: () => Date,
): Promise<Proof> {
  const identity = resolve(readBack, request.principal);
  const auditIds: string[] = [];
  return {
    mapped: mapped(request, identity),
    authorized: await authorized(client, cluster, request, identity, auditIds),
    signedIn: {
      result: "not tested",
      detail: "only the principal itself can sign in as itself, and the worker does not hold its credentials",
    },
    at: now().toISOString(),
    auditIds,
  };
}

function mapped(request: AccessRequest, identity: Identity | null): Finding {
  if (!identity) return { result: "no", detail: `${request.principal} is nobody in aws-auth` };
  const missing = request.groups.filter((group) => !identity.groups.includes(group));
  if (missing.length > 0) return { result: "no", detail: `${identity.username} lacks ${missing.join(", ")}` };
  return { result: "yes", detail: `${identity.username} with ${identity.groups.join(", ")}` };
}

async function authorized(
  client: ClusterClient,
  cluster: Cluster,
  request: AccessRequest,
  identity: Identity | null,
  auditIds: string[],
): Promise<Finding> {
  const checks = cluster.levels.find((level) => level.name === request.level)?.verify ?? [];
  if (!identity) return { result: "no", detail: "who is not mapped may do nothing" };
  if (checks.length === 0)
    return { result: "not tested", detail: `the level ${request.level} names nothing to verify` };
  const allowed: string[] = [];
  for (const check of checks) {
    const answer = await ask(client, identity, check);
    if (answer.type === "failed") return { result: "not tested", detail: answer.message };
    if (answer.auditId !== null) auditIds.push(answer.auditId);
    if (!answer.allowed) return { result: "no", detail: `may not ${inWords(check)}` };
    allowed.push(inWords(check));
  }
  return { result: "yes", detail: `may ${allowed.join(", ")}` };
}

async function ask(
  client: ClusterClient,
  identity: Identity,
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
