import { LookupEventsCommand, type LookupEventsCommandInput } from "@aws-sdk/client-cloudtrail";
import { AssumeRoleCommand } from "@aws-sdk/client-sts";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createClusterEvent } from "../../../sandbox/aws/cloudtrail.ts";
import type { NewCluster } from "../../../sandbox/aws/eks-clusters.ts";
import { anAccount, clientsOf, refusalOf } from "./clients.ts";
import { foreignCreateCluster, recordOf } from "./creator-records.ts";

// Copies: CloudTrail API reference, LookupEvents; CloudTrail User Guide, "CloudTrail record contents" and "userIdentity element";
// EKS User Guide, "Understanding Amazon EKS log file entries" (the record of CreateCluster).

let aws: Awaited<ReturnType<typeof anAccount>>;
let workerArn: string;
let creatorArn: string;

beforeEach(async () => {
  aws = await anAccount();
  workerArn = aws.account.addRole({ name: "worker", allow: ["cloudtrail:LookupEvents", "sts:SetSourceIdentity"] }).arn;
  creatorArn = aws.account.addRole({ name: "creator", path: "/ci/", trust: { principals: [workerArn] } }).arn;
});
afterEach(() => aws.stop());

const credentials = () => aws.account.sessionFor(workerArn, "pod-1");
const lookup = (input: LookupEventsCommandInput = {}, region?: string) =>
  clientsOf(aws.url, credentials(), region).cloudTrail.send(
    new LookupEventsCommand({
      LookupAttributes: [{ AttributeKey: "EventName", AttributeValue: "CreateCluster" }],
      ...input,
    }),
  );

const daysAgo = (days: number) => new Date(Date.now() - days * 24 * 3600 * 1000);

function aCluster(
  change: {
    name?: string;
    region?: string;
    createdAt?: Date;
    recordedAs?: NonNullable<NewCluster["recordedAs"]>;
    creatorArn?: string;
  } = {},
) {
  const { name = "main", region = "eu-central-1", ...more } = change;
  return aws.addCluster({
    name,
    region,
    creatorArn,
    endpoint: "https://x.invalid",
    certificateAuthority: "UEVN",
    ...more,
  });
}

async function record(): Promise<{ [member: string]: unknown }> {
  const { Events = [] } = await lookup();
  return JSON.parse(Events[0]?.CloudTrailEvent ?? "null");
}

describe("LookupEvents", () => {
  it("gives the creation of a cluster as a JSON string, with its ARN and name", async () => {
    const arn = aCluster();

    const { Events = [] } = await lookup();

    expect(Events).toHaveLength(1);
    expect(Events[0]).toMatchObject({
      EventName: "CreateCluster",
      EventSource: "eks.amazonaws.com",
      ReadOnly: "false",
    });
    expect(JSON.parse(Events[0]?.CloudTrailEvent ?? "")).toMatchObject({
      eventSource: "eks.amazonaws.com",
      requestParameters: { name: "main" },
      responseElements: { cluster: { arn } },
    });
  });

  it("finds the events of one region and of 90 days", async () => {
    aCluster({ name: "here", createdAt: daysAgo(89) });
    aCluster({ name: "too-old", createdAt: daysAgo(91) });
    aCluster({ name: "elsewhere", region: "eu-west-1" });

    const here = await lookup();
    const elsewhere = await lookup({}, "eu-west-1");

    expect(here.Events?.map(({ Resources }) => Resources?.[0]?.ResourceName)).toEqual(["here"]);
    expect(elsewhere.Events?.map(({ Resources }) => Resources?.[0]?.ResourceName)).toEqual(["elsewhere"]);
  });

  it("finds CreateCluster of other services by the same name", async () => {
    aws.cloudTrail.record(foreignCreateCluster("ecs", "main", "eu-central-1", aws.account.id, daysAgo(1)));
    aws.cloudTrail.record(foreignCreateCluster("redshift", "main", "eu-central-1", aws.account.id, daysAgo(2)));

    const { Events = [] } = await lookup();

    expect(Events.map(({ EventSource }) => EventSource)).toEqual(["ecs.amazonaws.com", "redshift.amazonaws.com"]);
  });

  it("gives pages of 50, newest first", async () => {
    for (let day = 1; day <= 60; day += 1) aCluster({ name: `c${day}`, createdAt: daysAgo(day) });

    const first = await lookup();
    const second = await lookup({ NextToken: first.NextToken });

    expect(first.Events).toHaveLength(50);
    expect(first.Events?.[0]?.Resources?.[0]?.ResourceName).toBe("c1");
    expect(second.Events).toHaveLength(10);
    expect(second.NextToken).toBeUndefined();
  });

  it.each([
    [
      "two attributes",
      {
        LookupAttributes: [
          { AttributeKey: "EventName", AttributeValue: "a" },
          { AttributeKey: "Username", AttributeValue: "b" },
        ],
      },
      "InvalidLookupAttributesException",
    ],
    ["51 results", { MaxResults: 51 }, "InvalidMaxResultsException"],
    ["a token that it did not give", { NextToken: "nonsense" }, "InvalidNextTokenException"],
    ["a start after the end", { StartTime: daysAgo(1), EndTime: daysAgo(2) }, "InvalidTimeRangeException"],
  ] as const)("refuses %s", async (_what, input, name) => {
    const refusal = await refusalOf(lookup(input as LookupEventsCommandInput));

    expect(refusal).toMatchObject({ name, status: 400 });
  });

  it("is denied to a caller without that action in a policy", async () => {
    aws.account.setAllowed(workerArn, []);

    const refusal = await refusalOf(lookup());

    expect(refusal).toMatchObject({ name: "AccessDeniedException", status: 400 });
  });
});

