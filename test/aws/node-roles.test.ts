import { expect, test } from "vitest";
import { EksCluster } from "../../src/aws/eks-cluster.ts";
import { managedNodes } from "../../src/aws/node-roles.ts";
import { account, partition, region, useAccount } from "./aws-account.ts";

const accountUnderTest = useAccount();

test("the roles of node groups and of Fargate profiles are nodes, each of its own type", async () => {
  const { aws, creatorArn } = accountUnderTest();
  const [linux, windows, pods] = ["linux", "windows", "pods"].map((name) => aws.account.addRole({ name }).arn);
  const place = { name: "payments", region, endpoint: "https://127.0.0.1:1", certificateAuthority: "UEVN" };
  const nodeRoles = [
    { arn: linux ?? "", type: "EC2_LINUX" },
    { arn: windows ?? "", type: "EC2_WINDOWS" },
    { arn: pods ?? "", type: "FARGATE_LINUX" },
  ] as const;
  aws.addCluster({ ...place, creatorArn, nodeRoles });
  aws.account.setAllowed(creatorArn, ["eks:*"]);

  const creator = aws.account.sessionFor(creatorArn, "run");
  const found = await managedNodes(await EksCluster.open(creator, { eksName: "payments", region, account, partition }));

  expect(found).toEqual([
    { roleArn: linux, name: "the managed node group ng-1", type: "EC2_LINUX" },
    { roleArn: windows, name: "the managed node group ng-2", type: "EC2_WINDOWS" },
    { roleArn: pods, name: "the Fargate profile fp-1", type: "FARGATE_LINUX" },
  ]);
});
