import type { SandboxAnswer, SandboxRequest } from "../http-server.ts";
import type { AwsContext } from "./context.ts";
import type { EksCluster, EksClusters } from "./eks-clusters.ts";
import { allows } from "./identities.ts";
import { eksError } from "./refusal.ts";
import { verifySignature } from "./signature.ts";
import { readClaim } from "./signature-claim.ts";

/** Answers DescribeCluster (EKS API reference). The region is the one that the signature is made for. */
export function answerEks(context: AwsContext, clusters: EksClusters, request: SandboxRequest): SandboxAnswer {
  const claim = readClaim(request);
  if ("type" in claim) return eksError(claim.code, claim.message, claim.status);
  const caller = verifySignature(request, claim, "eks", (key) => context.account.caller(key), context.now());
  if ("type" in caller) return eksError(caller.code, caller.message, caller.status);
  const [, encoded] = /^\/clusters\/([^/]+)$/.exec(request.url.pathname) ?? [];
  if (request.method !== "GET" || encoded === undefined) {
    return { ...eksError("UnknownOperationException", "", 404), by: caller.arn };
  }
  const name = decodeURIComponent(encoded);
  const arn = `arn:${context.account.partition}:eks:${claim.region}:${caller.identity.accountId}:cluster/${name}`;
  return {
    ...describe(clusters.get(arn), arn, name, caller.arn, allows(caller.identity, "eks:DescribeCluster")),
    by: caller.arn,
  };
}

function describe(
  cluster: EksCluster | undefined,
  arn: string,
  name: string,
  by: string,
  allowed: boolean,
): SandboxAnswer {
  if (!allowed) {
    return eksError(
      "AccessDenied",
      `User: ${by} is not authorized to perform: eks:DescribeCluster on resource: ${arn}`,
      403,
    );
  }
  if (!cluster) {
    const nobody = {
      clusterName: name,
      nodegroupName: null,
      fargateProfileName: null,
      addonName: null,
      subscriptionId: null,
    };
    return eksError("ResourceNotFoundException", `No cluster found for name: ${name}.`, 404, nobody);
  }
  return { status: 200, body: JSON.stringify({ cluster: clusterObject(cluster) }) };
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
