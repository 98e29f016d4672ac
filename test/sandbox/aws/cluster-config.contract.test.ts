import {
  DeleteAccessEntryCommand,
  DescribeClusterCommand,
  DescribeUpdateCommand,
  ListAccessEntriesCommand,
  UpdateClusterConfigCommand,
} from "@aws-sdk/client-eks";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { AuthenticationMode } from "../../../sandbox/aws/eks-cluster.ts";
import { anEksAccount, type EksAccount, policyArn } from "./an-eks-account.ts";
import { refusalOf } from "./clients.ts";

// Copies: Amazon EKS API reference, UpdateClusterConfig, DescribeUpdate; EKS User Guide, "Change authentication
// mode to use access entries" and "Grant IAM users access to Kubernetes with EKS access entries". Texts: docs/sandbox.md.

let eksAccount: EksAccount;
beforeEach(async () => {
  eksAccount = await anEksAccount("CONFIG_MAP");
});
afterEach(() => eksAccount.aws.stop());

const name = "main";
const switchTo = async (authenticationMode: AuthenticationMode, more: object = {}) => {
  const command = new UpdateClusterConfigCommand({ name, accessConfig: { authenticationMode }, ...more });
  return (await eksAccount.eks.send(command)).update;
};
const statusOf = async (updateId = "") =>
  (await eksAccount.eks.send(new DescribeUpdateCommand({ name, updateId }))).update?.status;
const cluster = async () => (await eksAccount.eks.send(new DescribeClusterCommand({ name }))).cluster;

/** Switches, and waits until it is done. */
async function switched(...way: readonly AuthenticationMode[]): Promise<void> {
  for (const mode of way) {
    await switchTo(mode);
    eksAccount.aws.clock.pass(60);
  }
}

describe("a switch of the mode", () => {
  it("takes its time: the cluster is updating, and in its old mode until then", async () => {
    eksAccount.aws.eks.updateMs = 30_000;

    const update = await switchTo("API_AND_CONFIG_MAP");
    const during = await cluster();
    const [running, entries] = [await statusOf(update?.id), await refusalOf(eksAccount.describe())];
    eksAccount.aws.clock.pass(31);
    const after = await cluster();

    expect(update).toMatchObject({
      status: "InProgress",
      type: "AccessConfigUpdate",
      params: [{ type: "AuthenticationMode", value: "API_AND_CONFIG_MAP" }],
    });
    expect(during).toMatchObject({ status: "UPDATING", accessConfig: { authenticationMode: "CONFIG_MAP" } });
    expect([running, entries.name]).toEqual(["InProgress", "InvalidRequestException"]);
    expect(after).toMatchObject({ status: "ACTIVE", accessConfig: { authenticationMode: "API_AND_CONFIG_MAP" } });
    expect(await statusOf(update?.id)).toBe("Successful");
  });

  it("waits for no other: a second one is refused until the first is done", async () => {
    eksAccount.aws.eks.updateMs = 30_000;
    const first = await switchTo("API_AND_CONFIG_MAP");

    const refusal = await refusalOf(switchTo("API_AND_CONFIG_MAP"));
    eksAccount.aws.clock.pass(31);
    const second = await switchTo("API");

    expect(refusal.message).toBe(
      `Cannot AccessConfigUpdate because cluster main currently has update ${first?.id} in progress`,
    );
    expect(second?.id).not.toBe(first?.id);
  });

  it("is the same one when it is asked for again with its token", async () => {
    const first = await switchTo("API_AND_CONFIG_MAP", { clientRequestToken: "a-token" });

    const again = await switchTo("API_AND_CONFIG_MAP", { clientRequestToken: "a-token" });

    expect(again?.id).toBe(first?.id);
  });

  it.each<[AuthenticationMode[], AuthenticationMode]>([
    [[], "API"],
    [[], "CONFIG_MAP"],
    [["API_AND_CONFIG_MAP"], "CONFIG_MAP"],
    [["API_AND_CONFIG_MAP"], "API_AND_CONFIG_MAP"],
    [["API_AND_CONFIG_MAP", "API"], "API_AND_CONFIG_MAP"],
    [["API_AND_CONFIG_MAP", "API"], "CONFIG_MAP"],
  ])("goes on one step at a time and never back: after %j not to %s", async (way, wanted) => {
    await switched(...way);

    const refusal = await refusalOf(switchTo(wanted));

    expect(refusal).toEqual({
      name: "InvalidParameterException",
      message: `Unsupported authentication mode update from ${way.at(-1) ?? "CONFIG_MAP"} to ${wanted}`,
      status: 400,
    });
    expect(await cluster()).toMatchObject({ status: "ACTIVE" });
  });

  it("names the missing parameter, and the unknown update", async () => {
    const nothing = await refusalOf(eksAccount.eks.send(new UpdateClusterConfigCommand({ name })));
    const absent = await refusalOf(statusOf("0b1d0000-0000-4000-8000-000000000000"));

    expect(nothing.message).toBe("The type for cluster update was not provided.");
    expect(absent).toMatchObject({ name: "ResourceNotFoundException", status: 404 });
  });
});

describe("what EKS makes with the first switch", () => {
  it("is the creator's entry and those of managed nodes and Fargate profiles, once", async () => {
    const { aws, arn } = eksAccount;
    const node = aws.account.addRole({ name: "managed-node" }).arn;
    const pod = aws.account.addRole({ name: "fargate" }).arn;
    aws.removeCluster(arn);
    const nodeRoles = [
      { arn: node, type: "EC2_LINUX" as const },
      { arn: pod, type: "FARGATE_LINUX" as const },
    ];
    const known = { name, region: "eu-central-1", endpoint: "https://127.0.0.1:6443", certificateAuthority: "UEVN" };
    aws.addCluster({ ...known, creatorArn: eksAccount.creator, nodeRoles });

    await switched("API_AND_CONFIG_MAP");
    const { accessEntries } = await eksAccount.eks.send(new ListAccessEntriesCommand({ clusterName: name }));
    const entries = await Promise.all([eksAccount.creator, node, pod].map((each) => eksAccount.describe(each)));

    expect(accessEntries).toEqual([eksAccount.creator, node, pod]);
    expect(entries.map((entry) => entry?.type)).toEqual(["STANDARD", "EC2_LINUX", "FARGATE_LINUX"]);
    expect((await eksAccount.policies(eksAccount.creator)).map((each) => each.policyArn)).toEqual([
      policyArn("AmazonEKSClusterAdminPolicy"),
    ]);
  });

  it("is not made again by the second switch after its removal", async () => {
    await switched("API_AND_CONFIG_MAP");
    await eksAccount.eks.send(new DeleteAccessEntryCommand({ clusterName: name, principalArn: eksAccount.creator }));

    await switched("API");
    const { accessEntries } = await eksAccount.eks.send(new ListAccessEntriesCommand({ clusterName: name }));

    expect(accessEntries).toEqual([]);
  });
});
