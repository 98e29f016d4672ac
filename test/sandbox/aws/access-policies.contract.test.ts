import {
  DescribeClusterCommand,
  DisassociateAccessPolicyCommand,
  TagResourceCommand,
  UntagResourceCommand,
} from "@aws-sdk/client-eks";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { anEksAccount, type EksAccount, policyArn } from "./an-eks-account.ts";
import { refusalOf } from "./clients.ts";

// Copies: Amazon EKS API reference, AssociateAccessPolicy, DisassociateAccessPolicy,
// ListAssociatedAccessPolicies, TagResource, UntagResource. Where the texts come from: docs/sandbox.md.

let eksAccount: EksAccount;
beforeEach(async () => {
  eksAccount = await anEksAccount();
  await eksAccount.create();
});
afterEach(() => eksAccount.aws.stop());

const invalid = (message: string) => ({ name: "InvalidParameterException", message, status: 400 });
const view = policyArn("AmazonEKSViewPolicy");

describe("AssociateAccessPolicy", () => {
  it("associates a policy with a scope, and gives it another one when it is called again", async () => {
    const namespaces = ["shop", "dev-*"];

    await eksAccount.associate({ accessScope: { type: "namespace", namespaces } });
    const scoped = await eksAccount.policies();
    const { associatedAccessPolicy } = await eksAccount.associate();

    expect(scoped).toMatchObject([{ policyArn: view, accessScope: { type: "namespace", namespaces } }]);
    expect(await eksAccount.policies()).toEqual([associatedAccessPolicy]);
    expect(associatedAccessPolicy).toMatchObject({
      policyArn: view,
      accessScope: { type: "cluster", namespaces: [] },
      associatedAt: scoped[0]?.associatedAt,
    });
  });

  it("keeps several policies together", async () => {
    await eksAccount.associate();
    await eksAccount.associate({ policyArn: policyArn("AmazonEKSAdminPolicy") });

    const policies = await eksAccount.policies();

    expect(policies.map((each) => each.policyArn)).toEqual([view, policyArn("AmazonEKSAdminPolicy")]);
  });

  it.each([
    [{ type: "namespace" as const }, "At least 1 namespace must be provided if the type is set as namespace"],
    [
      { type: "cluster" as const, namespaces: ["shop"] },
      "accessScope should not include namespaces if the type is not set as namespace",
    ],
  ])("refuses the scope %j", async (accessScope, message) => {
    expect(await refusalOf(eksAccount.associate({ accessScope }))).toEqual(invalid(message));
  });

  it("knows the policies of EKS, of its own partition, and no others", async () => {
    const unknown = await refusalOf(eksAccount.associate({ policyArn: policyArn("AmazonEKSOwnPolicy") }));
    const china = await refusalOf(eksAccount.associate({ policyArn: view.replace("arn:aws:", "arn:aws-cn:") }));
    const iam = await refusalOf(eksAccount.associate({ policyArn: "arn:aws:iam::aws:policy/ReadOnlyAccess" }));

    const absent = {
      name: "ResourceNotFoundException",
      message: "The specified policyArn could not be found.",
      status: 404,
    };
    expect([unknown, china]).toEqual([absent, absent]);
    expect(iam).toEqual(invalid("The policyArn parameter format is not valid"));
  });

  it("is for people's entries, and for entries that are there", async () => {
    const node = eksAccount.aws.account.addRole({ name: "node" }).arn;
    await eksAccount.create({ principalArn: node, type: "EC2_LINUX" });

    const ofNode = await refusalOf(eksAccount.associate({ principalArn: node }));
    const ofNobody = await refusalOf(eksAccount.associate({ principalArn: eksAccount.jane }));

    expect(ofNode).toEqual(
      invalid('This operation can only be performed on Access Entries with a type of "STANDARD".'),
    );
    expect(ofNobody).toMatchObject({ name: "ResourceNotFoundException", status: 404 });
  });
});

describe("DisassociateAccessPolicy", () => {
  it("removes one policy, once", async () => {
    await eksAccount.associate();
    await eksAccount.associate({ policyArn: policyArn("AmazonEKSEditPolicy") });
    const command = new DisassociateAccessPolicyCommand({
      clusterName: "main",
      principalArn: eksAccount.dev,
      policyArn: view,
    });

    await eksAccount.eks.send(command);
    const again = await refusalOf(eksAccount.eks.send(command));

    expect((await eksAccount.policies()).map((each) => each.policyArn)).toEqual([policyArn("AmazonEKSEditPolicy")]);
    expect(again).toMatchObject({ name: "ResourceNotFoundException", status: 404 });
  });
});

describe("tags of an access entry", () => {
  const arnOf = async () => (await eksAccount.describe())?.accessEntryArn ?? "";
  const tag = async (tags: Record<string, string>) =>
    eksAccount.eks.send(new TagResourceCommand({ resourceArn: await arnOf(), tags }));

  it("are added, changed and removed one by one", async () => {
    await tag({ "eks-access/grant": "r1", team: "shop" });
    await tag({ team: "web" });
    const resourceArn = await arnOf();
    await eksAccount.eks.send(new UntagResourceCommand({ resourceArn, tagKeys: ["eks-access/grant", "never-there"] }));

    expect((await eksAccount.describe())?.tags).toEqual({ team: "web" });
  });

  const wrong: [string, Record<string, string>][] = [
    ["a key of aws:", { "aws:team": "shop" }],
    ["a key that is too long", { ["k".repeat(129)]: "" }],
    ["a value that is too long", { team: "v".repeat(257) }],
    ["unusual characters", { team: "shop;web" }],
    ["more than fifty of them", Object.fromEntries(Array.from({ length: 51 }, (_, at) => [`key-${at}`, ""]))],
  ];

  it.each([...wrong, ["none at all", {}]])("are refused with %s", async (_, tags) => {
    const refusal = await refusalOf(tag(tags));

    expect(refusal).toMatchObject({ name: "BadRequestException", status: 400 });
    expect((await eksAccount.describe())?.tags).toEqual({});
  });

  it.each(wrong)("are refused with %s in a creation too", async (_, tags) => {
    const refusal = await refusalOf(eksAccount.create({ principalArn: eksAccount.jane, tags }));

    expect(refusal).toMatchObject({ name: "InvalidParameterException", status: 400 });
  });

  it("are fifty at most, with those that are there", async () => {
    await tag(Object.fromEntries(Array.from({ length: 50 }, (_, at) => [`key-${at}`, ""])));

    const refusal = await refusalOf(tag({ "one-more": "" }));
    await tag({ "key-1": "changed" });

    expect(refusal.name).toBe("BadRequestException");
  });

  it("are of the entry that has this ARN, not of one that was there before", async () => {
    const before = await arnOf();
    eksAccount.aws.updateCluster(eksAccount.arn, { accessEntries: [] });
    await eksAccount.create();

    const refusal = await refusalOf(
      eksAccount.eks.send(new TagResourceCommand({ resourceArn: before, tags: { team: "shop" } })),
    );

    expect(refusal).toMatchObject({ name: "NotFoundException", status: 404 });
  });
});

describe("tags of a cluster", () => {
  it("are shown by DescribeCluster, and are none of its entries'", async () => {
    const { eks, arn: resourceArn } = eksAccount;

    await eks.send(new TagResourceCommand({ resourceArn, tags: { team: "shop" } }));
    const { cluster } = await eks.send(new DescribeClusterCommand({ name: "main" }));

    expect(cluster?.tags).toEqual({ team: "shop" });
    expect((await eksAccount.describe())?.tags).toEqual({});
  });
});
