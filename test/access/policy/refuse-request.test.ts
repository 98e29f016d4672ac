import { describe, expect, test } from "vitest";
import { readPrincipal } from "../../../src/access/arn.ts";
import { partitionOf } from "../../../src/access/policy/cluster.ts";
import type { Creator } from "../../../src/access/policy/creator.ts";
import { type RequestedAccess, refuseRequest } from "../../../src/access/policy/may-ask.ts";
import { aCluster, aLevel } from "../../builders/a-cluster.ts";

function aRequestedAccess(change: Partial<RequestedAccess> & { arn?: string } = {}): RequestedAccess {
  const { arn = "arn:aws:iam::111122223333:role/developers", ...rest } = change;
  const reading = readPrincipal(arn);
  if (reading.type === "invalid") throw new Error(reading.message);
  return { cluster: aCluster(), level: aLevel(), principal: reading.principal, durationSeconds: 3600, ...rest };
}

function aRole(roleArn: string): Creator {
  return { type: "role", roleArn, through: [] };
}

test.each<[string, RequestedAccess]>([
  ["a role of that account", aRequestedAccess()],
  ["the longest lease of the level", aRequestedAccess({ durationSeconds: 8 * 3600 })],
  [
    "a principal of an account that the policy names",
    aRequestedAccess({
      arn: "arn:aws:iam::999988887777:role/x",
      cluster: aCluster({ foreignAccounts: ["999988887777"] }),
    }),
  ],
])("the policy allows %s", (_, requested) => {
  expect(refuseRequest(requested)).toBeNull();
});

describe("the policy refuses", () => {
  test.each<[string, string, RequestedAccess, string]>([
    [
      "a second more than the longest lease",
      "too-long",
      aRequestedAccess({ durationSeconds: 8 * 3600 + 1 }),
      "viewer lasts at most 8h.",
    ],
    [
      "a level that the cluster does not offer",
      "level-not-offered",
      aRequestedAccess({ level: aLevel({ name: "root" }) }),
      "staging does not offer root. Levels: viewer, admin.",
    ],
    [
      "the creator, in whatever case it is written",
      "creator",
      aRequestedAccess({ arn: "arn:aws:iam::111122223333:role/Cluster-Creator" }),
      "arn:aws:iam::111122223333:role/Cluster-Creator created staging, so it has full access.",
    ],
    [
      "a creator that has a path, by the ARN that the authenticator sees",
      "creator",
      aRequestedAccess({
        arn: "arn:aws:iam::111122223333:role/cluster-creator",
        cluster: aCluster({ creator: aRole("arn:aws:iam::111122223333:role/infra/cluster-creator") }),
      }),
      "arn:aws:iam::111122223333:role/cluster-creator created staging, so it has full access.",
    ],
    [
      "a user that created the cluster, with its path, in whatever case",
      "creator",
      aRequestedAccess({
        arn: "arn:aws:iam::111122223333:user/ops/Founder",
        cluster: aCluster({ creator: { type: "user", userArn: "arn:aws:iam::111122223333:user/ops/founder" } }),
      }),
      "arn:aws:iam::111122223333:user/ops/Founder created staging, so it has full access.",
    ],
    [
      "the operator, by the ARN that the authenticator sees",
      "operator",
      aRequestedAccess({
        arn: "arn:aws:iam::111122223333:role/operator",
        cluster: aCluster({
          operator: { type: "role", roleArn: "arn:aws:iam::111122223333:role/infra/operator", through: [] },
        }),
      }),
      "arn:aws:iam::111122223333:role/operator is the operator of staging, for eks-access alone.",
    ],
    [
      "a principal of another account",
      "foreign-account",
      aRequestedAccess({ arn: "arn:aws:iam::999988887777:role/x" }),
      "arn:aws:iam::999988887777:role/x is in 999988887777, staging in 111122223333. An operator can add it to foreignAccounts.",
    ],
    [
      "a principal of another partition, also where its account is allowed",
      "wrong-partition",
      aRequestedAccess({
        arn: "arn:aws-cn:iam::999988887777:role/x",
        cluster: aCluster({ foreignAccounts: ["999988887777"] }),
      }),
      "arn:aws-cn:iam::999988887777:role/x is in aws-cn, staging in aws.",
    ],
  ])("%s", (_, code, requested, message) => {
    expect(refuseRequest(requested)).toEqual({ code, message });
  });
});

test("a user that is called as the creator is, below another path, may have access", () => {
  const cluster = aCluster({ creator: { type: "user", userArn: "arn:aws:iam::111122223333:user/ops/founder" } });

  expect(refuseRequest(aRequestedAccess({ arn: "arn:aws:iam::111122223333:user/founder", cluster }))).toBeNull();
});

test("a cluster's partition is that of its creator, or of its region where the creator is not known", () => {
  const china = aCluster({ creator: aRole("arn:aws-cn:iam::111122223333:role/creator") });
  const unknown = aCluster({ creator: { type: "discover", through: [] }, region: "us-gov-west-1" });

  expect(partitionOf(china)).toBe("aws-cn");
  expect(partitionOf(unknown)).toBe("aws-us-gov");
});
