import { readFileSync } from "node:fs";
import {
  AssociateAccessPolicyCommand,
  CreateAccessEntryCommand,
  DeleteAccessEntryCommand,
  DescribeAccessEntryCommand,
  DescribeClusterCommand,
  DisassociateAccessPolicyCommand,
  type EKSClient,
  ListAccessEntriesCommand,
  ListAssociatedAccessPoliciesCommand,
  TagResourceCommand,
  UntagResourceCommand,
  UpdateAccessEntryCommand,
  UpdateClusterConfigCommand,
} from "@aws-sdk/client-eks";
import { afterAll, beforeAll, expect, test } from "vitest";
import { anAccount, clientsOf, refusalOf } from "../sandbox/aws/clients.ts";

/** The policy of deploy/iam unchanged, given to a role of the sandbox: its resources and conditions are tried, not read. */
const document = readFileSync(new URL("../../deploy/iam/access-entries-policy.json", import.meta.url), "utf8");

let aws: Awaited<ReturnType<typeof anAccount>>;
let eks: EKSClient;
let dev: string;

beforeAll(async () => {
  aws = await anAccount();
  const creatorArn = aws.account.addRole({ name: "creator" }).arn;
  const { arn } = aws.account.addRole({ name: "eks-access-entries" });
  aws.account.setPolicy(arn, document);
  dev = aws.account.addRole({ name: "developers", path: "/team/" }).arn;
  const known = {
    region: "eu-central-1",
    endpoint: "https://127.0.0.1:6443",
    certificateAuthority: "UEVN",
    creatorArn,
  };
  for (const name of ["payments", "other"]) aws.addCluster({ ...known, name, authenticationMode: "API" });
  eks = clientsOf(aws.url, aws.account.sessionFor(arn, "me")).eks;
});
afterAll(() => aws.stop());

const policyArn = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy";

test("access-entries-policy.json lets through a lease from its beginning to its end, on its cluster", async () => {
  const entry = { clusterName: "payments", principalArn: dev };

  await eks.send(new DescribeClusterCommand({ name: "payments" }));
  await eks.send(new ListAccessEntriesCommand({ clusterName: "payments" }));
  const tags = { "eks-access/grant": "r1" };
  const ours = { ...entry, username: "eks-access:111122223333:developers", kubernetesGroups: ["g"], tags };
  const { accessEntry } = await eks.send(new CreateAccessEntryCommand(ours));
  const { accessEntryArn: resourceArn = "" } = accessEntry ?? {};
  await eks.send(new DescribeAccessEntryCommand(entry));
  await eks.send(new TagResourceCommand({ resourceArn, tags: { more: "" } }));
  await eks.send(new UpdateAccessEntryCommand({ ...entry, kubernetesGroups: [] }));
  await eks.send(new AssociateAccessPolicyCommand({ ...entry, policyArn, accessScope: { type: "cluster" } }));
  const { associatedAccessPolicies } = await eks.send(new ListAssociatedAccessPoliciesCommand(entry));
  await eks.send(new DisassociateAccessPolicyCommand({ ...entry, policyArn }));
  await eks.send(new UntagResourceCommand({ resourceArn, tagKeys: ["more"] }));
  await eks.send(new DeleteAccessEntryCommand(entry));

  expect(associatedAccessPolicies).toHaveLength(1);
});

test("it lets nothing through on another cluster, no entry of nodes, and no deletion of others' entries", async () => {
  const theirs = { clusterName: "payments", principalArn: aws.account.addRole({ name: "others" }).arn };
  await eks.send(new CreateAccessEntryCommand({ ...theirs, username: "theirs" }));

  const refusals = [
    await refusalOf(eks.send(new DeleteAccessEntryCommand(theirs))),
    await refusalOf(eks.send(new DescribeClusterCommand({ name: "other" }))),
    await refusalOf(eks.send(new CreateAccessEntryCommand({ clusterName: "other", principalArn: dev }))),
    await refusalOf(eks.send(new DescribeAccessEntryCommand({ clusterName: "other", principalArn: dev }))),
    await refusalOf(
      eks.send(new CreateAccessEntryCommand({ clusterName: "payments", principalArn: dev, type: "HYBRID_LINUX" })),
    ),
  ];

  expect(refusals.map(({ name }) => name)).toEqual(refusals.map(() => "AccessDeniedException"));
});

const nothing = readFileSync(new URL("../../deploy/iam/sign-in-nothing-policy.json", import.meta.url), "utf8");

test("sign-in-nothing-policy.json takes everything from a session of a proof, and nothing from a person's", async () => {
  const { arn } = aws.account.addRole({ name: "on-call", allow: ["*"] });
  aws.account.setPolicy(arn, nothing);
  const clusterOf = (tags: Readonly<Record<string, string>>) => {
    const session = aws.account.sessionFor(arn, "me", { tags: new Map(Object.entries(tags)) });
    return clientsOf(aws.url, session).eks.send(new DescribeClusterCommand({ name: "payments" }));
  };

  expect((await clusterOf({ team: "shop" })).cluster?.name).toBe("payments");
  expect((await refusalOf(clusterOf({ "eks-access:requests": "r-one" }))).name).toBe("AccessDeniedException");
});

const policyNamed = (name: string) => readFileSync(new URL(`../../deploy/iam/${name}`, import.meta.url), "utf8");

