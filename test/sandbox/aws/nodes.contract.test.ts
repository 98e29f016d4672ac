import {
  DescribeFargateProfileCommand,
  DescribeNodegroupCommand,
  ListFargateProfilesCommand,
  ListNodegroupsCommand,
} from "@aws-sdk/client-eks";
import { afterAll, beforeAll, expect, test } from "vitest";
import { anAccount, clientsOf, refusalOf } from "./clients.ts";

// Copies: Amazon EKS API reference, ListNodegroups, DescribeNodegroup, ListFargateProfiles, DescribeFargateProfile; Service
// Authorization Reference, "Amazon EKS", for which resource each is allowed on.

const clusterName = "main";
let aws: Awaited<ReturnType<typeof anAccount>>;
let roles: { readonly linux: string; readonly windows: string; readonly pods: string };
beforeAll(async () => {
  aws = await anAccount();
  const arnOf = (name: string) => aws.account.addRole({ name, path: "/nodes/" }).arn;
  roles = { linux: arnOf("linux"), windows: arnOf("windows"), pods: arnOf("pods") };
  const creatorArn = aws.account.addRole({ name: "creator" }).arn;
  const nodeRoles = [
    { arn: roles.linux, type: "EC2_LINUX" as const },
    { arn: roles.pods, type: "FARGATE_LINUX" as const },
    { arn: roles.windows, type: "EC2_WINDOWS" as const },
  ];
  const place = { region: "eu-central-1", endpoint: "https://127.0.0.1:6443", certificateAuthority: "UEVN" };
  aws.addCluster({ ...place, name: clusterName, creatorArn, nodeRoles });
});
afterAll(() => aws.stop());

const asRole = (name: string, allow: readonly string[]) =>
  clientsOf(aws.url, aws.account.sessionFor(aws.account.addRole({ name, allow: [...allow] }).arn, "me")).eks;

test("managed node groups and Fargate profiles say which role their nodes have", async () => {
  const eks = asRole("reader", ["eks:*"]);

  const { nodegroups, nextToken } = await eks.send(new ListNodegroupsCommand({ clusterName, maxResults: 1 }));
  const rest = await eks.send(new ListNodegroupsCommand({ clusterName, nextToken }));
  const { fargateProfileNames } = await eks.send(new ListFargateProfilesCommand({ clusterName }));
  const { nodegroup } = await eks.send(new DescribeNodegroupCommand({ clusterName, nodegroupName: "ng-2" }));
  const { fargateProfile } = await eks.send(
    new DescribeFargateProfileCommand({ clusterName, fargateProfileName: "fp-1" }),
  );

  expect([nodegroups, rest.nodegroups, fargateProfileNames]).toEqual([["ng-1"], ["ng-2"], ["fp-1"]]);
  expect(nodegroup).toMatchObject({ nodeRole: roles.windows, amiType: expect.stringMatching(/^WINDOWS_/) });
  expect(fargateProfile).toMatchObject({ podExecutionRoleArn: roles.pods });
});

test("one that there is not, and a caller who can't ask, are refused", async () => {
  const unknown = asRole("other", ["eks:*"]).send(new DescribeNodegroupCommand({ clusterName, nodegroupName: "ng-9" }));
  const denied = asRole("nobody", ["eks:ListNodegroups"]);

  expect((await refusalOf(unknown)).name).toBe("ResourceNotFoundException");
  const one = denied.send(new DescribeNodegroupCommand({ clusterName, nodegroupName: "ng-1" }));
  expect((await refusalOf(one)).name).toBe("AccessDeniedException");
});
