import type { EKS } from "@aws-sdk/client-eks";
import type { ManagedNodes } from "../diagnosis/migration/facts.ts";
import { allOfPages, type PageBounds } from "../operations/bounds.ts";
import { answeredList, answeredWith, awsAnswer } from "./client-settings.ts";
import { type ClusterAddress, clusterPlace, type EksCluster } from "./eks-cluster.ts";

/** Each listed one costs a call. EKS allows a cluster 30 node groups, and more on request. */
function nodeBounds(): PageBounds {
  return { pages: 10, items: 500, deadline: AbortSignal.timeout(30_000) };
}

/** The roles of managed node groups and Fargate profiles. @throws AccessError */
export async function managedNodes({ address, client }: EksCluster): Promise<readonly ManagedNodes[]> {
  const asked = async () => [...(await nodegroups(client, address)), ...(await fargateProfiles(client, address))];
  return awsAnswer(`eks:ListNodegroups on ${clusterPlace(address)}`, asked());
}

async function nodegroups(client: EKS, { eksName: clusterName }: ClusterAddress): Promise<ManagedNodes[]> {
  const what = `eks:ListNodegroups of cluster ${clusterName}`;
  const names = await allOfPages(what, nodeBounds(), async (nextToken) => {
    const answer = await client.listNodegroups({ clusterName, nextToken });
    return { items: answeredList(answer.nodegroups, what), next: answer.nextToken };
  });
  const found: ManagedNodes[] = [];
  for (const nodegroupName of names) {
    const { nodegroup } = await client.describeNodegroup({ clusterName, nodegroupName });
    const roleArn = answeredWith(nodegroup?.nodeRole, `eks:DescribeNodegroup of ${nodegroupName}`);
    const type = /^WINDOWS_/.test(nodegroup?.amiType ?? "") ? "EC2_WINDOWS" : "EC2_LINUX";
    found.push({ roleArn, name: `the managed node group ${nodegroupName}`, type });
  }
  return found;
}

async function fargateProfiles(client: EKS, { eksName: clusterName }: ClusterAddress): Promise<ManagedNodes[]> {
  const what = `eks:ListFargateProfiles of cluster ${clusterName}`;
  const names = await allOfPages(what, nodeBounds(), async (nextToken) => {
    const answer = await client.listFargateProfiles({ clusterName, nextToken });
    return { items: answeredList(answer.fargateProfileNames, what), next: answer.nextToken };
  });
  const found: ManagedNodes[] = [];
  for (const fargateProfileName of names) {
    const { fargateProfile } = await client.describeFargateProfile({ clusterName, fargateProfileName });
    const what = `eks:DescribeFargateProfile of ${fargateProfileName}`;
    const roleArn = answeredWith(fargateProfile?.podExecutionRoleArn, what);
    found.push({ roleArn, name: `the Fargate profile ${fargateProfileName}`, type: "FARGATE_LINUX" });
  }
  return found;
}
