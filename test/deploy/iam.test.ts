import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { CloudTrail } from "@aws-sdk/client-cloudtrail";
import { EKS } from "@aws-sdk/client-eks";
import { EventBridge } from "@aws-sdk/client-eventbridge";
import { Identitystore } from "@aws-sdk/client-identitystore";
import { Organizations } from "@aws-sdk/client-organizations";
import { S3 } from "@aws-sdk/client-s3";
import { SSOAdmin } from "@aws-sdk/client-sso-admin";
import { STS } from "@aws-sdk/client-sts";
import { expect, test } from "vitest";
import { z } from "zod";
import {
  creatorSessionPolicy,
  fleetSessionPolicy,
  identityCenterSessionPolicy,
  managerSessionPolicy,
  nextRoleSessionPolicy,
  nothingSessionPolicy,
  sessionNameOf,
  surveySessionPolicy,
} from "../../src/aws/session-policy.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

const oneOrMore = z.union([z.string().transform((one) => [one]), z.array(z.string())]);
const aws = z.strictObject({ AWS: z.string() });
const federated = z.strictObject({ Federated: z.string() });
const service = z.strictObject({ Service: z.string() });
const policy = z.object({
  Version: z.literal("2012-10-17"),
  Statement: z.array(
    z.strictObject({
      Sid: z
        .string()
        .regex(/^[A-Za-z0-9]+$/)
        .optional(),
      Effect: z.enum(["Allow", "Deny"]),
      Principal: z.union([aws, federated, service]).optional(),
      Action: oneOrMore,
      Resource: oneOrMore.optional(),
      Condition: z.record(z.string(), z.record(z.string(), oneOrMore)).optional(),
    }),
  ),
});

function read(name: string): z.output<typeof policy> {
  return policy.parse(JSON.parse(readFileSync(`${root}/deploy/iam/${name}.json`, "utf8")));
}

function actionsOf(name: string): string[] {
  return read(name)
    .Statement.flatMap((statement) => statement.Action)
    .sort();
}

const adapters = readdirSync(`${root}/src/aws`)
  .map((file) => readFileSync(`${root}/src/aws/${file}`, "utf8"))
  .join("\n");
const jobs = readFileSync(`${root}/src/aws/session-policy.ts`, "utf8");

/** Rights of S3 without a call of their name: `GetObject` covers HeadObject, and `PutObjectRetention` a header of PutObject. */
const ofObjects: ReadonlySet<string> = new Set(["s3:GetObject", "s3:PutObjectRetention"]);

/** The SDK's clients have one method for each call. */
const methods = new Set(
  [CloudTrail, EKS, EventBridge, Identitystore, Organizations, S3, SSOAdmin, STS].flatMap(({ prototype }) =>
    Object.getOwnPropertyNames(prototype),
  ),
);

