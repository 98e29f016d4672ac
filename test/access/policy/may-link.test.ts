import { expect, test } from "vitest";
import { mayLink, refuseRescue } from "../../../src/access/policy/permissions.ts";
import { aCluster } from "../../builders/a-cluster.ts";

const role = (account: string, rest = "developers") => `arn:aws:iam::${account}:role/${rest}`;
const operator = { type: "role", roleArn: role("111122223333", "infra/operator"), through: [] } as const;
const clusters = [aCluster({ foreignAccounts: ["444455556666"], operator })];

test.each([
  ["of a cluster's own account", role("111122223333"), role("111122223333")],
  ["of an account that a cluster takes", role("444455556666"), role("444455556666")],
  ["with its path", role("111122223333", "team/developers"), role("111122223333")],
  ["as a session", "arn:aws:sts::111122223333:assumed-role/developers/jane", role("111122223333")],
  ["with white space around it", ` ${role("111122223333")} `, role("111122223333")],
])("a person can be linked with a role %s, in the form that aws-auth has", (_, given, arn) => {
  expect(mayLink(given, clusters)).toMatchObject({ type: "linkable", principal: { arn } });
});

test.each([
  ["what is no principal", "jane", "not-a-principal"],
  ["the root of an account", "arn:aws:iam::111122223333:root", "not-a-principal"],
  ["the creator of a cluster", role("111122223333", "cluster-creator"), "creator"],
  ["the creator's session", "arn:aws:sts::111122223333:assumed-role/cluster-creator/me", "creator"],
  ["the operator's session", "arn:aws:sts::111122223333:assumed-role/operator/me", "operator"],
  ["a principal of an account that no cluster takes", role("999988887777"), "unknown-account"],
  ["a principal of another partition", "arn:aws-cn:iam::111122223333:role/developers", "unknown-account"],
])("no one can be linked with %s", (_, given, code) => {
  expect(mayLink(given, clusters)).toMatchObject({ type: "refused", code });
});

test("a cluster accepts a principal of its own partition", () => {
  const creator = { type: "role", roleArn: "arn:aws-cn:iam::111122223333:role/cluster-creator", through: [] } as const;
  const cluster = aCluster({ region: "cn-north-1", creator });

  expect(mayLink("arn:aws-cn:iam::111122223333:role/developers", [cluster])).toMatchObject({ type: "linkable" });
});

test("a rescue makes no administrator of the operator", () => {
  const breakGlass = { who: ["U0ONCALL"], level: "viewer", durationSeconds: 3600 };
  const asked = { by: "U0ONCALL", durationSeconds: 60 };
  const cluster = aCluster({ operator, breakGlass });

  expect(refuseRescue(cluster, { ...asked, role: operator.roleArn })).toContain("is the operator of staging");
  expect(refuseRescue(cluster, { ...asked, role: role("111122223333") })).toBeNull();
});
