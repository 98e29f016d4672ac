import { isObject } from "../json.ts";
import { type AccessEntry, entryArnsOf } from "./eks-cluster.ts";
import type { AllowedCall, EksService } from "./eks-service.ts";
import { type EksAction, textMapOf, textOf, textsOf } from "./eks-service.ts";
import { type ConditionContext, mayCall } from "./identities.ts";
import { refuse } from "./refusal.ts";

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
export function checkAllowed(service: EksService, call: AllowedCall): void {
  const needed = [[`eks:${call.action}`, resourceOf(service, call)] as const, ...besides(call)];
  const context = contextOf(call, findEntry(service, call));
  const missing = needed.find(([action, resource]) => !mayCall(call.caller, action, resource, context));
  if (!missing) return;
  const [action, resource] = missing;
  refuse(
    "AccessDenied",
    `User: ${call.caller.arn} is not authorized to perform: ${action} on resource: ${resource}`,
    403,
  );
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
function besides({
  action,
  body,
  arnOf,
  cluster,
}: AllowedCall): readonly (readonly [action: string, resource: string])[] {
  if (action !== "CreateAccessEntry") return [];
  const principalArn = textOf(body.principalArn) ?? "";
  const tagged = isObject(body.tags) && Object.keys(body.tags).length > 0;
  const passesRole = body.type === "EC2_LINUX" || body.type === "EC2_WINDOWS";
  return [
    ...(tagged ? [["eks:TagResource", `${entryArnsOf(arnOf(cluster), principalArn)}/*`] as const] : []),
    ...(passesRole ? [["iam:PassRole", principalArn] as const] : []),
  ];
}
