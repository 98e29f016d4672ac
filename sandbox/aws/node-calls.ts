import type { EksCluster, NodeRole } from "./eks-cluster.ts";
import { type AllowedCall, type EksHandler, type EksService, findCluster, page } from "./eks-service.ts";
import { done, refuse } from "./refusal.ts";

interface Nodes extends NodeRole {
  readonly name: string;
}

/** The managed node groups of a cluster, one for each role of nodes on EC2. */
function nodegroupsOf({ nodeRoles }: EksCluster): Nodes[] {
  return nodeRoles
    .filter(({ type }) => type !== "FARGATE_LINUX")
    .map((role, index) => ({ ...role, name: `ng-${index + 1}` }));
}

function profilesOf({ nodeRoles }: EksCluster): Nodes[] {
  return nodeRoles
    .filter(({ type }) => type === "FARGATE_LINUX")
    .map((role, index) => ({ ...role, name: `fp-${index + 1}` }));
}

/** ListNodegroups and DescribeNodegroup, as far as they are about the role (EKS API reference). */
export const listNodegroups: EksHandler = (service, call) => list(service, call, "nodegroups", nodegroupsOf);
export const describeNodegroup: EksHandler = (service, call) => {
  const found = find(service, call, nodegroupsOf);
  if (!("arn" in found)) return found;
  const amiType = found.type === "EC2_WINDOWS" ? "WINDOWS_CORE_2022_x86_64" : "AL2023_x86_64_STANDARD";
  return done({ nodegroup: { nodegroupName: found.name, clusterName: call.cluster, nodeRole: found.arn, amiType } });
};

/** ListFargateProfiles and DescribeFargateProfile, as far as they are about the role. */
export const listFargateProfiles: EksHandler = (service, call) =>
  list(service, call, "fargateProfileNames", profilesOf);
export const describeFargateProfile: EksHandler = (service, call) => {
  const found = find(service, call, profilesOf);
  if (!("arn" in found)) return found;
  const profile = { fargateProfileName: found.name, clusterName: call.cluster, podExecutionRoleArn: found.arn };
  return done({ fargateProfile: profile });
};

function list(service: EksService, call: AllowedCall, field: string, of: (cluster: EksCluster) => readonly Nodes[]) {
  const cluster = findCluster(service, call);
  if ("type" in cluster) return cluster;
  const names = page(
    of(cluster).map(({ name }) => name),
    call.query,
  );
  if (names.type !== "page") return names;
  const { items, nextToken } = names;
  return done({ [field]: items, ...(nextToken && { nextToken }) });
}

function find(service: EksService, call: AllowedCall, of: (cluster: EksCluster) => readonly Nodes[]) {
  const cluster = findCluster(service, call);
  if ("type" in cluster) return cluster;
  const found = of(cluster).find(({ name }) => name === call.nodes);
  return (
    found ?? refuse("ResourceNotFoundException", `No node group or Fargate profile found for name: ${call.nodes}.`, 404)
  );
}
