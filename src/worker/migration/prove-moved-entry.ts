import { AccessError } from "../../access/failure/access-error.ts";
import type { AccessCheck, Cluster } from "../../access/policy/cluster.ts";
import type { MappedIdentity } from "../../access/request/record.ts";
import type { AccessEntry } from "../../access-entry/index.ts";
import type { AwsAuthDocument } from "../../aws-auth/index.ts";
import { render, resolve } from "../../aws-auth/index.ts";
import type { ClusterClient } from "../../kubernetes/cluster-client.ts";

/** So many questions to the API server say enough about the bindings of one principal's groups. */
const mostChecks = 5;
const listPods: AccessCheck = { verb: "list", resource: "pods", group: "", namespace: "" };

/**
 * Asks the API server what the names of an access entry may do, as it was read back, and what those of its item in aws-auth may:
 * both have to be answered in the same way. Where a policy stands for system:masters that can't be asked: its review does not
 * see what a policy allows.
 *
 * @returns sentences for people
 * @throws AccessError `access-entry-conflict` where the answers differ
 */
export async function proveMovedEntry(
  client: Pick<ClusterClient, "may">,
  cluster: Cluster,
  document: AwsAuthDocument,
  { principalArn, username, groups, policies }: AccessEntry,
): Promise<readonly string[]> {
  const mapped = `mapped: EKS has ${username} with ${[...groups, ...policies.map(({ name }) => name)].join(", ") || "no groups"}.`;
  if (policies.length > 0) {
    return [mapped, "authorized: not tested, a review of the API server does not see what an access policy allows."];
  }
  // The document has roles without their paths.
  const before = resolve(document, principalArn.replace(/:role\/.*\//, ":role/"));
  if (!before) return [mapped, "authorized: not tested, its item is not in aws-auth any more."];
  const accountId = principalArn.split(":")[4] ?? "";
  const after = { username: render(username, { accountId, sessionName: "eks-access" }) ?? username, groups };
  const checks = [listPods, ...cluster.levels.flatMap(({ verify }) => verify)].slice(0, mostChecks);
  for (const check of checks) {
    const [was, is] = [await may(client, before, check), await may(client, after, check)];
    if (was !== is) throw differs(principalArn, check, was);
  }
  const asked = checks.length === 1 ? "a question" : `${checks.length} questions`;
  return [mapped, `authorized: the API server answers ${asked} about it as for its item in aws-auth.`];
}

async function may(client: Pick<ClusterClient, "may">, identity: MappedIdentity, check: AccessCheck): Promise<boolean> {
  const { verb, resource, group, namespace } = check;
  const access = { verb, resource, ...(group && { group }), ...(namespace && { namespace }) };
  return (await client.may(identity, access)).allowed;
}

function differs(principalArn: string, { verb, resource }: AccessCheck, was: boolean): AccessError {
  const change = was ? "may not any more by its access entry" : "may only by its access entry";
  return new AccessError("access-entry-conflict", `${principalArn} ${change} ${verb} ${resource}`, {
    mend: "The entry was deleted again, and nothing was taken out of aws-auth. Look at the bindings of its groups, then have it tried again.",
  });
}
