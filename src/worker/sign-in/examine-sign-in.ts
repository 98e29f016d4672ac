import { AccessError, explain } from "../../access/failure/access-error.ts";
import type { Cluster } from "../../access/policy/cluster.ts";
import { broken, type Finding, found, named, notAsked } from "../../diagnosis/link.ts";
import { becomePrincipal } from "./become-principal.ts";

/**
 * Whether the worker can become the roles that it is to sign in as, for whoever sets it up. A pattern stands for roles of which
 * nobody knows here which there are.
 */
export async function examineSignIn(cluster: Cluster): Promise<readonly Finding[]> {
  const { roles, externalId } = cluster.signIn;
  const findings: Finding[] = [];
  for (const roleArn of roles) {
    findings.push(roleArn.includes("*") ? ofPattern(roleArn) : await ofRole(cluster, roleArn, externalId));
  }
  return findings;
}

function ofPattern(pattern: string): Finding {
  return notAsked(`sign in: ${named(pattern)} is a pattern; the proof of a lease says whether its role can be become`);
}

async function ofRole(cluster: Cluster, roleArn: string, externalId: string | undefined): Promise<Finding> {
  try {
    const errand = { id: "doctor", requester: "doctor" };
    const { arn } = await becomePrincipal(cluster, { type: "role", roleArn, externalId }, errand);
    return found(`sign in: the worker can be ${arn}`);
  } catch (error) {
    if (error instanceof AccessError) return broken(`sign in: ${error.what}`, error.mend);
    return broken(`sign in: ${named(roleArn)} could not be become`, explain(error));
  }
}
