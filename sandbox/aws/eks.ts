import type { SandboxAnswer, SandboxRequest } from "../http-server.ts";
import { isObject } from "../json.ts";
import { accessEntryCalls } from "./access-entry-calls.ts";
import { tagsProblem } from "./access-entry-rules.ts";
import { clusterConfigCalls, endUpdates } from "./cluster-config-calls.ts";
import type { AwsContext } from "./context.ts";
import { type AccessEntry, type EksCluster, entryArnsOf } from "./eks-cluster.ts";
import {
  type AllowedCall,
  type EksAction,
  type EksHandlers,
  type EksService,
  eksActionOf,
  findCluster,
  page,
  readEksCall,
  textMapOf,
  textOf,
  textsOf,
} from "./eks-service.ts";
import { type ConditionContext, mayCall } from "./identities.ts";
import { attempt, eksError, Refusal, refuse } from "./refusal.ts";
import { answerSigned } from "./signature.ts";

/** Each call with its answer (EKS API reference). */
const handlers: EksHandlers = {
  ...accessEntryCalls,
  ...clusterConfigCalls,
  TagResource: (service, call) => {
    const tagged = findTagged(service, call);
    const added = textMapOf(call.body.tags);
    if (Object.keys(added).length === 0) refuse("BadRequestException", "No tags were provided");
    const tags = { ...tagged.tags, ...added };
    const problem = tagsProblem(added) ?? tagsProblem(tags);
    if (problem) refuse("BadRequestException", problem);
    tagged.store(tags);
    return {};
  },
  UntagResource: (service, call) => {
    const tagged = findTagged(service, call);
    const keys = call.query.getAll("tagKeys");
    if (keys.length === 0) refuse("BadRequestException", "No tag keys were provided");
    tagged.store(Object.fromEntries(Object.entries(tagged.tags).filter(([key]) => !keys.includes(key))));
    return {};
  },
  DescribeCluster: (service, call) => ({ cluster: clusterObject(findCluster(service, call)) }),
  /** Those of the caller's account, in the region of the call. */
  ListClusters: ({ clusters }, call) => {
    const own = [...clusters.values()].filter(({ arn, name }) => arn === call.arnOf(name));
    const { items, nextToken = null } = page(own, call.query);
    return { clusters: items.map(({ name }) => name), nextToken };
  },
};

export function eksCallName({ method, url }: SandboxRequest): string {
  return `eks.${eksActionOf(method, url) ?? "Unknown"}`;
}

/** Answers for clusters and access entries (EKS API reference), in the region of the signature. */
export function answerEks(context: AwsContext, service: EksService, request: SandboxRequest): SandboxAnswer {
  return answerSigned(context, request, "eks", eksError, ({ caller, region }) => {
    const read = readEksCall(request.method, request.url, request.body);
    if (!read) refuse("UnknownOperationException", "", 404);
    const { accountId } = caller.identity;
    const arnOf = (name: string) => `arn:${context.account.partition}:eks:${region}:${accountId}:cluster/${name}`;
    endUpdates(service);
    const call = { ...read, caller, arnOf };
    const result = attempt(() => {
      checkAllowed(service, call);
      return handlers[call.action](service, call);
    });
    return answerOf(result, call.cluster);
  });
}

function answerOf(result: object, clusterName: string): SandboxAnswer {
  if (!(result instanceof Refusal)) {
    return { status: 200, headers: { "x-amzn-requestid": crypto.randomUUID() }, body: JSON.stringify(result) };
  }
  const about = { clusterName, nodegroupName: null, fargateProfileName: null, addonName: null, subscriptionId: null };
  return eksError(result.code, result.message, result.status, clusterName === "" ? {} : about);
}

function clusterObject(cluster: EksCluster): object {
  const created = cluster.status !== "CREATING";
  const [, partition, , , account] = cluster.arn.split(":");
  return {
    name: cluster.name,
    arn: cluster.arn,
    createdAt: cluster.createdAt.getTime() / 1000,
    version: "1.33",
    ...(created ? { endpoint: cluster.endpoint, certificateAuthority: { data: cluster.certificateAuthority } } : {}),
    roleArn: `arn:${partition}:iam::${account}:role/eks-cluster-role`,
    resourcesVpcConfig: { endpointPublicAccess: !cluster.isPrivate, endpointPrivateAccess: true },
    status: cluster.status,
    tags: cluster.tags,
    accessConfig: {
      authenticationMode: cluster.authenticationMode,
      bootstrapClusterCreatorAdminPermissions: cluster.bootstrapClusterCreatorAdminPermissions,
    },
  };
}

function findTagged({ clusters }: EksService, { resourceArn, arnOf }: AllowedCall) {
  const [, kind, name = ""] = /^arn:[^:]+:eks:[^:]+:\d+:(cluster|access-entry)\/([^/]+)/.exec(resourceArn) ?? [];
  if (kind === undefined) refuse("BadRequestException", "The resourceArn parameter format is not valid");
  const cluster = clusters.get(arnOf(name));
  const entry = cluster?.accessEntries.find(({ entryArn }) => entryArn === resourceArn);
  if (!cluster || (cluster.arn !== resourceArn && !entry)) {
    refuse("NotFoundException", "The specified resource could not be found", 404);
  }
  const store = (tags: EksCluster["tags"]) => {
    // Tags give no access, so they need no delay.
    const accessEntries = cluster.accessEntries.map((each) => (each === entry ? { ...entry, tags } : each));
    clusters.set(cluster.arn, entry ? { ...cluster, accessEntries } : { ...cluster, tags });
  };
  return { tags: (entry ?? cluster).tags, store };
}

