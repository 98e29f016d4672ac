import {
  AssociateAccessPolicyCommand,
  type AssociateAccessPolicyCommandInput,
  CreateAccessEntryCommand,
  type CreateAccessEntryCommandInput,
  DescribeAccessEntryCommand,
  ListAssociatedAccessPoliciesCommand,
} from "@aws-sdk/client-eks";
import type { AuthenticationMode } from "../../../sandbox/aws/eks-cluster.ts";
import { anAccount, clientsOf } from "./clients.ts";

export const policyArn = (name: string) => `arn:aws:eks::aws:cluster-access-policy/${name}`;

/** An account with one cluster, `main`, people who may have access entries, and a client that may do everything. */
export async function anEksAccount(
  authenticationMode: AuthenticationMode = "API_AND_CONFIG_MAP",
  cluster: object = {},
) {
  const aws = await anAccount();
  const creator = aws.account.addRole({ name: "creator" }).arn;
  const admin = aws.account.addRole({ name: "admin", allow: ["eks:*", "iam:PassRole"] }).arn;
  const dev = aws.account.addRole({ name: "developers", path: "/team/" }).arn;
  const jane = aws.account.addUser({ name: "jane", path: "/people/" }).arn;
  const known = {
    name: "main",
    region: "eu-central-1",
    endpoint: "https://127.0.0.1:6443",
    certificateAuthority: "UEVN",
  };
  const arn = aws.addCluster({ ...known, creatorArn: creator, authenticationMode, ...cluster });
  const { eks } = clientsOf(aws.url, aws.account.sessionFor(admin, "me"));
  type Named<T> = Partial<T>;
  return {
    aws,
    arn,
    creator,
    admin,
    dev,
    jane,
    eks,
    create: (entry: Named<CreateAccessEntryCommandInput> = {}) =>
      eks.send(new CreateAccessEntryCommand({ clusterName: "main", principalArn: dev, ...entry })),
    describe: (principalArn = dev) =>
      eks.send(new DescribeAccessEntryCommand({ clusterName: "main", principalArn })).then((each) => each.accessEntry),
    associate: (association: Named<AssociateAccessPolicyCommandInput> = {}) =>
      eks.send(
        new AssociateAccessPolicyCommand({
          clusterName: "main",
          principalArn: dev,
          policyArn: policyArn("AmazonEKSViewPolicy"),
          accessScope: { type: "cluster" },
          ...association,
        }),
      ),
    policies: (principalArn = dev) =>
      eks
        .send(new ListAssociatedAccessPoliciesCommand({ clusterName: "main", principalArn }))
        .then((each) => each.associatedAccessPolicies ?? []),
  };
}

export type EksAccount = Awaited<ReturnType<typeof anEksAccount>>;
