import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { NewCluster } from "../../sandbox/aws/eks-clusters.ts";
import { account, arns, channel, clusterName, externalId, region } from "../../sandbox/scene.ts";
import { textOf } from "../../sandbox/slack/message-content.ts";
import { recordOf } from "../sandbox/aws/creator-records.ts";
import { type Flow, startFlow } from "./start-flow.ts";

const arn = `arn:aws:eks:${region}:${account}:cluster/${clusterName}`;
const daysAgo = (days: number) => new Date(Date.now() - days * 24 * 3_600_000);

describe("what a person on call asks a worker:", () => {
  let flow: Flow;

  beforeAll(async () => {
    flow = await startFlow();
  });
  afterAll(() => flow.stop());

  /** The cluster was created at this time by this creator, and CloudTrail recorded it so. */
  const created = (how: Pick<NewCluster, "createdAt" | "recordedAs"> & { by?: string }) => {
    const { aws, cluster } = flow.sandbox;
    aws.removeCluster(arn);
    aws.addCluster({ ...cluster, region, creatorArn: how.by ?? arns.creator, ...how });
  };
  /** What a person reads who asks now. */
  const say = async (line: string): Promise<string> => {
    const { slack } = flow.sandbox;
    const { seen } = await slack.person("U0ONCALL").command(`/eks-access ${line}`, channel);
    return textOf(await slack.until(() => seen()[0]));
  };
  const ask = (name: string) => say(`creator ${name}`);

  test("creator says that the configuration and CloudTrail name the same role, and that the worker can become it", async () => {
    const answer = await ask(clusterName);

    expect(answer).toContain(`*Configured* \`${arns.creator}\``);
    expect(answer).toContain("*CloudTrail* ✓ the same, as `AssumedRole` (event ");
    expect(answer).toContain("*The worker* ✓ can act as it");
  });

  test("says it where another role has created the cluster", async () => {
    created({ by: arns.admins, createdAt: daysAgo(1) });

    const answer = await ask(clusterName);

    expect(answer).toContain(`*CloudTrail* ✗ \`${arns.admins}\`, not the configured one`);
  });

  test("says it where the root user, or a service for a person, has created the cluster", async () => {
    created({ recordedAs: recordOf("Root", arns.creator), createdAt: daysAgo(2) });
    const root = await ask(clusterName);
    created({ recordedAs: recordOf("AWSService", arns.creator), createdAt: daysAgo(3) });
    const service = await ask(clusterName);

    expect(root).toContain("✗ the root user, which no worker can use");
    expect(service).toContain("✗ AWSService through `cloudformation.amazonaws.com`, which no worker can use");
  });

  test("says that CloudTrail keeps 90 days where it has no record any more", async () => {
    created({ recordedAs: "none", createdAt: daysAgo(100) });

    const answer = await ask(clusterName);

    expect(answer).toContain("*CloudTrail* – no record in `eu-central-1` in the last 90 days.");
    expect(answer).toContain("*The worker* ✓ can act as it");
  });

  test("says that CloudTrail was not asked where the worker may not", async () => {
    created({ createdAt: daysAgo(4) });
    const { account: iam } = flow.sandbox.aws;
    const allowed = iam.identity(arns.worker)?.allow ?? [];
    iam.setAllowed(
      arns.worker,
      allowed.filter((action) => action !== "cloudtrail:LookupEvents"),
    );

    const answer = await ask(clusterName);
    iam.setAllowed(arns.worker, allowed);

    expect(answer).toContain("*CloudTrail* – not asked: AWS refused cloudtrail:LookupEvents in eu-central-1");
    expect(answer).toContain("*The worker* ✓ can act as it");
  });

  test("says why the worker can't become the creator, and what CloudTrail knows all the same", async () => {
    created({ createdAt: daysAgo(5) });
    flow.sandbox.aws.account.setTrust(arns.creator, { principals: [] });

    const answer = await ask(clusterName);
    flow.sandbox.aws.account.setTrust(arns.creator, { principals: [arns.worker], externalId });

    expect(answer).toContain("*The worker* ✗ can't act as it: AWS refused sts:AssumeRole");
    expect(answer).toContain("*CloudTrail* ✓ the same");
  });

  test("whoami of the cluster goes the whole way, and says that no one is linked yet", async () => {
    const answer = await say(`whoami ${clusterName}`);

    // An API server older than 1.28 does not say it, and then the answer does not claim it.
    expect(answer).toMatch(/✓ each tested step works; not tested: (the API server, )?you, your pods/);
    expect(answer).toMatch(
      /✓ \*the API server\* knows us as `kubernetes-admin` in `system:masters`|– \*the API server\* not tested: it accepted us, but does not say as which user/,
    );
    expect(answer).toMatch(/✓ \*the creator\* .*eks-access-U0ONCALL-whoami`$/m);
  });

  test("link, and then why of the linked principal", async () => {
    await say(`link ${arns.engineer}`);

    const answer = await say(`why ${clusterName}`);

    expect(answer).toContain("kubectl says `You must be logged in to the server (Unauthorized)`");
    expect(answer).toContain(`Request access: \`/eks-access request ${clusterName} ${arns.engineer} …\`.`);
  });

  test("check reads the live document", async () => {
    expect(await say(`check ${clusterName}`)).toContain(`*aws-auth of \`${clusterName}\`* ✓`);
  });

  test("guesses at an unknown cluster", async () => {
    expect(await ask("stagin")).toContain("There is no cluster `stagin`. Did you mean `staging`?");
  });
});