/** Calls that IAM allows on the entry, not on the cluster (Service Authorization Reference, "Amazon EKS"). */
const onEntries: ReadonlySet<EksAction> = new Set([
  "DescribeAccessEntry",
  "UpdateAccessEntry",
  "DeleteAccessEntry",
  "ListAssociatedAccessPolicies",
  "AssociateAccessPolicy",
  "DisassociateAccessPolicy",
]);

/** Calls that IAM allows on nodes (the same page, "Resource types"). */
const nodesResource: Readonly<Partial<Record<EksAction, string>>> = {
  DescribeNodegroup: "nodegroup",
  DescribeFargateProfile: "fargateprofile",
};

/** @throws Refusal unless IAM allows the call */
function checkAllowed(service: EksService, call: AllowedCall): void {
  const needed = [[`eks:${call.action}`, resourceOf(service, call)] as const, ...besides(call)];
  const context = contextOf(call, findEntry(service, call));
  const missing = needed.find(([action, resource]) => !mayCall(call.caller, action, resource, context));
  if (!missing) return;
  const what = `${missing[0]} on resource: ${missing[1]}`;
  refuse("AccessDenied", `User: ${call.caller.arn} is not authorized to perform: ${what}`, 403);
}

function resourceOf(service: EksService, call: AllowedCall): string {
  if (call.resourceArn !== "") return call.resourceArn;
  // This one has no resource.
  if (call.action === "ListClusters") return "*";
  const arn = call.arnOf(call.cluster);
  const nodes = nodesResource[call.action];
  if (nodes) return `${arn.replace(":cluster/", `:${nodes}/`)}/${call.nodes}/00000000-0000-0000-0000-000000000000`;
  if (!onEntries.has(call.action)) return arn;
  return findEntry(service, call)?.entryArn ?? `${entryArnsOf(arn, call.principalArn)}/*`;
}

function findEntry({ clusters }: EksService, call: AllowedCall): AccessEntry | undefined {
  const name = call.cluster || (call.resourceArn.split("/")[1] ?? "");
  return clusters
    .get(call.arnOf(name))
    ?.accessEntries.find(({ principalArn, entryArn }) =>
      call.resourceArn === "" ? principalArn === call.principalArn : entryArn === call.resourceArn,
    );
}

/** The keys of conditions (the same page, "Condition keys for Amazon EKS"). */
function contextOf({ action, body, query, policyArn }: AllowedCall, entry: AccessEntry | undefined): ConditionContext {
  const tags = Object.entries(textMapOf(body.tags));
  const tagKeys = [...tags.map(([key]) => key), ...query.getAll("tagKeys")];
  const asked = {
    ...Object.fromEntries(tags.map(([key, value]) => [`aws:RequestTag/${key}`, [value]])),
    ...(tagKeys.length > 0 ? { "aws:TagKeys": tagKeys } : {}),
  };
  if (action === "CreateAccessEntry") return { ...asked, ...newEntryContext(body) };
  const scope = isObject(body.accessScope) ? body.accessScope : {};
  const config = isObject(body.accessConfig) ? body.accessConfig : {};
  return {
    ...asked,
    ...(entry ? entryContext(entry) : {}),
    ...present({
      "eks:policyArn": [textOf(body.policyArn) ?? (policyArn || undefined)],
      "eks:accessScope": [textOf(scope.type)],
      "eks:authenticationMode": [textOf(config.authenticationMode)],
      "eks:namespaces": textsOf(scope.namespaces) ?? [],
    }),
  };
}

function newEntryContext({ principalArn, type, username, kubernetesGroups }: AllowedCall["body"]): ConditionContext {
  return present({
    "eks:principalArn": [textOf(principalArn)],
    "eks:accessEntryType": [textOf(type) ?? "STANDARD"],
    "eks:username": [textOf(username)],
    "eks:kubernetesGroups": textsOf(kubernetesGroups) ?? [],
  });
}

function entryContext({ entryArn, principalArn, type, username, groups, tags }: AccessEntry): ConditionContext {
  return {
    "eks:clusterName": [entryArn.split("/")[1] ?? ""],
    "eks:principalArn": [principalArn],
    "eks:accessEntryType": [type],
    "eks:username": [username],
    "eks:kubernetesGroups": groups,
    ...Object.fromEntries(Object.entries(tags).map(([key, value]) => [`aws:ResourceTag/${key}`, [value]])),
  };
}

function present(keys: Readonly<Record<string, readonly (string | undefined)[]>>): ConditionContext {
  return Object.fromEntries(
    Object.entries(keys).map(([key, values]) => [key, values.filter((value) => value !== undefined)]),
  );
}

/** Further rights to create an entry: for its tags, and for the role of your own nodes. */
function besides({ action, body, arnOf, cluster }: AllowedCall) {
  if (action !== "CreateAccessEntry") return [];
  const principalArn = textOf(body.principalArn) ?? "";
  const tagged = isObject(body.tags) && Object.keys(body.tags).length > 0;
  const passesRole = body.type === "EC2_LINUX" || body.type === "EC2_WINDOWS";
  return [
    ...(tagged ? [["eks:TagResource", `${entryArnsOf(arnOf(cluster), principalArn)}/*`] as const] : []),
    ...(passesRole ? [["iam:PassRole", principalArn] as const] : []),
  ];
}
