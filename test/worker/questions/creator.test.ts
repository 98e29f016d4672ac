import { afterEach, describe, expect, test } from "vitest";
import { arns, clusterArn, clusterName, externalId } from "../../../sandbox/scene.ts";
import type { Cluster } from "../../../src/access/policy/cluster.ts";
import { creatorAnswer } from "../../../src/slack/look/creator.ts";
import { reportCreator } from "../../../src/worker/questions/creator.ts";
import { useWorkerSide } from "../worker-side.ts";

const side = useWorkerSide();

afterEach(() => side().sandbox.aws.updateCluster(clusterArn(clusterName), { status: "ACTIVE" }));

/** What a person reads who asks for the creator of this cluster. */
async function answerFor(change: Partial<Cluster> = {}): Promise<string> {
  const cluster = { ...side().cluster, ...change };
  return creatorAnswer(cluster, await reportCreator(side().context(), cluster)).text;
}

describe("who created a cluster", () => {
  test("can be become while the cluster is being created", async () => {
    side().sandbox.aws.updateCluster(clusterArn(clusterName), { status: "CREATING" });

    const answer = await answerFor();

    expect(answer).toContain("✓ can act as it, but the cluster can't be used: EKS says that cluster staging");
    expect(answer).toContain("is CREATING");
    expect(answer).not.toContain("can't act as it");
  });

  test("is not become where there is an operator, and the answer names the identity that the worker uses", async () => {
    const { account } = side().sandbox.aws;
    const { arn: roleArn } = account.addRole({
      ...{ name: "operator", allow: ["eks:DescribeCluster"] },
      trust: { principals: [arns.worker] },
    });

    const answer = await answerFor({ operator: { type: "role", roleArn, through: [] } });

    expect(answer).toContain(`*Operator* \`${roleArn}\`\n`);
    expect(answer).toContain("*The worker* ✓ can act as the operator, and the cluster exists");
  });

  test("is not said to be forgotten where the region has no such cluster", async () => {
    const answer = await answerFor({ region: "eu-west-1" });

    expect(answer).toContain("*CloudTrail* – no record in `eu-west-1`: EKS has no such cluster there\n");
    expect(answer).toContain("Correct eksName, region or account.");
    expect(answer).not.toContain("90 days");
    expect(answer).not.toContain("can't act as it");
  });

  test("is not said to be forgotten where no one knows whether the region has the cluster", async () => {
    const answer = await answerFor({ region: "eu-west-1", creator: { type: "discover", through: [] } });

    expect(answer).toMatch(/\*CloudTrail\* – no record in `eu-west-1`: CloudTrail keeps 90 days/);
    expect(answer).toMatch(/Correct eksName, region or account/);
  });

  test("is not that of a deleted cluster with the same name, whose record alone CloudTrail has", async () => {
    const { aws, cluster } = side().sandbox;
    const again = { ...cluster, region: "eu-central-1", creatorArn: arns.creator };
    aws.addCluster({ ...again, name: "made-again", createdAt: new Date(Date.now() - 3_600_000) });
    aws.addCluster({ ...again, name: "made-again", recordedAs: "none" });
    const discover = { type: "discover", through: [], externalId } as const;

    const answer = await answerFor({ name: "made-again", eksName: "made-again", creator: discover });

    expect(answer).toContain("*CloudTrail* – no record in `eu-central-1`: CloudTrail keeps 90 days\n");
    expect(answer).toContain("CloudTrail knows only an older made-again, and can lag 15 minutes. Set creator");
    expect(answer).not.toContain("What to do");
  });

  test("is not that of a deleted cluster while the one with its name is being created", async () => {
    const { aws, cluster } = side().sandbox;
    const again = { ...cluster, region: "eu-central-1", creatorArn: arns.creator };
    aws.addCluster({ ...again, name: "in-creation", createdAt: new Date(Date.now() - 3_600_000) });
    aws.addCluster({ ...again, name: "in-creation", recordedAs: "none" });
    aws.updateCluster(clusterArn("in-creation"), { status: "CREATING" });

    const answer = await answerFor({ name: "in-creation", eksName: "in-creation" });

    expect(answer).toContain("is CREATING");
    expect(answer).toContain("*CloudTrail* – no record in `eu-central-1`: CloudTrail keeps 90 days");
  });

  test("says that it is the one that the configuration names", async () => {
    expect(await answerFor()).toContain("*CloudTrail* ✓ the same, as `AssumedRole`");
    expect(await answerFor()).toContain(`*Configured* \`${arns.creator}\``);
  });
});
