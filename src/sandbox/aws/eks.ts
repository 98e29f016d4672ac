import type { SandboxAnswer, SandboxRequest } from "../http-server.ts";
import { accessEntryCall, answerAccessEntries } from "./access-entries.ts";
import type { AwsContext } from "./context.ts";
import type { EksCluster, EksClusters } from "./eks-clusters.ts";
import { type Caller, mayCall } from "./identities.ts";
import { eksError } from "./refusal.ts";
import { verifySignature } from "./signature.ts";
import { readClaim } from "./signature-claim.ts";

/** The call's name for faults. */
export function eksCall(pathname: string): string {
  return `eks.${accessEntryCall(pathname)?.action ?? "DescribeCluster"}`;
}

/** Answers for clusters and their access entries (EKS API reference). The region is the one that the signature is made for. */
export function answerEks(context: AwsContext, clusters: EksClusters, request: SandboxRequest): SandboxAnswer {
  const claim = readClaim(request);
  if ("type" in claim) return eksError(claim.code, claim.message, claim.status);
  const caller = verifySignature(request, claim, "eks", (key) => context.account.caller(key), context.now());
  if ("type" in caller) return eksError(caller.code, caller.message, caller.status);
  const arnOf = (name: string) =>
    `arn:${context.account.partition}:eks:${claim.region}:${caller.identity.accountId}:cluster/${name}`;
  return { ...answerCaller(clusters, caller, arnOf, request), by: caller.arn };
}

function answerCaller(
  clusters: EksClusters,
  caller: Caller,
  arnOf: (name: string) => string,
  request: SandboxRequest,
): SandboxAnswer {
  const by = caller.arn;
  const { pathname, searchParams } = request.url;
  const entries = request.method === "GET" ? accessEntryCall(pathname) : null;
  if (entries) {
    const arn = arnOf(entries.cluster);
    const resource = entries.action === "ListAccessEntries" ? arn : arn.replace(":cluster/", ":access-entry/");
    const suffix = resource === arn ? "" : `/${entries.principalArn}`;
    if (!mayCall(caller, `eks:${entries.action}`, `${resource}${suffix}`)) return denied(by, entries.action, arn);
    const cluster = clusters.get(arn);
    return cluster
      ? answerAccessEntries(cluster, entries.action, entries.principalArn, searchParams)
      : noSuchCluster(entries.cluster);
  }
  const [, encoded] = /^\/clusters\/([^/]+)$/.exec(pathname) ?? [];
  if (request.method !== "GET" || encoded === undefined) return eksError("UnknownOperationException", "", 404);
  const name = decodeURIComponent(encoded);
  return describe(
    clusters.get(arnOf(name)),
    arnOf(name),
    name,
    by,
    mayCall(caller, "eks:DescribeCluster", arnOf(name)),
  );
}

function describe(
  cluster: EksCluster | undefined,
  arn: string,
  name: string,
  by: string,
  allowed: boolean,
): SandboxAnswer {
  if (!allowed) return denied(by, "DescribeCluster", arn);
  if (!cluster) return noSuchCluster(name);
  const headers = { "x-amzn-requestid": crypto.randomUUID() };
  return { status: 200, headers, body: JSON.stringify({ cluster: clusterObject(cluster) }) };
}

function denied(by: string, action: string, arn: string): SandboxAnswer {
  return eksError("AccessDenied", `User: ${by} is not authorized to perform: eks:${action} on resource: ${arn}`, 403);
}

function noSuchCluster(name: string): SandboxAnswer {
  const nobody = {
    clusterName: name,
    nodegroupName: null,
    fargateProfileName: null,
    addonName: null,
    subscriptionId: null,
  };
  return eksError("ResourceNotFoundException", `No cluster found for name: ${name}.`, 404, nobody);
}

const network = {
  resourcesVpcConfig: {
    subnetIds: ["subnet-0a1b2c3d4e5f60718", "subnet-0f1e2d3c4b5a69788"],
    securityGroupIds: [],
    clusterSecurityGroupId: "sg-0123456789abcdef0",
    vpcId: "vpc-0123456789abcdef0",
    endpointPublicAccess: true,
    endpointPrivateAccess: true,
    publicAccessCidrs: ["0.0.0.0/0"],
  },
  kubernetesNetworkConfig: {
    serviceIpv4Cidr: "10.100.0.0/16",
    ipFamily: "ipv4",
    elasticLoadBalancing: { enabled: false },
  },
};

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
    ...network,
    logging: {
      clusterLogging: [{ types: ["api", "audit", "authenticator", "controllerManager", "scheduler"], enabled: false }],
    },
    identity: {
      oidc: { issuer: `https://oidc.eks.${cluster.region}.amazonaws.com/id/EXAMPLED539D4633E53DE1B71EXAMPLE` },
    },
    status: cluster.status,
    platformVersion: "eks.9",
    tags: {},
    health: { issues: [] },
    accessConfig: { authenticationMode: cluster.authenticationMode },
    upgradePolicy: { supportType: "STANDARD" },
    deletionProtection: false,
  };
}
