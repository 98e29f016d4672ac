import type { EksCluster } from "./eks-cluster.ts";
import { done, type EksHandler, findCluster } from "./eks-service.ts";

/** DescribeCluster (EKS API reference). */
export const describeCluster: EksHandler = (service, call) => {
  const cluster = findCluster(service, call);
  return "type" in cluster ? cluster : done({ cluster: clusterObject(cluster) });
};

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
    tags: cluster.tags,
    health: { issues: [] },
    accessConfig: {
      authenticationMode: cluster.authenticationMode,
      bootstrapClusterCreatorAdminPermissions: cluster.bootstrapClusterCreatorAdminPermissions,
    },
    upgradePolicy: { supportType: "STANDARD" },
    deletionProtection: false,
  };
}
