import { DescribeClusterCommand } from "@aws-sdk/client-eks";
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
  it("shows endpoint, authority, mode and status, but not the creator", async () => {
    const arn = aCluster({ authenticationMode: "API_AND_CONFIG_MAP", createdAt: new Date("2026-01-31T08:00:00.250Z") });

    const { cluster } = await asCreator().send(describeCluster);

    expect(cluster).toMatchObject({
      arn,
      name: "main",
      endpoint: "https://127.0.0.1:6443",
      certificateAuthority: { data: "UEVN" },
      accessConfig: { authenticationMode: "API_AND_CONFIG_MAP", bootstrapClusterCreatorAdminPermissions: true },
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

  it("shows callers the cluster of that name in their own account", async () => {
    const arn = aCluster();
    const other = { account: "444455556666", name: "founder" };
    const founder = aws.account.addRole({ ...other, allow: ["eks:DescribeCluster"] }).arn;
    const twin = aCluster({ account: other.account, creatorArn: founder });

    const [mine, theirs] = await Promise.all([
      asCreator().send(describeCluster),
      clientsOf(aws.url, aws.account.sessionFor(founder, "me")).eks.send(describeCluster),
    ]);

    expect([mine.cluster?.arn, theirs.cluster?.arn]).toEqual([arn, twin]);
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

  it("does not find a removed cluster", async () => {
    const arn = aCluster();
    aws.account.setAllowed(creatorArn, ["eks:*"]);
    aws.removeCluster(arn);

    const refusal = await refusalOf(asCreator().send(describeCluster));

    expect(refusal.name).toBe("ResourceNotFoundException");
  });

  it("is denied to a caller without that action in a policy", async () => {
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
