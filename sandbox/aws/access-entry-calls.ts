import { isObject } from "../json.ts";
import {
  accessPolicies,
  checkNames,
  checkPrincipal,
  checkScope,
  checkType,
  invalid,
  policyArnOf,
  readType,
  tagsProblem,
} from "./access-entry-rules.ts";
import {
  type AccessEntry,
  type EksCluster,
  entryObject,
  newEntry,
  policyObject,
  readPrincipal,
} from "./eks-cluster.ts";
import { withAccessEntries } from "./eks-clusters.ts";
import {
  type AllowedCall,
  clusterWithEntries,
  type EksHandlers,
  type EksService,
  page,
  textMapOf,
  textOf,
  textsOf,
} from "./eks-service.ts";
import { refuse } from "./refusal.ts";

/** The calls about access entries and their access policies (EKS API reference). */
export const accessEntryCalls = {
  ListAssociatedAccessPolicies: (service, call) => {
    const { cluster, entry } = findEntry(service, call);
    const { items, nextToken } = page(entry.policies, call.query);
    const associatedAccessPolicies = items.map(policyObject);
    return { associatedAccessPolicies, clusterName: cluster.name, principalArn: entry.principalArn, nextToken };
  },
  /** A second association of a policy changes its scope. */
  AssociateAccessPolicy: (service, call) => {
    const policyArn = textOf(call.body.policyArn) ?? "";
    const scope = isObject(call.body.accessScope) ? call.body.accessScope : {};
    const [type, names] = [textOf(scope.type) ?? "", textsOf(scope.namespaces) ?? []];
    checkPrincipal(call.principalArn);
    checkPolicyArn(policyArn);
    checkScope(type, names);
    const { cluster, entry } = findEntry(service, call);
    if (entry.type !== "STANDARD") {
      invalid('This operation can only be performed on Access Entries with a type of "STANDARD".');
    }
    const { partition } = service.account;
    if (!accessPolicies.some((name) => policyArnOf(partition, name) === policyArn)) refuseUnknownPolicy();
    const at = service.now();
    const others = entry.policies.filter((each) => each.policyArn !== policyArn);
    const before = entry.policies.find((each) => each.policyArn === policyArn);
    const namespaces = type === "cluster" ? null : names;
    const policy = { policyArn, namespaces, associatedAt: before?.associatedAt ?? at, modifiedAt: at };
    storeEntry(service, cluster, { ...entry, policies: [...others, policy] });
    const { principalArn } = entry;
    return { clusterName: cluster.name, principalArn, associatedAccessPolicy: policyObject(policy) };
  },
  DisassociateAccessPolicy: (service, call) => {
    checkPrincipal(call.principalArn);
    checkPolicyArn(call.policyArn);
    const { cluster, entry } = findEntry(service, call);
    const policies = entry.policies.filter(({ policyArn }) => policyArn !== call.policyArn);
    if (policies.length === entry.policies.length) refuseUnknownPolicy();
    storeEntry(service, cluster, { ...entry, policies });
    return {};
  },
  CreateAccessEntry: (service, call) => {
    const asked = readNewEntry(service, call);
    const cluster = clusterWithEntries(service, call);
    const there = cluster.accessEntries.find(({ principalArn }) => principalArn === asked.principalArn);
    if (there) {
      if (isRetry(there, asked)) return shown(cluster, there);
      refuse("ResourceInUseException", "The specified access entry resource is already in use on this cluster.", 409);
    }
    if (asked.principalId === undefined) invalid("The specified principalArn is invalid: invalid principal.");
    const { maxAccessEntries: most } = service.settings;
    if (cluster.accessEntries.length >= most) {
      const message = `The maximum number of access entries (${most}) for the cluster has been reached.`;
      refuse("ResourceLimitExceededException", message);
    }
    const entry = newEntry(cluster.arn, asked, service.now());
    store(service, cluster, [...cluster.accessEntries, entry]);
    return shown(cluster, entry);
  },
  DescribeAccessEntry: (service, call) => {
    const { cluster, entry } = findEntry(service, call);
    return shown(cluster, entry);
  },
  ListAccessEntries: (service, call) => {
    const { items, nextToken } = page(clusterWithEntries(service, call).accessEntries, call.query);
    return { accessEntries: items.map(({ principalArn }) => principalArn), nextToken };
  },
  UpdateAccessEntry: (service, call) => {
    const { cluster, entry } = findEntry(service, call);
    const username = textOf(call.body.username);
    const groups = textsOf(call.body.kubernetesGroups);
    checkPrincipal(entry.principalArn);
    // A tool that sends a node's own username back changes nothing, and EKS still refuses it.
    checkNames(entry.type, username, groups);
    const changed = {
      ...entry,
      ...(username ? { username } : {}),
      ...(groups ? { groups } : {}),
      modifiedAt: service.now(),
    };
    storeEntry(service, cluster, changed);
    return shown(cluster, changed);
  },
  DeleteAccessEntry: (service, call) => {
    const { cluster, entry } = findEntry(service, call);
    const others = cluster.accessEntries.filter((each) => each !== entry);
    store(service, cluster, others);
    return {};
  },
} as const satisfies Partial<EksHandlers>;

