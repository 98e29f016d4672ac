import { isObject } from "../json.ts";
import {
  invalid,
  isEntryType,
  isPolicy,
  namesProblem,
  principalProblem,
  scopeProblem,
  standardProblem,
  tagsProblem,
  typeProblem,
} from "./access-entry-rules.ts";
import type { EksCluster } from "./eks-cluster.ts";
import {
  type AccessEntry,
  type AssociatedPolicy,
  entryObject,
  newEntry,
  policyObject,
  readPrincipal,
} from "./eks-cluster.ts";
import { withAccessEntries } from "./eks-clusters.ts";
import {
  type AllowedCall,
  clusterWithEntries,
  type EksHandler,
  type EksService,
  page,
  textMapOf,
  textOf,
  textsOf,
} from "./eks-service.ts";
import { done, type Refusal, refuse } from "./refusal.ts";

/** The calls about access policies (EKS API reference). */

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

/** A second association of a policy changes its scope. */
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
  if (!isPolicy(service.account.partition, policyArn)) return noSuchPolicy;
  const at = service.now();
  const before = found.entry.policies.find((each) => each.policyArn === policyArn);
  const namespaces = type === "cluster" ? null : names;
  const policy = { policyArn, namespaces, associatedAt: before?.associatedAt ?? at, modifiedAt: at };
  storeEntry(service, found.cluster, withPolicy(found.entry, policy));
  const { principalArn } = found.entry;
  return done({ clusterName: found.cluster.name, principalArn, associatedAccessPolicy: policyObject(policy) });
};

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

/** The calls about access entries themselves (EKS API reference). */

export const createAccessEntry: EksHandler = (service, call) => {
  const asked = readNewEntry(service, call);
  if ("code" in asked) return asked;
  const cluster = clusterWithEntries(service, call);
  if ("type" in cluster) return cluster;
  const there = cluster.accessEntries.find(({ principalArn }) => principalArn === asked.principalArn);
  if (there) return isRetry(there, asked) ? done(shown(cluster, there)) : inUse;
  const problem = placeProblem(service, cluster, asked);
  if (problem) return problem;
  const entry = newEntry(cluster.arn, asked, service.now());
  store(service, cluster, [...cluster.accessEntries, entry]);
  return done(shown(cluster, entry));
};

const inUse = refuse(
  "ResourceInUseException",
  "The specified access entry resource is already in use on this cluster.",
  409,
);

type AskedEntry = Pick<AccessEntry, "principalArn" | "principalId" | "type"> & Partial<AccessEntry>;

/** The parameters, which EKS checks before it looks for the cluster. */
function readNewEntry(service: EksService, { body }: AllowedCall): AskedEntry | Refusal {
  const principalArn = textOf(body.principalArn) ?? "";
  const type = textOf(body.type) ?? "STANDARD";
  const username = textOf(body.username);
  const groups = textsOf(body.kubernetesGroups);
  const tags = textMapOf(body.tags);
  if (!isEntryType(type)) return typeProblem(type, principalArn, service.account.id) ?? invalid("");
  const problem =
    principalProblem(principalArn) ??
    typeProblem(type, principalArn, service.account.id) ??
    namesProblem(type, username, groups);
  const tagProblem = tagsProblem(tags);
  if (problem ?? tagProblem) return problem ?? invalid(tagProblem ?? "");
  const clientRequestToken = textOf(body.clientRequestToken);
  const named = { ...(username ? { username } : {}), ...(groups && type === "STANDARD" ? { groups } : {}) };
  const principalId = service.account.identity(principalArn)?.id;
  return { principalArn, principalId, type, tags, ...named, ...(clientRequestToken ? { clientRequestToken } : {}) };
}

function placeProblem(service: EksService, cluster: EksCluster, asked: AskedEntry): Refusal | undefined {
  if (asked.principalId === undefined) return invalid("The specified principalArn is invalid: invalid principal.");
  if (cluster.accessEntries.length < service.settings.maxAccessEntries) return undefined;
  const message = `The maximum number of access entries (${service.settings.maxAccessEntries}) for the cluster has been reached.`;
  return refuse("ResourceLimitExceededException", message);
}