test("the code makes no call that the policies do not know", () => {
  // A call without an SDK client names its action.
  const signed = [...adapters.matchAll(/Action: "(\w+)"/g)].map(([, action = ""]) => action);
  const called = [...adapters.matchAll(/\.(\w+)\(/g)].map(([, name = ""]) => name).filter((name) => methods.has(name));
  const calls = new Set([...called.map((name) => name.charAt(0).toUpperCase() + name.slice(1)), ...signed]);

  // GetCallerIdentity needs no permission (API reference of STS).
  const names = [
    "access-entries-policy",
    "rescue-policy",
    "migration-policy",
    "identity-center-policy",
    "discovery-policy",
    "init-policy",
  ];
  const actions = new Set([
    ...names.flatMap(actionsOf),
    ...actionsOf("audit-sinks-policy").filter((each) => !ofObjects.has(each)),
  ]);
  const known = [...actions].filter((each) => !each.startsWith("sts:")).map((each) => each.split(":")[1]);
  expect([...calls].sort()).toEqual([...known, "HeadObject", "AssumeRole", "GetCallerIdentity", "LookupEvents"].sort());
  expect(actionsOf("creator-policy")).toEqual([
    "eks:DescribeAccessEntry",
    "eks:DescribeCluster",
    "eks:ListAccessEntries",
    "eks:ListAssociatedAccessPolicies",
    "iam:GetRole",
  ]);
});

test("who finds the fleet lists clusters and describes them, as its session does", () => {
  const own = policy.parse(JSON.parse(fleetSessionPolicy())).Statement.flatMap(({ Action }) => Action);

  expect(actionsOf("discovery-policy")).toEqual(own.toSorted());
});

test("init looks with the rights that it prints: yours, and in other accounts those of its session", () => {
  const session = policy.parse(JSON.parse(surveySessionPolicy())).Statement.flatMap(({ Action }) => Action);

  expect(actionsOf("init-reader-policy")).toEqual(session.toSorted());
  expect(actionsOf("init-policy")).toEqual(["organizations:ListAccounts", "sts:AssumeRole"]);
});

test("the worker may do what an assumed session takes, on named roles, and nothing else", () => {
  const session = ["sts:AssumeRole", "sts:SetSourceIdentity", "sts:TagSession"];

  expect(actionsOf("worker-policy")).toEqual(["cloudtrail:LookupEvents", ...session]);
  expect(actionsOf("creator-trust-policy")).toEqual(session);
  const names = [
    ...["worker-policy", "creator-policy", "access-entries-policy", "rescue-policy", "migration-policy"],
    ...["operator-policy", "bootstrap-policy"],
  ];
  const statements = names.flatMap((name) => read(name).Statement);
  const unbound = statements.filter(({ Resource = ["*"] }) => Resource.some((resource) => !isNamed(resource)));
  // LookupEvents knows no resources (service authorization reference of CloudTrail), and an access entry can name any role.
  const actions = new Set(unbound.flatMap((statement) => statement.Action));
  expect([...actions]).toEqual(["cloudtrail:LookupEvents", "iam:GetRole"]);
});

test("who signs in for a proof takes what an assumed session takes, is marked, and may then do nothing", () => {
  const session = ["sts:AssumeRole", "sts:SetSourceIdentity", "sts:TagSession"];
  const own = policy.parse(JSON.parse(nothingSessionPolicy())).Statement;
  const [nothing, ...others] = read("sign-in-nothing-policy").Statement;
  const trusted = read("sign-in-trust-policy").Statement;
  const assume = trusted.find(({ Action }) => Action.includes("sts:AssumeRole"));
  const creator = read("creator-trust-policy").Statement;

  expect(actionsOf("sign-in-policy")).toEqual(session);
  expect(actionsOf("sign-in-trust-policy")).toEqual(session);
  expect(
    read("sign-in-policy")
      .Statement.flatMap(({ Resource = ["*"] }) => Resource)
      .every(isNamed),
  ).toBe(true);
  expect(own).toEqual([{ Effect: "Deny", Action: ["*"], Resource: ["*"] }]);
  expect(nothing).toMatchObject({ Effect: "Deny", Action: ["*"], Resource: ["*"] });
  expect(others).toEqual([]);
  const [tag = ""] = Object.keys(nothing?.Condition?.Null ?? {});
  expect(assume?.Condition?.StringLike).toMatchObject({ [tag.replace("Principal", "Request")]: ["?*"] });
  expect(jobs).toContain(`"${tag.replace("aws:PrincipalTag/", "")}":`);
  expect(trusted.filter((each) => each !== assume).map(({ Sid: _, ...rest }) => rest)).toEqual(
    creator.filter(({ Action }) => !Action.includes("sts:AssumeRole")).map(({ Sid: _, ...rest }) => rest),
  );
});

test("nothing but the sessions of a proof is denied, and that by no other way", () => {
  const files = readdirSync(`${root}/deploy/iam`).filter((file) => file.endsWith(".json"));
  const denying = files.filter((file) =>
    read(file.replace(".json", "")).Statement.some(({ Effect }) => Effect === "Deny"),
  );

  expect(denying).toEqual(["sign-in-nothing-policy.json"]);
});

test("a role on the way may assume named roles, pass on its tags, and nothing else", () => {
  const session = ["sts:AssumeRole", "sts:SetSourceIdentity", "sts:TagSession"];

  expect(actionsOf("through-policy")).toEqual(session);
  expect(actionsOf("through-trust-policy")).toEqual(session);
  const resources = read("through-policy").Statement.flatMap(({ Resource = ["*"] }) => Resource);
  expect(resources.filter((resource) => resource.includes("*"))).toEqual([]);
});

test("a role on the way wants what a creator wants of the worker", () => {
  const conditionOf = (name: string) =>
    read(name).Statement.find(({ Action }) => Action.includes("sts:AssumeRole"))?.Condition;

  expect(conditionOf("through-trust-policy")).toEqual(conditionOf("creator-trust-policy"));
});

test("the worker's role is for its service account alone, by IRSA or by Pod Identity of its own account", () => {
  const [irsa, ...others] = read("worker-trust-irsa-policy").Statement;
  const [pods, ...more] = read("worker-trust-pod-identity-policy").Statement;
  const manifests = readFileSync(`${root}/deploy/kubernetes/service-accounts.yaml`, "utf8");
  const subject = Object.entries(irsa?.Condition?.StringEquals ?? {}).find(([key]) => key.endsWith(":sub"))?.[1];

  expect([others, more]).toEqual([[], []]);
  expect(subject).toEqual(["system:serviceaccount:eks-access:eks-access-worker"]);
  expect(manifests).toContain("name: eks-access-worker\n");
  expect(irsa?.Action).toEqual(["sts:AssumeRoleWithWebIdentity"]);
  expect(pods).toMatchObject({ Principal: { Service: "pods.eks.amazonaws.com" } });
  expect(pods?.Condition?.StringEquals).toEqual({ "aws:SourceAccount": ["111122223333"] });
});

test("a wildcard for the account is bound to the organization, and to one role's name", () => {
  const [only, ...others] = read("fleet-policy").Statement;

  expect(others).toEqual([]);
  expect(only?.Resource).toEqual(["arn:aws:iam::*:role/eks-access-operator"]);
  expect(Object.keys(only?.Condition?.StringEquals ?? {})).toEqual(["aws:ResourceOrgID"]);
});

test("a session may do what the policy of its role allows, and nothing that the role may do besides", () => {
  const actionsIn = (text: string) =>
    policy
      .parse(JSON.parse(text))
      .Statement.flatMap(({ Action }) => Action)
      .sort();
  const cluster = "arn:aws:eks:eu-central-1:111122223333:cluster/payments";
  const resources = (statements: z.output<typeof policy>["Statement"]) =>
    new Set(statements.flatMap(({ Resource = [] }) => Resource));

  const reading = creatorSessionPolicy(cluster, { givesEntries: false });
  const giving = creatorSessionPolicy(cluster, { givesEntries: true });
  expect(actionsIn(reading)).toEqual(actionsOf("creator-policy"));
  expect(actionsIn(giving)).toEqual(actionsOf("access-entries-policy"));
  expect(actionsIn(nextRoleSessionPolicy("arn:aws:iam::111122223333:role/next"))).toEqual(actionsOf("through-policy"));
  expect(actionsIn(identityCenterSessionPolicy())).toEqual(actionsOf("identity-center-policy"));
  const managing = new Set(actionsIn(managerSessionPolicy(cluster)));
  const rescuing = actionsOf("rescue-policy").filter((action) => action !== "sts:AssumeRole");
  expect(managing).toEqual(new Set([...actionsOf("migration-policy"), ...rescuing, ...actionsOf("bootstrap-policy")]));
  expect(new Set(actionsOf("operator-policy"))).toEqual(new Set(actionsIn(giving)));
  for (const [text, name] of [
    [reading, "creator-policy"],
    [giving, "access-entries-policy"],
  ] as const) {
    expect(resources(policy.parse(JSON.parse(text)).Statement)).toEqual(resources(read(name).Statement));
  }
});

/** Without a wildcard; the access entries of one named cluster are as narrow as their ARNs, which end in a UUID, can be. */
function isNamed(resource: string): boolean {
  return !resource
    .replace(/:(?:access-entry|nodegroup|fargateprofile)\/\w+\/(?:role\/\d{12}\/[\w-]+\/)?\*$/, "")
    .includes("*");
}

test("the trust policy requires the external id, our session's name and a source identity", () => {
  const assume = read("creator-trust-policy").Statement.find(({ Action }) => Action.includes("sts:AssumeRole"));

  expect(assume?.Condition?.StringEquals).toHaveProperty("sts:ExternalId");
  const [pattern = ""] = assume?.Condition?.StringLike?.["sts:RoleSessionName"] ?? [];
  expect(pattern.endsWith("*")).toBe(true);
  for (const parts of [[], ["U012ABCDEF", "r-7f3k"]]) {
    expect(sessionNameOf(...parts).startsWith(pattern.slice(0, -1))).toBe(true);
  }
  expect(assume?.Condition?.StringLike?.["sts:SourceIdentity"]).toEqual(["?*"]);
});

test("the trust policy lets the worker set the tags that it sets, and no others", () => {
  const tagging = read("creator-trust-policy").Statement.find(({ Action }) => Action.includes("sts:TagSession"));
  const written = [...jobs.matchAll(/"(eks-access:\w+)":/g)].map(([, key]) => key).sort();

  const way = read("through-trust-policy").Statement.find(({ Action }) => Action.includes("sts:TagSession"))?.Condition;
  const allowed = tagging?.Condition?.["ForAllValues:StringEquals"]?.["aws:TagKeys"] ?? [];
  expect(written.length).toBeGreaterThan(0);
  expect([...allowed].sort()).toEqual(written);
  expect(way?.["ForAllValues:StringEquals"]).toEqual({ "aws:TagKeys": allowed, "sts:TransitiveTagKeys": allowed });
});

test("every statement is explained where the policies are", () => {
  const readme = readFileSync(`${root}/deploy/iam/README.md`, "utf8");
  const files = readdirSync(`${root}/deploy/iam`).filter((file) => file.endsWith(".json"));
  const ids = files.flatMap((file) =>
    read(file.replace(".json", "")).Statement.map(({ Sid = "without a Sid" }) => Sid),
  );

  expect(files.filter((file) => !readme.includes(`\`${file}\``))).toEqual([]);
  expect(ids.filter((id) => !readme.includes(`\`${id}\``))).toEqual([]);
});
