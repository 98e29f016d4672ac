import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";

/** The module is read, not run: a parser of HCL is a package, and Terraform and its provider are downloads of their own. */
const folder = fileURLToPath(new URL("../../deploy/terraform/", import.meta.url));
const named = <T extends z.ZodType>(shape: T) => z.record(z.string(), z.array(shape)).default({});
const condition = z.strictObject({ test: z.string(), variable: z.string(), values: z.array(z.string()) });
const document = z.strictObject({
  statement: z.array(
    z.strictObject({
      sid: z.string(),
      actions: z.array(z.string()),
      resources: z.union([z.string(), z.array(z.string())]).optional(),
      principals: z.array(z.strictObject({ type: z.string(), identifiers: z.array(z.string()) })).default([]),
      condition: z.array(condition).default([]),
    }),
  ),
});
const moduleShape = z.looseObject({
  variable: named(z.looseObject({ description: z.string() })),
  output: named(z.looseObject({ description: z.string(), value: z.string() })),
  data: z.looseObject({ aws_iam_policy_document: named(document) }).optional(),
  resource: z.record(z.string(), named(z.looseObject({}))).optional(),
});
type Statement = z.output<typeof document>["statement"][number];

let files: readonly z.output<typeof moduleShape>[];
beforeAll(async () => {
  const hadRequire = "require" in globalThis;
  const { default: parser }: { default: unknown } = await import("hcl2-parser");
  // The parser is compiled from Go and names its `require` for everyone.
  if (!hadRequire) Reflect.deleteProperty(globalThis, "require");
  const { parseToObject } = z
    .object({ parseToObject: z.function({ input: [z.string()], output: z.unknown() }) })
    .parse(parser);
  files = readdirSync(folder)
    .filter((name) => name.endsWith(".tf"))
    .map((name) => {
      const [parsed] = z.tuple([z.unknown(), z.unknown()]).parse(parseToObject(readFileSync(folder + name, "utf8")));
      return moduleShape.parse(parsed, { error: () => `${name} can't be read` });
    });
});
const issuer = "oidc.eks.eu-central-1.amazonaws.com/id/0123456789ABCDEF0123456789ABCDEF";
/** What the expressions of the module are in the example of deploy/iam. */
const example: Readonly<Record<string, string>> = {
  '${coalesce(var.oidc_provider_arn, "none")}': `arn:aws:iam::111122223333:oidc-provider/${issuer}`,
  "${local.issuer}": issuer,
  "${var.namespace}": "eks-access",
  "${var.service_account}": "eks-access-worker",
  "${data.aws_caller_identity.this.account_id}": "111122223333",
  "${data.aws_partition.this.partition}": "aws",
  "${var.role_arns}": "arn:aws:iam::111122223333:role/cluster-creator",
  '${try(var.audit_bucket.name, "none")}': "example-audit",
  '${try(var.fleet.role_name, "none")}': "eks-access-operator",
  '${try(var.fleet.organization_id, "none")}': "o-exampleorgid",
};

/** The policy that a document of the module makes, in the example. */
function policyOf(name: string): unknown {
  const found = files.flatMap((file) => file.data?.aws_iam_policy_document[name] ?? []);
  const text = Object.entries(example).reduce(
    (known, [expression, value]) => known.replaceAll(JSON.stringify(expression).slice(1, -1), value),
    JSON.stringify(found),
  );
  expect(text, "an expression that the example does not have").not.toContain("${");
  const [only, ...others] = z.array(document).parse(JSON.parse(text));
  expect(others).toEqual([]);
  return { Version: "2012-10-17", Statement: only?.statement.map(statementOf) };
}

function statementOf({ sid, actions, resources, principals, condition }: Statement) {
  const resource = resources === undefined ? [] : [resources].flat();
  const conditions: Record<string, Record<string, unknown>> = {};
  for (const { test, variable, values } of condition)
    conditions[test] = { ...conditions[test], [variable]: oneOrMore(values) };
  return {
    Sid: sid,
    Effect: "Allow",
    ...(principals[0] && { Principal: { [principals[0].type]: oneOrMore(principals[0].identifiers) } }),
    Action: oneOrMore(actions),
    ...(resource.length > 0 && { Resource: oneOrMore(resource) }),
    ...(condition.length > 0 && { Condition: conditions }),
  };
}

