import { vi } from "vitest";
import { type SandboxAws, startSandboxAws } from "../sandbox/aws/account.ts";

/** The accounts of `fleetText`. */
export const fleetAccounts = ["111122223333", "444455556666"] as const;
export const fleetRegion = "eu-central-1";

/** An AWS in which the worker, whose environment this process then has, can look at the accounts of `fleetText`. */
export async function startFleetAws(): Promise<SandboxAws> {
  const aws = await startSandboxAws({ region: fleetRegion });
  const { arn } = aws.account.addRole({ name: "eks-access-worker", allow: ["sts:*"] });
  for (const account of fleetAccounts) {
    const trust = { principals: [arn], externalId: "eks-access-fleet" };
    const allow = ["eks:ListClusters", "eks:DescribeCluster"];
    aws.account.addRole({ name: "eks-access-operator", account, allow, trust });
  }
  stubCaller(aws, arn);
  return aws;
}

/** This process is a session of the role. */
export function stubCaller({ account, url }: SandboxAws, roleArn: string): void {
  const session = account.sessionFor(roleArn, "worker", { seconds: 3600 });
  vi.stubEnv("AWS_ENDPOINT_URL", url);
  vi.stubEnv("AWS_ACCESS_KEY_ID", session.accessKeyId);
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", session.secretAccessKey);
  vi.stubEnv("AWS_SESSION_TOKEN", session.sessionToken);
}

export const fleetArn = (account: string, name: string) => `arn:aws:eks:${fleetRegion}:${account}:cluster/${name}`;

/** A cluster that only EKS knows: nothing here signs in to it. */
export function addFleetCluster(
  aws: SandboxAws,
  account: string,
  name: string,
  tags: Readonly<Record<string, string>>,
): void {
  const creatorArn = `arn:aws:iam::${account}:role/eks-access-operator`;
  const place = {
    region: fleetRegion,
    account,
    endpoint: "https://127.0.0.1:1",
    certificateAuthority: "LS0tLS1CRUdJTiA",
  };
  aws.addCluster({ name, creatorArn, ...place, tags });
}
