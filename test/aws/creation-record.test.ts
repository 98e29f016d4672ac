import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createClusterEvent, type RecordChange } from "../../sandbox/aws/cloudtrail.ts";
import { type CreatedCluster, readCreationRecord } from "../../src/aws/find-creation.ts";
import { type CreatorRecord, foreignCreateCluster, recordOf } from "../sandbox/aws/creator-records.ts";

const account = "111122223333";
const creatorArn = `arn:aws:iam::${account}:role/ci/cluster-creator`;
const createdAt = new Date("2026-01-02T03:04:05.678Z");
const cluster: CreatedCluster = { arn: `arn:aws:eks:eu-central-1:${account}:cluster/payments`, createdAt };

/** The record of a cluster's creation, as CloudTrail gives it. */
function aRecord(
  change: { at?: Date; arn?: string; recordedAs?: CreatorRecord; creatorArn?: string; record?: RecordChange } = {},
): string {
  const created = {
    name: "payments",
    region: "eu-central-1",
    creatorArn: change.creatorArn ?? creatorArn,
    endpoint: "https://x.invalid",
    certificateAuthority: "UEVN",
    authenticationMode: "CONFIG_MAP",
    createdAt: change.at ?? createdAt,
    status: "ACTIVE",
    arn: change.arn ?? cluster.arn,
  } as const;
  const identity = recordOf(change.recordedAs ?? "AssumedRole", created.creatorArn, created.createdAt);
  const { record } = createClusterEvent(created, undefined, identity, change.record);
  return JSON.stringify(record);
}

describe("who created a cluster", () => {
  test.each<[CreatorRecord, string, string | null, string | null]>([
    ["IAMUser", "IAMUser", creatorArn, null],
    ["AssumedRole", "AssumedRole", creatorArn, null],
    ["InvokedByService", "AssumedRole", creatorArn, "cloudformation.amazonaws.com"],
    ["FederatedUser", "FederatedUser", creatorArn, null],
    ["Root", "Root", `arn:aws:iam::${account}:root`, null],
    ["AWSAccount", "AWSAccount", null, null],
    ["AWSService", "AWSService", null, "cloudformation.amazonaws.com"],
    ["SAMLUser", "SAMLUser", null, null],
    ["WebIdentityUser", "WebIdentityUser", null, null],
    ["IdentityCenterUser", "IdentityCenterUser", null, null],
    ["Directory", "Directory", null, null],
    ["Unknown", "Unknown", null, null],
  ])("is read from a record of %s", (recordedAs, kind, arn, invokedBy) => {
    expect(readCreationRecord(aRecord({ recordedAs }), cluster)).toEqual({
      eventId: expect.stringMatching(/^[\da-f-]{36}$/),
      at: "2026-01-02T03:04:05Z",
      kind,
      arn,
      invokedBy,
    });
  });

  test("is read from an older record, which calls the cluster's name otherwise", () => {
    const record = aRecord({ record: { olderParameters: true } });

    expect(readCreationRecord(record, cluster)).toMatchObject({ arn: creatorArn });
  });

  test("is the role of a session without an issuer in the record, without its path", () => {
    const { sessionContext, ...identity } = JSON.parse(aRecord()).userIdentity;
    const record = JSON.stringify({ ...JSON.parse(aRecord()), userIdentity: identity });

    expect(sessionContext.sessionIssuer.arn).toBe(creatorArn);
    expect(readCreationRecord(record, cluster)).toMatchObject({ arn: `arn:aws:iam::${account}:role/cluster-creator` });
  });

  test("is unknown if the kind of the identity is unknown", () => {
    const record = aRecord().replace('"AssumedRole"', '"constructor"');

    expect(readCreationRecord(record, cluster)).toMatchObject({ kind: "constructor", arn: null });
  });
});

describe("a record does not tell who created a cluster where it", () => {
  test.each([
    ["failed", aRecord({ record: { errorCode: "ResourceInUseException" } })],
    ["is of a cluster of another name", aRecord({ arn: `${cluster.arn}-2` })],
    ["is of a cluster of the name in another account", aRecord({ arn: cluster.arn.replace(account, "999988887777") })],
    ["is of a cluster of the name that was there before", aRecord({ at: new Date("2025-12-02T03:04:05Z") })],
    ["is not JSON", "{"],
    ["is empty", ""],
    ["has an id of a megabyte", aRecord().replace(/"eventID":"[^"]*"/, `"eventID":"${"i".repeat(1e6)}"`)],
    ["is of no time", aRecord().replace(/"eventTime":"[^"]*"/, '"eventTime":"soon"')],
    ["names its creator invisibly", aRecord({ creatorArn: `${creatorArn}\u202e` })],
    ["has a creator of no known kind", aRecord().replace('"type":"AssumedRole"', '"type":"<!channel> \\u001b[2J"')],
    ["is of another shape", JSON.stringify({ eventSource: "eks.amazonaws.com" })],
  ])("%s", (_, record) => {
    expect(readCreationRecord(record, cluster)).toBeNull();
  });

  test.each(["ecs", "redshift", "dax", "memorydb"] as const)("is of %s, with a cluster of the same name", (service) => {
    const { record } = foreignCreateCluster(service, "payments", "eu-central-1", account, createdAt);

    expect(readCreationRecord(JSON.stringify(record), cluster)).toBeNull();
  });
});

test("the record and the cluster can differ by some minutes at most", () => {
  const minutes = (count: number) => new Date(createdAt.getTime() + count * 60_000);

  expect(readCreationRecord(aRecord({ at: minutes(4) }), cluster)).not.toBeNull();
  expect(readCreationRecord(aRecord({ at: minutes(-4) }), cluster)).not.toBeNull();
  expect(readCreationRecord(aRecord({ at: minutes(6) }), cluster)).toBeNull();
  expect(readCreationRecord(aRecord({ at: minutes(-6) }), cluster)).toBeNull();
});

test("without the time of the creation any creation of the ARN counts", () => {
  const record = aRecord({ at: new Date("2025-12-02T03:04:05Z") });

  expect(readCreationRecord(record, { ...cluster, createdAt: null })).toMatchObject({ arn: creatorArn });
});

test("no record, however odd, breaks the reader", () => {
  fc.assert(
    fc.property(fc.json(), (json) => {
      expect(readCreationRecord(json, cluster)).toBeNull();
    }),
  );
});

test("a text that is longer than any record of CloudTrail is not parsed", () => {
  const record = aRecord();

  expect(readCreationRecord(record.padEnd(2 ** 19), cluster)).not.toBeNull();
  expect(readCreationRecord(record.padEnd(2 ** 19 + 1), cluster)).toBeNull();
});
