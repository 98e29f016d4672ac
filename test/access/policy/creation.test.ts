import { describe, expect, test } from "vitest";
import { creatorOf, isRecordOfCluster, isSameCreator } from "../../../src/access/policy/creator.ts";

const account = "111122223333";
const iam = (rest: string) => `arn:aws:iam::${account}:${rest}`;
const way = { externalId: "id", through: [{ roleArn: iam("role/hub") }], profile: "founder" };

describe("the creator that a record names", () => {
  test.each(["AssumedRole", "Role"])("is the role of an %s, to be assumed in the configured way", (kind) => {
    const verdict = creatorOf({ kind, arn: iam("role/ci/terraform"), invokedBy: null }, account, way);

    expect(verdict).toEqual({
      type: "creator",
      creator: { type: "role", roleArn: iam("role/ci/terraform"), externalId: "id", through: way.through },
    });
  });

  test.each(["IAMUser", "FederatedUser"])("is the user of an %s, with the configured profile", (kind) => {
    const verdict = creatorOf({ kind, arn: iam("user/ops/founder"), invokedBy: null }, account, way);

    expect(verdict).toEqual({
      type: "creator",
      creator: { type: "user", userArn: iam("user/ops/founder"), profile: "founder" },
    });
  });

  test("is the role that a service used for a caller", () => {
    const verdict = creatorOf(
      { kind: "AssumedRole", arn: iam("role/ci"), invokedBy: "cloudformation.amazonaws.com" },
      account,
      way,
    );

    expect(verdict).toMatchObject({ creator: { roleArn: iam("role/ci") } });
  });

  test.each([
    ["Root", iam("root"), null, "its creator is the root user of the account, which no worker should use"],
    ["FederatedUser", iam("root"), null, "its creator is the root user of the account, which no worker should use"],
    [
      "AWSService",
      null,
      "cloudformation.amazonaws.com",
      "an AWS service created it in its own name (cloudformation.amazonaws.com)",
    ],
    ["AWSAccount", null, null, "another AWS account created it, and the record names no principal"],
    ["SAMLUser", null, null, "a SAML user without a role created it"],
    ["WebIdentityUser", null, null, "a web identity user without a role created it"],
    ["IdentityCenterUser", null, null, "a user of IAM Identity Center created it, without a role"],
    ["Directory", null, null, "a user of a directory created it, without a role"],
    ["Unknown", null, null, "its creator is Unknown, which is no role or user"],
    [
      "AssumedRole",
      iam("role/aws-reserved/sso.amazonaws.com/eu-central-1/AWSReservedSSO_Admin_0123456789abcdef"),
      null,
      "its creator is a role of a permission set of IAM Identity Center, which only people can assume",
    ],
    [
      "AssumedRole",
      iam("role/aws-service-role/eks.amazonaws.com/AWSServiceRoleForAmazonEKS"),
      null,
      "its creator is a service-linked role, which only its service can assume",
    ],
    [
      "AssumedRole",
      "arn:aws:iam::999988887777:role/ci",
      null,
      `its creator, arn:aws:iam::999988887777:role/ci, is not of its account, ${account}`,
    ],
  ])("is an identity that no worker can become for a %s of %s", (kind, arn, invokedBy, why) => {
    expect(creatorOf({ kind, arn, invokedBy }, account, way)).toEqual({ type: "unusable", why });
  });
});

test("a record is about the present cluster if it is of the same minutes, or if no creation time is known", () => {
  const record = { eventId: "e", at: "2026-01-02T03:04:05Z", kind: "IAMUser", arn: iam("user/a"), invokedBy: null };

  expect(isRecordOfCluster(record, null)).toBe(true);
  expect(isRecordOfCluster(record, new Date("2026-01-02T03:08:00Z"))).toBe(true);
  expect(isRecordOfCluster(record, new Date("2026-01-02T03:10:00Z"))).toBe(false);
});

test.each([
  [iam("role/infra/creator"), iam("role/creator"), true],
  [iam("role/Creator"), iam("role/creator"), true],
  [iam("user/ops/founder"), iam("user/founder"), false],
  [iam("user/Founder"), iam("user/founder"), true],
  [iam("role/founder"), iam("user/founder"), false],
  [iam("role/creator"), "arn:aws-cn:iam::111122223333:role/creator", false],
])("%s and %s are one creator: %s", (one, other, same) => {
  expect(isSameCreator(one, other)).toBe(same);
});