describe("the record of CreateCluster", () => {
  it("names a user by its ARN", async () => {
    const user = aws.account.addUser({ name: "founder", path: "/people/" });
    aCluster({ creatorArn: user.arn });

    expect((await record()).userIdentity).toMatchObject({ type: "IAMUser", arn: user.arn, userName: "founder" });
  });

  it("names a role, with its path, as the issuer of the session", async () => {
    aCluster();

    expect((await record()).userIdentity).toMatchObject({
      type: "AssumedRole",
      arn: "arn:aws:sts::111122223333:assumed-role/creator/terraform",
      sessionContext: { sessionIssuer: { type: "Role", arn: creatorArn } },
    });
  });

  it.each([
    [
      "FederatedUser",
      {
        type: "FederatedUser",
        sessionContext: { sessionIssuer: { arn: "arn:aws:iam::111122223333:role/ci/creator" } },
      },
    ],
    ["Root", { type: "Root", arn: "arn:aws:iam::111122223333:root" }],
    ["AWSAccount", { type: "AWSAccount", accountId: "111122223333" }],
    ["AWSService", { type: "AWSService", invokedBy: "cloudformation.amazonaws.com" }],
    ["InvokedByService", { type: "AssumedRole", invokedBy: "cloudformation.amazonaws.com" }],
  ] as const)("can be one of %s", async (kind, userIdentity) => {
    aCluster({ recordedAs: recordOf(kind, creatorArn) });

    expect((await record()).userIdentity).toMatchObject(userIdentity);
  });

  it("has an error code and no response where the creation failed, and may use the older parameter", async () => {
    const cluster = {
      name: "main",
      region: "eu-central-1",
      creatorArn,
      endpoint: "",
      certificateAuthority: "",
      authenticationMode: "CONFIG_MAP",
      createdAt: daysAgo(1),
      status: "FAILED",
      arn: "arn:aws:eks:eu-central-1:111122223333:cluster/main",
    } as const;
    const change = {
      errorCode: "ResourceInUseException",
      errorMessage: "Cluster already exists with name: main",
      olderParameters: true,
    };
    aws.cloudTrail.record(createClusterEvent(cluster, undefined, undefined, change));

    expect(await record()).toMatchObject({
      errorCode: "ResourceInUseException",
      requestParameters: { clusterName: "main" },
      responseElements: null,
    });
  });

  it("is absent where the cluster is older than the trail", async () => {
    aCluster({ recordedAs: "none" });

    expect((await lookup()).Events).toEqual([]);
  });
});

describe("the record of AssumeRole", () => {
  it("has the session's name and source identity, and the reason of the refusal", async () => {
    const { sts } = clientsOf(aws.url, credentials());
    await sts.send(new AssumeRoleCommand({ RoleArn: creatorArn, RoleSessionName: "engineer", SourceIdentity: "U123" }));
    await refusalOf(sts.send(new AssumeRoleCommand({ RoleArn: workerArn, RoleSessionName: "engineer" })));

    const { Events = [] } = await lookup({
      LookupAttributes: [{ AttributeKey: "EventName", AttributeValue: "AssumeRole" }],
    });

    const records = Events.map(({ CloudTrailEvent }) => JSON.parse(CloudTrailEvent ?? ""));
    expect(records).toContainEqual(
      expect.objectContaining({
        requestParameters: expect.objectContaining({ roleSessionName: "engineer", sourceIdentity: "U123" }),
      }),
    );
    expect(records).toContainEqual(expect.objectContaining({ errorCode: "AccessDenied" }));
  });
});
