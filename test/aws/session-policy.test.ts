import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { accessEntriesOf } from "../../src/aws/access-entries.ts";
import type { AwsCredentials } from "../../src/aws/client-settings.ts";
import { EksCluster } from "../../src/aws/eks-cluster.ts";
import { findCreation } from "../../src/aws/find-creation.ts";
import {
  cloudTrailSessionPolicy,
  creatorSessionPolicy,
  managerSessionPolicy,
  nextRoleSessionPolicy,
  nothingSessionPolicy,
  sessionNameOf,
  tagsOf,
} from "../../src/aws/session-policy.ts";
import { assumeRole, callerIdentity } from "../../src/aws/sts.ts";
import { anyCharacter } from "../any-text.ts";
import { account, describeCluster, partition, region, useAccount } from "./aws-account.ts";

const accountUnderTest = useAccount();
const arnOf = (name: string) => `arn:aws:eks:${region}:${account}:cluster/${name}`;
let mighty: string;
let next: string;
let other: string;

beforeAll(() => {
  const { aws, workerArn } = accountUnderTest();
  const iam = aws.account;
  mighty = iam.addRole({ name: "terraform", allow: ["*"], trust: { principals: [workerArn] } }).arn;
  next = iam.addRole({ name: "next", trust: { principals: [mighty] } }).arn;
  other = iam.addRole({ name: "other", trust: { principals: [mighty] } }).arn;
  for (const name of ["payments", "ledgers"]) {
    const endpoint = `https://${name}.invalid`;
    aws.addCluster({ name, region, creatorArn: mighty, endpoint, certificateAuthority: "Q0E=" });
  }
});

const sessionWith = (policy: string) =>
  assumeRole(accountUnderTest().worker, { roleArn: mighty, region, sessionName: "eks-access", policy });
const look = (credentials: AwsCredentials, eksName: string) =>
  describeCluster(credentials, { eksName, region, account, partition });
const goOn = (credentials: AwsCredentials, roleArn: string) =>
  assumeRole(credentials, { roleArn, region, sessionName: "eks-access", sourceIdentity: "U0ENGINEER" });
const askCloudTrail = (credentials: AwsCredentials) =>
  findCreation(credentials, region, { arn: arnOf("payments"), createdAt: null }, new Date(), async () => {});
const denied = { code: "aws-access-denied" };
const entryDenied = { code: "access-entry-denied" };

test.each([
  ["gives access entries", creatorSessionPolicy(longest(), { givesEntries: true })],
  ["manages a cluster", managerSessionPolicy(longest())],
])("a session that %s fits STS's limit beside its tags, however long the cluster's name is", async (_, policy) => {
  const tags = tagsOf([{ id: `r-${"x".repeat(20)}`, requester: `U${"X".repeat(20)}` }]);

  const session = assumeRole(accountUnderTest().worker, { roleArn: mighty, region, sessionName: "long", policy, tags });

  await expect(session).resolves.toHaveProperty("sessionToken");
});

/** As long as an ARN can get: EKS allows 100 characters of a name. */
function longest(): string {
  return `arn:aws-us-gov:eks:us-gov-west-1:111122223333:cluster/${"x".repeat(100)}`;
}

describe("of a role that may do everything", () => {
  test("a creator's session looks at its own cluster and can do nothing else", async () => {
    const session = await sessionWith(creatorSessionPolicy(arnOf("payments"), { givesEntries: false }));

    expect((await look(session, "payments")).arn).toBe(arnOf("payments"));
    await expect(look(session, "ledgers")).rejects.toMatchObject(denied);
    await expect(goOn(session, next)).rejects.toMatchObject(denied);
    await expect(askCloudTrail(session)).rejects.toMatchObject(denied);
  });

  test("a creator's session that gives access entries marks its own cluster with our tags, and with no others", async () => {
    const session = await sessionWith(creatorSessionPolicy(arnOf("payments"), { givesEntries: true }));
    const eks = await EksCluster.open(session, { eksName: "payments", region, account, partition });
    const entries = accessEntriesOf(eks);
    const ours = { "eks-access/withdrawn/r-1": "approved" };

    await entries.tagCluster(ours);
    expect((await look(session, "payments")).tags).toEqual(ours);
    await expect(entries.tagCluster({ ...ours, team: "mine" })).rejects.toMatchObject(entryDenied);
    await expect(entries.untagCluster(["team"])).rejects.toMatchObject(entryDenied);
    await expect(look(session, "ledgers")).rejects.toMatchObject(denied);
    await entries.untagCluster(Object.keys(ours));
    expect((await look(session, "payments")).tags).toEqual({});
  });

  test("a session on the way goes on to the next role and can do nothing else", async () => {
    const session = await sessionWith(nextRoleSessionPolicy(next));

    expect((await goOn(session, next)).sessionToken).toBeTruthy();
    await expect(goOn(session, other)).rejects.toMatchObject(denied);
    await expect(look(session, "payments")).rejects.toMatchObject(denied);
    await expect(askCloudTrail(session)).rejects.toMatchObject(denied);
  });

  test("a principal's session says who it is and can do nothing at all", async () => {
    const session = await sessionWith(nothingSessionPolicy());

    expect((await callerIdentity(session, region)).arn).toMatch(/:assumed-role\/terraform\/eks-access$/);
    await expect(look(session, "payments")).rejects.toMatchObject(denied);
    await expect(goOn(session, next)).rejects.toMatchObject(denied);
    await expect(askCloudTrail(session)).rejects.toMatchObject(denied);
  });

  test("a session for CloudTrail asks it and can do nothing else", async () => {
    const session = await sessionWith(cloudTrailSessionPolicy());

    expect(await askCloudTrail(session)).toMatchObject({ arn: mighty });
    await expect(look(session, "payments")).rejects.toMatchObject(denied);
    await expect(goOn(session, next)).rejects.toMatchObject(denied);
  });
});

test("a session is named after the request and its requester", () => {
  expect(sessionNameOf("r-7f3k", "U012ABCDEF")).toBe("eks-access-r-7f3k-U012ABCDEF");
});

test("accents lose their marks and other letters become one hyphen", () => {
  expect(sessionNameOf("r1", "José / Müller 李")).toBe("eks-access-r1-Jose-Muller");
});

test("a long name is cut at the end, so the request's id stays whole", () => {
  const name = sessionNameOf("r-7f3k", "x".repeat(200));

  expect(name).toHaveLength(64);
  expect(name).toMatch(/^eks-access-r-7f3k-x+$/);
});

test("whatever the parts are, STS takes the name", () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: anyCharacter }), { maxLength: 3 }), (parts) => {
      expect(sessionNameOf(...parts)).toMatch(/^[\w+=,.@-]{2,64}$/);
    }),
  );
});
