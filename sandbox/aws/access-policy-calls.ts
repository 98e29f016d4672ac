import { type AccessEntry, type AssociatedPolicy, policyObject } from "./access-entry.ts";
import { findEntry, storeEntry } from "./access-entry-calls.ts";
import { invalid, principalProblem, scopeProblem, standardProblem } from "./access-entry-rules.ts";
import { listedPolicies } from "./access-policies.ts";
import { isObject, textOf, textsOf } from "./eks-calls.ts";
import { done, type EksHandler, page } from "./eks-service.ts";
import { type Refusal, refuse } from "./refusal.ts";

/** The calls about access policies (EKS API reference). */

export const listAccessPolicies: EksHandler = (service, call) => {
  const listed = page(listedPolicies(service.account.partition), call.query);
  if (listed.type === "refused") return listed;
  return done({ accessPolicies: listed.items, nextToken: listed.nextToken });
};

export const listAssociatedAccessPolicies: EksHandler = (service, call) => {
  const found = findEntry(service, call);
  if ("code" in found) return found;
  const listed = page(found.entry.policies, call.query);
  if (listed.type === "refused") return listed;
  const { items, nextToken } = listed;
  const { principalArn } = found.entry;
  const associatedAccessPolicies = items.map(policyObject);
  return done({ associatedAccessPolicies, clusterName: found.cluster.name, principalArn, nextToken });
};

/** Associating a policy again gives it another scope. */
export const associateAccessPolicy: EksHandler = (service, call) => {
  const policyArn = textOf(call.body.policyArn) ?? "";
  const scope = isObject(call.body.accessScope) ? call.body.accessScope : {};
  const [type, names] = [textOf(scope.type) ?? "", textsOf(scope.namespaces) ?? []];
  const problem = principalProblem(call.principalArn) ?? policyProblem(policyArn) ?? scopeProblem(type, names);
  if (problem) return problem;
  const found = findEntry(service, call);
  if ("code" in found) return found;
  const refused = standardProblem(found.entry);
  if (refused) return refused;
  if (!listedPolicies(service.account.partition).some(({ arn }) => arn === policyArn)) return noSuchPolicy;
  const at = service.now();
  const before = found.entry.policies.find((each) => each.policyArn === policyArn);
  const namespaces = type === "cluster" ? null : names;
  const policy = { policyArn, namespaces, associatedAt: before?.associatedAt ?? at, modifiedAt: at };
  storeEntry(service, found.cluster, withPolicy(found.entry, policy));
  const { principalArn } = found.entry;
  return done({ clusterName: found.cluster.name, principalArn, associatedAccessPolicy: policyObject(policy) });
};

function withPolicy(entry: AccessEntry, policy: AssociatedPolicy): AccessEntry {
  const others = entry.policies.filter(({ policyArn }) => policyArn !== policy.policyArn);
  return { ...entry, policies: [...others, policy] };
}

export const disassociateAccessPolicy: EksHandler = (service, call) => {
  const problem = principalProblem(call.principalArn) ?? policyProblem(call.policyArn);
  if (problem) return problem;
  const found = findEntry(service, call);
  if ("code" in found) return found;
  const { cluster, entry } = found;
  const policies = entry.policies.filter(({ policyArn }) => policyArn !== call.policyArn);
  if (policies.length === entry.policies.length) return noSuchPolicy;
  storeEntry(service, cluster, { ...entry, policies });
  return done({});
};

const noSuchPolicy = refuse("ResourceNotFoundException", "The specified policyArn could not be found.", 404);

function policyProblem(policyArn: string): Refusal | undefined {
  if (/^arn:[\w-]+:eks::aws:cluster-access-policy\/.+$/.test(policyArn)) return undefined;
  return invalid("The policyArn parameter format is not valid");
}
