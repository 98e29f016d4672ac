import type { SandboxAnswer, SandboxRequest } from "../http-server.ts";
import {
  createAccessEntry,
  deleteAccessEntry,
  describeAccessEntry,
  listAccessEntries,
  updateAccessEntry,
} from "./access-entry-calls.ts";
import {
  associateAccessPolicy,
  disassociateAccessPolicy,
  listAccessPolicies,
  listAssociatedAccessPolicies,
} from "./access-policy-calls.ts";
import { describeUpdate, endUpdates, listUpdates, updateClusterConfig } from "./cluster-config-calls.ts";
import type { AwsContext } from "./context.ts";
import { describeCluster } from "./describe-cluster.ts";
import { eksRefusal } from "./eks-authorization.ts";
import { type EksAction, readEksCall } from "./eks-calls.ts";
import { eksEvent } from "./eks-events.ts";
import type { EksHandler, EksResult, EksService } from "./eks-service.ts";
import { describeFargateProfile, describeNodegroup, listFargateProfiles, listNodegroups } from "./node-calls.ts";
import { eksError } from "./refusal.ts";
import { verifySignature } from "./signature.ts";
import { readClaim } from "./signature-claim.ts";
import { listTagsForResource, tagResource, untagResource } from "./tag-calls.ts";

const handlers: Readonly<Record<EksAction, EksHandler>> = {
  DescribeCluster: describeCluster,
  UpdateClusterConfig: updateClusterConfig,
  DescribeUpdate: describeUpdate,
  ListUpdates: listUpdates,
  ListAccessEntries: listAccessEntries,
  CreateAccessEntry: createAccessEntry,
  DescribeAccessEntry: describeAccessEntry,
  UpdateAccessEntry: updateAccessEntry,
  DeleteAccessEntry: deleteAccessEntry,
  ListAssociatedAccessPolicies: listAssociatedAccessPolicies,
  AssociateAccessPolicy: associateAccessPolicy,
  DisassociateAccessPolicy: disassociateAccessPolicy,
  ListNodegroups: listNodegroups,
  DescribeNodegroup: describeNodegroup,
  ListFargateProfiles: listFargateProfiles,
  DescribeFargateProfile: describeFargateProfile,
  ListAccessPolicies: listAccessPolicies,
  ListTagsForResource: listTagsForResource,
  TagResource: tagResource,
  UntagResource: untagResource,
};

/** The call's name for faults. */
export function eksCallName({ method, url, body }: SandboxRequest): string {
  return `eks.${readEksCall(method, url, body)?.action ?? "Unknown"}`;
}

/** Answers for clusters and their access entries (EKS API reference). The region is the one that the signature is made for. */
export function answerEks(context: AwsContext, service: EksService, request: SandboxRequest): SandboxAnswer {
  const claim = readClaim(request);
  if ("type" in claim) return eksError(claim.code, claim.message, claim.status);
  const caller = verifySignature(request, claim, "eks", (key) => context.account.caller(key), context.now());
  if ("type" in caller) return eksError(caller.code, caller.message, caller.status);
  const read = readEksCall(request.method, request.url, request.body);
  if (!read) return { ...eksError("UnknownOperationException", "", 404), by: caller.arn };
  const { region } = claim;
  const { accountId } = caller.identity;
  const arnOf = (name: string) => `arn:${context.account.partition}:eks:${region}:${accountId}:cluster/${name}`;
  endUpdates(service);
  const call = { ...read, caller, region, arnOf };
  const result = eksRefusal(service, call) ?? handlers[call.action](service, call);
  const answer = answerOf(result, call.cluster);
  const requestId = answer.headers?.["x-amzn-requestid"] ?? "";
  const event = eksEvent(call, result, requestId, context.now());
  if (event) service.cloudTrail.record(event);
  return { ...answer, by: caller.arn };
}

function answerOf(result: EksResult, clusterName: string): SandboxAnswer {
  if (result.type === "done") {
    const headers = { "x-amzn-requestid": crypto.randomUUID() };
    return { status: 200, headers, body: JSON.stringify(result.body) };
  }
  const about = { clusterName, nodegroupName: null, fargateProfileName: null, addonName: null, subscriptionId: null };
  return eksError(result.code, result.message, result.status, clusterName === "" ? {} : about);
}