const oneOrMore = (values: readonly string[]) => (values.length === 1 ? values[0] : values);
const iam = (name: string): unknown =>
  JSON.parse(readFileSync(new URL(`../../deploy/iam/${name}.json`, import.meta.url), "utf8"));

describe("the Terraform module", () => {
  test.each([
    ["irsa_trust", "worker-trust-irsa-policy"],
    ["pod_identity_trust", "worker-trust-pod-identity-policy"],
    ["fleet", "fleet-policy"],
  ])("makes of %s what deploy/iam/%s.json has", (name, file) => {
    expect(policyOf(name)).toEqual(iam(file));
  });

  test("gives the worker the statements of worker-policy.json, and no others besides those of the fleet and of the bucket", () => {
    const statements = z.looseObject({ Statement: z.array(z.unknown()) });
    const ours = ["roles", "creators"].flatMap((name) => statements.parse(policyOf(name)).Statement);
    const attached = files.flatMap((file) => Object.keys(file.resource?.aws_iam_role_policy ?? {}));

    expect(ours).toEqual(statements.parse(iam("worker-policy")).Statement);
    expect(attached.sort()).toEqual(["audit", "creators", "fleet", "roles"]);
  });

  test("makes the bucket of the audit log unless its variable says none, and locks each object for good", () => {
    const resources = Object.assign({}, ...files.map(({ resource }) => resource ?? {}));
    const { audit_bucket: setting } = Object.assign({}, ...files.map(({ variable }) => variable));
    const statement = z.looseObject({ Statement: z.array(z.unknown()) });
    const [stores] = statement.parse(iam("audit-sinks-policy")).Statement;

    expect(setting[0]).not.toHaveProperty("default");
    expect(resources.aws_s3_bucket.audit).toMatchObject([{ object_lock_enabled: true }]);
    expect(resources.aws_s3_bucket_versioning.audit).toMatchObject([
      { versioning_configuration: [{ status: "Enabled" }] },
    ]);
    expect(resources.aws_s3_bucket_object_lock_configuration.audit).toMatchObject([
      {
        rule: [
          { default_retention: [{ mode: "COMPLIANCE", days: expect.stringContaining("var.audit_bucket.lock_days") }] },
        ],
      },
    ]);
    expect(statement.parse(policyOf("audit")).Statement).toEqual([stores]);
  });

  test("makes nothing but the role, its policies, the bucket, and the association of Pod Identity, without its session tags", () => {
    const resources = files.flatMap((file) => Object.entries(file.resource ?? {}));
    const association = resources.find(([type]) => type === "aws_eks_pod_identity_association")?.[1];

    expect(resources.map(([type]) => type).sort()).toEqual([
      "aws_eks_pod_identity_association",
      "aws_iam_role",
      "aws_iam_role_policy",
      "aws_s3_bucket",
      "aws_s3_bucket_object_lock_configuration",
      "aws_s3_bucket_public_access_block",
      "aws_s3_bucket_versioning",
    ]);
    expect(association?.worker).toMatchObject([{ disable_session_tags: true }]);
  });

  test("uses each variable that it has, has each that it uses, and names the service account of the chart", () => {
    const text = readdirSync(folder)
      .filter((name) => name.endsWith(".tf"))
      .map((name) => readFileSync(folder + name, "utf8"))
      .join("\n");
    const used = new Set([...text.matchAll(/\bvar\.(\w+)/g)].map(([, name = ""]) => name));
    const variables = Object.assign({}, ...files.map((file) => file.variable));

    expect([...used].sort()).toEqual(Object.keys(variables).sort());
    expect(variables.service_account).toMatchObject([{ default: "eks-access-worker" }]);
    expect(variables.namespace).toMatchObject([{ default: "eks-access" }]);
  });
});
