import { beforeAll, expect, test } from "vitest";
import { type ClusterAddress, EksCluster, switchToAccessEntries } from "../../src/aws/eks-cluster.ts";
import { account, partition, region, useAccount } from "./aws-account.ts";

const underTest = useAccount();

function clusterOf(name: string, authenticationMode?: "API_AND_CONFIG_MAP") {
  const { aws, creatorArn } = underTest();
  const place = { name, endpoint: "https://127.0.0.1:1", certificateAuthority: "Y2E=", region, creatorArn };
  const arn = aws.addCluster(authenticationMode ? { ...place, authenticationMode } : place);
  return { arn, address: { eksName: name, region, account, partition } };
}

/** An update of EKS is done after one wait, however busy the machine is. */
beforeAll(() => {
  underTest().aws.eks.updateMs = 30_000;
});
const pause = async () => underTest().aws.clock.pass(31);
const lettingIn = async (address: ClusterAddress) =>
  switchToAccessEntries(await EksCluster.open(underTest().worker, address), { pause });

test("a cluster that reads aws-auth alone knows access entries afterwards, when EKS says that it does", async () => {
  const { arn, address } = clusterOf("old");

  expect(await lettingIn(address)).toBe(true);

  expect(underTest().aws.accessOf(arn)?.mode).toBe("API_AND_CONFIG_MAP");
});

test("one that knows them is left alone", async () => {
  const { address } = clusterOf("new", "API_AND_CONFIG_MAP");
  const before = underTest().aws.faults.calls("eks.UpdateClusterConfig");

  expect(await lettingIn(address)).toBe(false);

  expect(underTest().aws.faults.calls("eks.UpdateClusterConfig")).toBe(before);
});

test("an update that runs already, as of a run that died, is awaited and not begun twice", async () => {
  const { address } = clusterOf("busy");
  const { faults } = underTest().aws;
  faults.plan("eks.DescribeUpdate", {
    type: "answer",
    status: 403,
    headers: { "x-amzn-errortype": "AccessDeniedException" },
    body: "{}",
  });
  await expect(lettingIn(address)).rejects.toMatchObject({ code: "aws-access-denied" });
  const before = faults.calls("eks.UpdateClusterConfig");

  expect(await lettingIn(address)).toBe(true);

  expect(faults.calls("eks.UpdateClusterConfig")).toBe(before);
});

test.each([
  ["has begun", async () => {}],
  ["is done", pause],
])("of two runs that begin it at the same moment both see it done, where the first one %s", async (_, then) => {
  const { arn, address } = clusterOf("raced");
  const onStrike = async () => {
    const { client } = await EksCluster.open(underTest().worker, address);
    await client.updateClusterConfig({ name: "raced", accessConfig: { authenticationMode: "API_AND_CONFIG_MAP" } });
    await then();
  };
  underTest().aws.faults.plan("eks.UpdateClusterConfig", { type: "watch" }, { onStrike });

  expect(await lettingIn(address)).toBe(true);

  expect(underTest().aws.accessOf(arn)?.mode).toBe("API_AND_CONFIG_MAP");
});

test("a failed update is reported with EKS's reason", async () => {
  const { address } = clusterOf("failing");
  const update = {
    id: "1",
    status: "Failed",
    errors: [{ errorCode: "Unknown", errorMessage: "The platform version is too old." }],
  };
  underTest().aws.faults.plan("eks.DescribeUpdate", { type: "answer", status: 200, body: JSON.stringify({ update }) });

  await expect(lettingIn(address)).rejects.toThrow("The platform version is too old");
});

test.each([
  ["no list", "none", /: Failed\. /],
  [
    "an item without a form",
    [null, { errorMessage: "Too old.\u001b[2J Bearer 0123456789abcdefg" }],
    /: Too old\. \[2J Bearer \[redacted\]\. /,
  ],
  ["endless words", [{ errorMessage: "old ".repeat(9_000) }], /^.{200,2000}$/],
])("EKS's reason of a failed update can be %s", async (kind, errors, said) => {
  const { address } = clusterOf(`odd-${kind.replaceAll(" ", "-")}`);
  const body = JSON.stringify({ update: { id: "1", status: "Failed", errors } });
  underTest().aws.faults.plan("eks.DescribeUpdate", { type: "answer", status: 200, body });

  await expect(lettingIn(address)).rejects.toMatchObject({
    code: "aws-request-refused",
    message: expect.stringMatching(said),
  });
});

test("without the permission it says which one is missing", async () => {
  const { aws, workerArn } = underTest();
  const { address } = clusterOf("forbidden");
  aws.account.setAllowed(workerArn, ["eks:DescribeCluster"]);

  await expect(lettingIn(address)).rejects.toThrow("eks:UpdateClusterConfig on cluster forbidden");
});
