import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { readTemplate } from "../account-role.ts";

const read = (path: string) => readFileSync(new URL(`../../deploy/${path}`, import.meta.url), "utf8");
const iam = (name: string): unknown => JSON.parse(read(`iam/${name}.json`), oneAsItself);
/** In the example of deploy/iam. */
const example: Readonly<Record<string, string | readonly string[]>> = {
  WorkerRoleArn: "arn:aws:iam::111122223333:role/eks-access-worker",
  ExternalId: "replace-with-an-id-of-your-own",
  RoleName: "eks-access-operator",
  ClusterName: "payments",
  Principals: ["arn:aws:iam::111122223333:role/team/*"],
  Groups: ["eks-access:viewers", "eks-access:deployers"],
  AccessPolicies: ["arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy"],
  AccessScopes: ["namespace"],
  Namespaces: ["payments"],
  RescueRoleName: "cluster-rescuer",
  "AWS::Partition": "aws",
  "AWS::AccountId": "111122223333",
  Role: "attribute Role",
};
const inExample = (name: string) =>
  example[name] ?? expect.fail(`the template names ${name}, and nothing is called so`);

/** The template as CloudFormation resolves it in the example. */
const made = readTemplate(read("cloudformation/account-role.yaml"), inExample);
const { Properties: role } = made.Resources.Role;

test("each parameter is meant, and its pattern takes the example and no wildcard for a role", () => {
  for (const [name, { Type, AllowedPattern = ".*" }] of Object.entries(made.Parameters)) {
    expect(Array.isArray(inExample(name))).toBe(Type === "CommaDelimitedList");
    expect(String(inExample(name))).toMatch(new RegExp(AllowedPattern));
  }
  const { WorkerRoleArn, ExternalId } = made.Parameters;
  expect("arn:aws:iam::111122223333:role/*").not.toMatch(new RegExp(WorkerRoleArn?.AllowedPattern ?? ""));
  expect("short").not.toMatch(new RegExp(ExternalId?.AllowedPattern ?? ""));
  expect(made.Parameters.RoleName?.Default).toBe(example.RoleName);
});

test("the role trusts the worker as deploy/iam says, with the external id", () => {
  expect(role.AssumeRolePolicyDocument).toEqual(iam("creator-trust-policy"));
});

test("the role can do what an operator and a discovery can, in each region of its account, and nothing else", () => {
  const policies = role.Policies.map(({ PolicyName, PolicyDocument }): [string, unknown] => [
    PolicyName,
    JSON.parse(JSON.stringify(PolicyDocument).replaceAll("arn:aws:eks:*:", "arn:aws:eks:eu-central-1:"), oneAsItself),
  ]);

  expect(policies.map(([name]) => name)).toEqual(["operator-policy", "discovery-policy"]);
  for (const [name, policy] of policies) expect(policy).toEqual(iam(name));
});

test("it can rescue a cluster through the one role that the parameter names, and through none without it", () => {
  const { RescuePolicy } = made.Resources;
  const { RoleName, PolicyName, PolicyDocument } = RescuePolicy.Properties;
  const inARegion = JSON.stringify(PolicyDocument).replaceAll("arn:aws:eks:*:", "arn:aws:eks:eu-central-1:");
  const without = readTemplate(read("cloudformation/account-role.yaml"), (name) =>
    name === "RescueRoleName" ? (made.Parameters.RescueRoleName?.Default ?? "none") : inExample(name),
  );

  expect([RoleName, PolicyName]).toEqual(["attribute Role", "rescue-policy"]);
  expect(JSON.parse(inARegion, oneAsItself)).toEqual(iam("rescue-policy"));
  expect([made.Conditions, without.Conditions]).toEqual([{ HasRescue: true }, { HasRescue: false }]);
  expect("cluster-*").not.toMatch(new RegExp(made.Parameters.RescueRoleName?.AllowedPattern ?? ""));
});

/** A list of one text is the text: IAM reads both alike. Of the statements the list stays. */
function oneAsItself(_: string, value: unknown): unknown {
  return Array.isArray(value) && value.length === 1 && typeof value[0] === "string" ? value[0] : value;
}

test("the fleet's policy of the worker reaches the role by its name", () => {
  expect(JSON.stringify(iam("fleet-policy"))).toContain(`arn:aws:iam::*:role/${role.RoleName}"`);
  expect(made.Outputs.RoleArn?.Value).toBe("attribute Role.Arn");
});