function checkPolicyArn(policyArn: string): void {
  if (/^arn:[\w-]+:eks::aws:cluster-access-policy\/.+$/.test(policyArn)) return;
  invalid("The policyArn parameter format is not valid");
}

function refuseUnknownPolicy(): never {
  return refuse("ResourceNotFoundException", "The specified policyArn could not be found.", 404);
}

type AskedEntry = Pick<AccessEntry, "principalArn" | "principalId" | "type"> & Partial<AccessEntry>;

/** The parameters, which EKS checks before it looks for the cluster. */
function readNewEntry(service: EksService, { body }: AllowedCall): AskedEntry {
  const principalArn = textOf(body.principalArn) ?? "";
  const type = readType(textOf(body.type) ?? "STANDARD");
  const username = textOf(body.username);
  const groups = textsOf(body.kubernetesGroups);
  const tags = textMapOf(body.tags);
  checkPrincipal(principalArn);
  checkType(type, principalArn, service.account.id);
  checkNames(type, username, groups);
  const tagProblem = tagsProblem(tags);
  if (tagProblem) invalid(tagProblem);
  const clientRequestToken = textOf(body.clientRequestToken);
  const named = { ...(username ? { username } : {}), ...(groups && type === "STANDARD" ? { groups } : {}) };
  const principalId = service.account.identity(principalArn)?.id;
  return { principalArn, principalId, type, tags, ...named, ...(clientRequestToken ? { clientRequestToken } : {}) };
}

function isRetry(entry: AccessEntry, asked: AskedEntry): boolean {
  const { clientRequestToken, type, username = entry.username, groups = entry.groups } = asked;
  const same = type === entry.type && username === entry.username && groups.join() === entry.groups.join();
  return same && clientRequestToken !== undefined && entry.clientRequestToken === clientRequestToken;
}

function findEntry(service: EksService, call: AllowedCall): { cluster: EksCluster; entry: AccessEntry } {
  if (!readPrincipal(call.principalArn)) invalid("The principalArn parameter format is not valid");
  const cluster = clusterWithEntries(service, call);
  const entry = cluster.accessEntries.find(({ principalArn }) => principalArn === call.principalArn);
  const message =
    "The specified principalArn could not be found. You can view your available access entries with 'list-access-entries'.";
  return { cluster, entry: entry ?? refuse("ResourceNotFoundException", message, 404) };
}

function storeEntry(service: EksService, cluster: EksCluster, changed: AccessEntry): void {
  const same = ({ principalArn }: AccessEntry) => principalArn === changed.principalArn;
  const entries = cluster.accessEntries.map((each) => (same(each) ? changed : each));
  store(service, cluster, entries);
}

function store(service: EksService, cluster: EksCluster, entries: readonly AccessEntry[]): void {
  const { clusters, settings } = service;
  clusters.set(cluster.arn, withAccessEntries(service, cluster, entries, settings.entryDelayMs));
}

function shown(cluster: EksCluster, entry: AccessEntry): object {
  return { accessEntry: entryObject(cluster.name, entry) };
}