test("operator-policy.json lets a lease through, and no other principal, group, policy or place", async () => {
  const { arn } = aws.account.addRole({ name: "eks-access-operator" });
  aws.account.setPolicy(arn, policyNamed("operator-policy.json"));
  const as = clientsOf(aws.url, aws.account.sessionFor(arn, "me")).eks;
  const lead = aws.account.addRole({ name: "lead", path: "/team/" }).arn;
  const stranger = aws.account.addRole({ name: "stranger" }).arn;
  const clusterName = "payments";
  const entry = { clusterName, principalArn: lead, username: "eks-access:111122223333:lead:{{SessionName}}" };
  const groups = { kubernetesGroups: ["eks-access:viewers"], type: "STANDARD" };
  const scope = { accessScope: { type: "namespace" as const, namespaces: ["payments"] } };
  const about = { clusterName, principalArn: lead };
  const admin = policyArn.replace("View", "ClusterAdmin");

  const refusals = [
    await refusalOf(as.send(new CreateAccessEntryCommand({ ...entry, ...groups, principalArn: stranger }))),
    await refusalOf(as.send(new CreateAccessEntryCommand({ ...entry, ...groups, kubernetesGroups: ["root"] }))),
    await refusalOf(as.send(new CreateAccessEntryCommand({ ...entry, ...groups, username: "admin" }))),
    await refusalOf(as.send(new DescribeClusterCommand({ name: "other" }))),
  ];
  await as.send(new CreateAccessEntryCommand({ ...entry, ...groups, tags: { "eks-access/held": "" } }));
  await as.send(new UpdateAccessEntryCommand({ ...about, kubernetesGroups: ["eks-access:deployers"] }));
  await as.send(new AssociateAccessPolicyCommand({ ...about, policyArn, ...scope }));
  const wider = { accessScope: { type: "cluster" as const } };
  refusals.push(
    await refusalOf(as.send(new AssociateAccessPolicyCommand({ ...about, policyArn: admin, ...scope }))),
    await refusalOf(as.send(new AssociateAccessPolicyCommand({ ...about, policyArn, ...wider }))),
  );
  await as.send(new DisassociateAccessPolicyCommand({ ...about, policyArn }));
  await as.send(new DeleteAccessEntryCommand(about));

  expect(refusals.map(({ name }) => name)).toEqual(refusals.map(() => "AccessDeniedException"));
});

test("bootstrap-policy.json makes the operator's entry, and no one else an administrator", async () => {
  const { arn } = aws.account.addRole({ name: "bootstrapper" });
  aws.account.setPolicy(arn, policyNamed("bootstrap-policy.json"));
  const as = clientsOf(aws.url, aws.account.sessionFor(arn, "me")).eks;
  const clusterName = "payments";
  const principalArn = "arn:aws:iam::111122223333:role/eks-access-operator";
  const kubernetesGroups = ["eks-access:operators"];
  const admin = { policyArn: policyArn.replace("View", "ClusterAdmin"), accessScope: { type: "cluster" as const } };
  await eks.send(new CreateAccessEntryCommand({ clusterName, principalArn: dev }));

  const refused = [
    await refusalOf(as.send(new CreateAccessEntryCommand({ clusterName, principalArn, kubernetesGroups: ["root"] }))),
    await refusalOf(as.send(new AssociateAccessPolicyCommand({ clusterName, principalArn: dev, ...admin }))),
  ];
  const tags = { "eks-access/operator": "bootstrapped" };
  await as.send(new CreateAccessEntryCommand({ clusterName, principalArn, kubernetesGroups, type: "STANDARD", tags }));
  await as.send(new AssociateAccessPolicyCommand({ clusterName, principalArn, ...admin }));
  await as.send(new DisassociateAccessPolicyCommand({ clusterName, principalArn, policyArn: admin.policyArn }));

  expect(refused.map(({ name }) => name)).toEqual(["AccessDeniedException", "AccessDeniedException"]);
});

test("rescue-policy.json lets a rescue through, changes the cluster's mode alone, and ends no one else's entry", async () => {
  const { arn } = aws.account.addRole({ name: "rescuing" });
  aws.account.setPolicy(arn, policyNamed("rescue-policy.json"));
  const as = clientsOf(aws.url, aws.account.sessionFor(arn, "me")).eks;
  const other = { clusterName: "payments", principalArn: aws.account.addRole({ name: "administrators" }).arn };
  const rescuer = { clusterName: "payments", principalArn: aws.account.addRole({ name: "cluster-rescuer" }).arn };
  const admin = { policyArn: policyArn.replace("View", "ClusterAdmin"), accessScope: { type: "cluster" as const } };
  await eks.send(new CreateAccessEntryCommand(other));
  const clusterLogging = [{ types: ["audit" as const], enabled: false }];

  const refused = [
    await refusalOf(as.send(new UpdateClusterConfigCommand({ name: "payments", logging: { clusterLogging } }))),
    await refusalOf(as.send(new DeleteAccessEntryCommand(other))),
  ];
  const accessConfig = { authenticationMode: "API_AND_CONFIG_MAP" as const };
  const modeAnswer = await refusalOf(as.send(new UpdateClusterConfigCommand({ name: "payments", accessConfig })));
  await as.send(new CreateAccessEntryCommand({ ...rescuer, type: "STANDARD", tags: { "eks-access/rescue": "" } }));
  await as.send(new AssociateAccessPolicyCommand({ ...rescuer, ...admin }));
  await as.send(new DeleteAccessEntryCommand(rescuer));

  expect(refused.map(({ name }) => name)).toEqual(["AccessDeniedException", "AccessDeniedException"]);
  expect(modeAnswer.message).toContain("Unsupported authentication mode update");
});
