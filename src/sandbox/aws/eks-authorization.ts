import { entryArnsOf } from "./access-entry.ts";
import { type EksAction, isObject, textOf } from "./eks-calls.ts";
import type { AllowedCall, EksService } from "./eks-service.ts";
import { mayCall } from "./identities.ts";
import { type Refusal, refuse } from "./refusal.ts";

/** Calls that IAM allows on the entry, not on the cluster (Service Authorization Reference, "Amazon EKS"). */
const onEntries: ReadonlySet<EksAction> = new Set([
  "DescribeAccessEntry",
  "UpdateAccessEntry",
  "DeleteAccessEntry",
  "ListAssociatedAccessPolicies",
  "AssociateAccessPolicy",
  "DisassociateAccessPolicy",
]);

/** Why IAM does not let the caller make the call; undefined: it does. */
export function eksRefusal(service: EksService, call: AllowedCall): Refusal | undefined {
  const needed = [[`eks:${call.action}`, resourceOf(service, call)] as const, ...besides(call)];
  const missing = needed.find(([action, resource]) => !mayCall(call.caller, action, resource));
  if (!missing) return undefined;
  const [action, resource] = missing;
  const message = `User: ${call.caller.arn} is not authorized to perform: ${action} on resource: ${resource}`;
  return refuse("AccessDenied", message, 403);
}

function resourceOf({ clusters }: EksService, call: AllowedCall): string {
  if (call.action === "ListAccessPolicies") return "*";
  if (call.resourceArn !== "") return call.resourceArn;
  const arn = call.arnOf(call.cluster);
  if (!onEntries.has(call.action)) return arn;
  const entry = clusters.get(arn)?.accessEntries.find(({ principalArn }) => principalArn === call.principalArn);
  return entry?.entryArn ?? `${entryArnsOf(arn, call.principalArn)}/*`;
}

/** What making an entry needs beside the right to make it: for tags, and for the role of nodes of one's own. */
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
