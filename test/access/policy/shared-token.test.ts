import { expect, test } from "vitest";
import type { Cluster } from "../../../src/access/policy/cluster.ts";
import { sharedTokenWarnings } from "../../../src/access/policy/expectation.ts";
import { aCluster } from "../../builders/a-cluster.ts";

const role = (name: string) => `arn:aws:iam::111122223333:role/${name}`;
const named = (name: string) => ({ type: "role", roleArn: role(name), through: [] }) as const;
const one = aCluster();
const other = (change: Partial<Cluster>) => aCluster({ name: "other", region: "us-east-1", ...change });
const discovered: Cluster["creator"] = { type: "discover", through: [] };

test.each<[string, Partial<Cluster>, Partial<Cluster>]>([
  ["another name in EKS", {}, { eksName: "other-eks" }],
  ["another creator", {}, { creator: named("somebody") }],
  [
    "another account, where CloudTrail names the creators",
    { creator: discovered },
    { creator: discovered, account: "999988887777" },
  ],
  [
    "another account, whose roles only the first one signs in as",
    { signIn: { roles: [role("dev-*")] } },
    { account: "999988887777" },
  ],
])("a token for one works nowhere else with %s", (_, of, change) => {
  expect(sharedTokenWarnings([{ ...one, ...of }, other(change)])).toEqual([]);
});

test.each<[string, Partial<Cluster>, Partial<Cluster>, string, string]>([
  ["one creator", {}, {}, `the creator ${role("cluster-creator")}`, "creator"],
  [
    "a creator that CloudTrail names",
    {},
    { creator: discovered },
    "perhaps one creator: CloudTrail names it",
    "creator",
  ],
  [
    "one operator, and two creators",
    { operator: named("operator") },
    { operator: named("operator"), creator: named("somebody") },
    `the operator ${role("operator")}`,
    "operator",
  ],
  ...[{}, { account: "999988887777", foreignAccounts: ["111122223333"] }].map(
    (takes): [string, Partial<Cluster>, Partial<Cluster>, string, string] => [
      `a role with which a worker signs in to the second one, and the first one takes: ${Object.keys(takes)}`,
      { ...takes, creator: named("somebody") },
      { signIn: { roles: [role("dev-*")] } },
      `perhaps the role ${role("dev-*")}`,
      "signIn.roles",
    ],
  ),
])("two clusters of one name share tokens with %s, of any two", (_, of, change, shared, own) => {
  const apart = other({ name: "apart", eksName: "apart-eks" });

  expect(sharedTokenWarnings([apart, { ...one, ...of }, other(change)])).toEqual([
    `staging and other share the EKS name staging-eks and ${shared}. Give each its own ${own}.`,
  ]);
});
