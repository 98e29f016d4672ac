import {
  DescribeAccessEntryCommand,
  DescribeClusterCommand,
  ListAccessEntriesCommand,
  ListAssociatedAccessPoliciesCommand,
} from "@aws-sdk/client-eks";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { anAccount, clientsOf, refusalOf } from "./clients.ts";

// Copies: Amazon EKS API reference, DescribeCluster and "Common Errors"; the restJson1 protocol of Smithy.

let aws: Awaited<ReturnType<typeof anAccount>>;
let creatorArn: string;

beforeEach(async () => {
  aws = await anAccount();
  creatorArn = aws.account.addRole({ name: "creator", allow: ["eks:DescribeCluster"] }).arn;
});
afterEach(() => aws.stop());

function aCluster(change: object = {}): string {
  return aws.addCluster({
    name: "main",
    region: "eu-central-1",
    creatorArn,
    endpoint: "https://127.0.0.1:6443",
    certificateAuthority: "UEVN",
    ...change,
  });
}

const asCreator = (region?: string) => clientsOf(aws.url, aws.account.sessionFor(creatorArn, "me"), region).eks;
const describeCluster = new DescribeClusterCommand({ name: "main" });

describe("DescribeCluster", () => {
  it("tells endpoint, authority, mode and status, and not who created the cluster", async () => {
    const arn = aCluster({ authenticationMode: "API_AND_CONFIG_MAP", createdAt: new Date("2026-01-31T08:00:00.250Z") });

    const { cluster } = await asCreator().send(describeCluster);

    expect(cluster).toMatchObject({
      arn,
      name: "main",
      endpoint: "https://127.0.0.1:6443",
      certificateAuthority: { data: "UEVN" },
      accessConfig: { authenticationMode: "API_AND_CONFIG_MAP" },
      status: "ACTIVE",
      createdAt: new Date("2026-01-31T08:00:00.250Z"),
    });
    expect(JSON.stringify(cluster)).not.toContain(creatorArn);
  });

  it("has neither endpoint nor authority while the cluster is being created", async () => {
    const arn = aCluster({ status: "CREATING" });

    const before = await asCreator().send(describeCluster);
    aws.updateCluster(arn, { status: "ACTIVE" });
    const after = await asCreator().send(describeCluster);

    expect(before.cluster).not.toHaveProperty("endpoint");
    expect(before.cluster).not.toHaveProperty("certificateAuthority");
    expect(after.cluster?.endpoint).toBe("https://127.0.0.1:6443");
  });

  it("knows a cluster in its own region only", async () => {
    aCluster();
    aws.account.setAllowed(creatorArn, ["eks:DescribeCluster"]);

    const refusal = await refusalOf(asCreator("eu-west-1").send(describeCluster));

    expect(refusal).toEqual({
      name: "ResourceNotFoundException",
      message: "No cluster found for name: main.",
      status: 404,
    });
  });

  it("finds a removed cluster no more", async () => {
    const arn = aCluster();
    aws.account.setAllowed(creatorArn, ["eks:*"]);
    aws.removeCluster(arn);

    const refusal = await refusalOf(asCreator().send(describeCluster));

    expect(refusal.name).toBe("ResourceNotFoundException");
  });

  it("is denied to who has no such action in a policy", async () => {
    aCluster();
    const user = aws.account.addUser({ name: "dev", allow: ["eks:ListClusters"] });

    const refusal = await refusalOf(clientsOf(aws.url, user).eks.send(describeCluster));

    expect(refusal).toEqual({
      name: "AccessDeniedException",
      message:
        "User: arn:aws:iam::111122223333:user/dev is not authorized to perform: eks:DescribeCluster on resource: arn:aws:eks:eu-central-1:111122223333:cluster/main",
      status: 403,
    });
  });

  it("calls a bad signature and an expired session by the names of its own protocol", async () => {
    const session = aws.account.sessionFor(creatorArn, "me", { seconds: 60 });

    const bad = await refusalOf(
      clientsOf(aws.url, { ...session, secretAccessKey: "guessed" }).eks.send(describeCluster),
    );
    const unknown = await refusalOf(
      clientsOf(aws.url, { accessKeyId: "AKIAEXAMPLE", secretAccessKey: "x" }).eks.send(describeCluster),
    );
    aws.clock.pass(61);
    const expired = await refusalOf(clientsOf(aws.url, session).eks.send(describeCluster));

    expect(bad).toMatchObject({ name: "InvalidSignatureException", status: 403 });
    expect(unknown).toMatchObject({ name: "UnrecognizedClientException", status: 403 });
    expect(expired).toMatchObject({ name: "ExpiredTokenException", status: 403 });
  });
});

// Copies: Amazon EKS API reference, ListAccessEntries, DescribeAccessEntry and ListAssociatedAccessPolicies.
describe("access entries", () => {
  const policyArn = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy";
  const principalArn = "arn:aws:iam::111122223333:role/team/developers";
  const entry = { principalArn, username: "dev", groups: ["readers"], policies: [policyArn] };
  const asked = { clusterName: "main", principalArn };

  function withEntries(...accessEntries: (typeof entry)[]): void {
    aws.updateCluster(aCluster({ authenticationMode: "API_AND_CONFIG_MAP" }), { accessEntries });
    aws.account.setAllowed(creatorArn, ["eks:*"]);
  }

  it("are listed by the ARNs of their principals, page by page", async () => {
    withEntries(entry, { ...entry, principalArn: "arn:aws:iam::111122223333:user/jane" });

    const first = await asCreator().send(new ListAccessEntriesCommand({ clusterName: "main", maxResults: 1 }));
    const second = await asCreator().send(
      new ListAccessEntriesCommand({ clusterName: "main", maxResults: 1, nextToken: first.nextToken }),
    );

    expect(first.accessEntries).toEqual([principalArn]);
    expect(second.accessEntries).toEqual(["arn:aws:iam::111122223333:user/jane"]);
    expect(second.nextToken).toBeUndefined();
  });

  it("tell their username, groups and access policies", async () => {
    withEntries(entry);

    const { accessEntry } = await asCreator().send(new DescribeAccessEntryCommand(asked));
    const { associatedAccessPolicies } = await asCreator().send(new ListAssociatedAccessPoliciesCommand(asked));

    expect(accessEntry).toMatchObject({
      principalArn,
      username: "dev",
      kubernetesGroups: ["readers"],
      type: "STANDARD",
    });
    expect(associatedAccessPolicies?.map((each) => each.policyArn)).toEqual([policyArn]);
  });

  it("are known by their whole ARN only", async () => {
    withEntries(entry);
    const other = { ...asked, principalArn: "arn:aws:iam::111122223333:role/developers" };

    const refusal = await refusalOf(asCreator().send(new DescribeAccessEntryCommand(other)));

    expect(refusal).toMatchObject({ name: "ResourceNotFoundException", status: 404 });
  });

  it("are refused where the mode knows none, and to who may not ask", async () => {
    aCluster();
    const denied = await refusalOf(asCreator().send(new ListAccessEntriesCommand({ clusterName: "main" })));
    aws.account.setAllowed(creatorArn, ["eks:*"]);

    const wrongMode = await refusalOf(asCreator().send(new ListAccessEntriesCommand({ clusterName: "main" })));

    expect(denied).toMatchObject({ name: "AccessDeniedException", status: 403 });
    expect(wrongMode).toMatchObject({ name: "InvalidRequestException", status: 400 });
  });
});
