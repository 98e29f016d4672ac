/** Those of EKS's access policies that the sandbox's clusters know the rules of. */
const names = [
  "AmazonEKSAdminPolicy",
  "AmazonEKSAdminViewPolicy",
  "AmazonEKSClusterAdminPolicy",
  "AmazonEKSEditPolicy",
  "AmazonEKSSecretReaderPolicy",
  "AmazonEKSViewPolicy",
] as const;

/** What creators get. */
export const clusterAdminPolicy = "AmazonEKSClusterAdminPolicy";

export function policyArnOf(partition: string, name: string): string {
  return `arn:${partition}:eks::aws:cluster-access-policy/${name}`;
}

/** The shapes AccessPolicy that ListAccessPolicies gives. */
export function listedPolicies(partition: string): readonly { name: string; arn: string }[] {
  return names.map((name) => ({ name, arn: policyArnOf(partition, name) }));
}