function isRetry(entry: AccessEntry, asked: AskedEntry): boolean {
  const { clientRequestToken, type, username = entry.username, groups = entry.groups } = asked;
  const same = type === entry.type && username === entry.username && groups.join() === entry.groups.join();
  return same && clientRequestToken !== undefined && entry.clientRequestToken === clientRequestToken;
}

export const describeAccessEntry: EksHandler = (service, call) => {
  const found = findEntry(service, call);
  return "code" in found ? found : done(shown(found.cluster, found.entry));
};

export const listAccessEntries: EksHandler = (service, call) => {
  const cluster = clusterWithEntries(service, call);
  if ("type" in cluster) return cluster;
  const listed = page(cluster.accessEntries, call.query);
  if (listed.type === "refused") return listed;
  const { items, nextToken } = listed;
  return done({ accessEntries: items.map(({ principalArn }) => principalArn), nextToken });
};

export const updateAccessEntry: EksHandler = (service, call) => {
  const found = findEntry(service, call);
  if ("code" in found) return found;
  const { cluster, entry } = found;
  const username = textOf(call.body.username);
  const groups = textsOf(call.body.kubernetesGroups);
  // A tool that sends a node's own username back changes nothing, and EKS still refuses it.
  const problem = principalProblem(entry.principalArn) ?? namesProblem(entry.type, username, groups);
  if (problem) return problem;
  const changed = {
    ...entry,
    ...(username ? { username } : {}),
    ...(groups ? { groups } : {}),
    modifiedAt: service.now(),
  };
  storeEntry(service, cluster, changed);
  return done(shown(cluster, changed));
};

export const deleteAccessEntry: EksHandler = (service, call) => {
  const found = findEntry(service, call);
  if ("code" in found) return found;
  const { cluster, entry } = found;
  store(
    service,
    cluster,
    cluster.accessEntries.filter((each) => each !== entry),
  );
  return done({});
};

function findEntry(service: EksService, call: AllowedCall): { cluster: EksCluster; entry: AccessEntry } | Refusal {
  if (!readPrincipal(call.principalArn)) return invalid("The principalArn parameter format is not valid");
  const cluster = clusterWithEntries(service, call);
  if ("type" in cluster) return cluster;
  const entry = cluster.accessEntries.find(({ principalArn }) => principalArn === call.principalArn);
  if (entry) return { cluster, entry };
  const message =
    "The specified principalArn could not be found. You can view your available access entries with 'list-access-entries'.";
  return refuse("ResourceNotFoundException", message, 404);
}

function storeEntry(service: EksService, cluster: EksCluster, changed: AccessEntry): void {
  const same = ({ principalArn }: AccessEntry) => principalArn === changed.principalArn;
  store(
    service,
    cluster,
    cluster.accessEntries.map((each) => (same(each) ? changed : each)),
  );
}

function store(service: EksService, cluster: EksCluster, entries: readonly AccessEntry[]): void {
  const { clusters, settings } = service;
  clusters.set(cluster.arn, withAccessEntries(service, cluster, entries, settings.entryDelayMs));
}

function shown(cluster: EksCluster, entry: AccessEntry): object {
  return { accessEntry: entryObject(cluster.name, entry) };
}

function withPolicy(entry: AccessEntry, policy: AssociatedPolicy): AccessEntry {
  const others = entry.policies.filter(({ policyArn }) => policyArn !== policy.policyArn);
  return { ...entry, policies: [...others, policy] };
}

function policyProblem(policyArn: string): Refusal | undefined {
  if (/^arn:[\w-]+:eks::aws:cluster-access-policy\/.+$/.test(policyArn)) return undefined;
  return invalid("The policyArn parameter format is not valid");
}
