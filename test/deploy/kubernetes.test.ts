import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import * as models from "@kubernetes/client-node";
import { loadAll } from "js-yaml";
import { describe, expect, test } from "vitest";
import { z } from "zod";

const folder = fileURLToPath(new URL("../../deploy/kubernetes/", import.meta.url));

const object = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.looseObject({ name: z.string() }).optional(),
});
type KubernetesObject = z.output<typeof object>;

/** Every object of every manifest; kustomize's own files left aside. */
const objects: readonly KubernetesObject[] = readdirSync(folder, { recursive: true, encoding: "utf8" })
  .filter((path) => path.endsWith(".yaml") && !path.endsWith("kustomization.yaml"))
  .flatMap((path) => loadAll(readFileSync(`${folder}/${path}`, "utf8")).map((each) => object.parse(each)));

const attribute = z.object({ name: z.string(), baseName: z.string(), type: z.string() });

/** What the generated client knows of a type: the fields of the API's own schema. */
function attributesOf(type: string): readonly z.output<typeof attribute>[] | null {
  const model: unknown = Object.getOwnPropertyDescriptor(models, type)?.value ?? Reflect.get(models, type);
  if (typeof model !== "function" || !("getAttributeTypeMap" in model)) return null;
  const read = model.getAttributeTypeMap;
  return typeof read === "function" ? z.array(attribute).parse(read.call(model)) : null;
}

/** Fields that the API's schema does not have, or has with another type, each with its path. */
function strayFields(value: unknown, type: string, path: string): string[] {
  const list = /^Array<(.+)>$/.exec(type)?.[1];
  if (list) {
    if (!Array.isArray(value)) return [`${path} is no list`];
    return value.flatMap((item, index) => strayFields(item, list, `${path}[${index}]`));
  }
  const scalar = { string: "string", number: "number", boolean: "boolean" }[type];
  if (scalar) return typeof value === scalar ? [] : [`${path} is a ${typeof value}, not a ${scalar}`];
  const attributes = attributesOf(type);
  if (!attributes || typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) => {
    const known = attributes.find((each) => each.baseName === key);
    return known ? strayFields(item, known.type, `${path}.${key}`) : [`${path}.${key} does not exist`];
  });
}

const nameOf = (each: KubernetesObject) => `${each.kind} ${each.metadata?.name}`;
const ofKind = (...kinds: string[]) => objects.filter((each) => kinds.includes(each.kind));

const podTemplate = z.looseObject({
  metadata: z.looseObject({ labels: z.record(z.string(), z.string()) }),
  spec: z.looseObject({
    automountServiceAccountToken: z.boolean(),
    securityContext: z.looseObject({ runAsNonRoot: z.boolean(), seccompProfile: z.object({ type: z.string() }) }),
    containers: z.array(
      z.looseObject({
        name: z.string(),
        envFrom: z.array(z.object({ secretRef: z.object({ name: z.string() }) })),
        securityContext: z.looseObject({
          allowPrivilegeEscalation: z.boolean(),
          readOnlyRootFilesystem: z.boolean(),
          capabilities: z.object({ drop: z.array(z.string()) }),
        }),
      }),
    ),
  }),
});
const workload = z.looseObject({
  spec: z.looseObject({ selector: z.object({ matchLabels: z.record(z.string(), z.string()) }), template: podTemplate }),
});
const workloads = ofKind("Deployment", "StatefulSet").map((each) => ({ name: nameOf(each), ...workload.parse(each) }));

describe("the manifests for Kubernetes", () => {
  test("hold the objects that an installation needs", () => {
    expect(objects.map(nameOf).sort()).toMatchSnapshot();
  });

  test.each(objects.map((each) => [nameOf(each), each] as const))("%s has only fields of the API", (_name, each) => {
    const type = `V1${each.kind}`;

    expect(attributesOf(type), `the client knows ${type}`).not.toBeNull();
    expect(strayFields(each, type, each.kind)).toEqual([]);
  });

  test.each(workloads.map((each) => [each.name, each] as const))(
    "%s is restricted, as its namespace asks",
    (_name, { spec }) => {
      const pod = spec.template.spec;

      expect(pod.automountServiceAccountToken).toBe(false);
      expect(pod.securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } });
      for (const { securityContext } of pod.containers) {
        expect(securityContext).toMatchObject({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ["ALL"] },
        });
      }
    },
  );

  test("every selector finds the pods of one workload", () => {
    const labels = workloads.map(({ spec }) => spec.template.metadata.labels);
    const selectors = [
      ...workloads.map(({ spec }) => spec.selector.matchLabels),
      ...ofKind("Service").map(
        (each) =>
          z.looseObject({ spec: z.looseObject({ selector: z.record(z.string(), z.string()) }) }).parse(each).spec
            .selector,
      ),
      ...ofKind("PodDisruptionBudget").map(
        (each) =>
          z
            .looseObject({
              spec: z.looseObject({ selector: z.object({ matchLabels: z.record(z.string(), z.string()) }) }),
            })
            .parse(each).spec.selector.matchLabels,
      ),
    ];

    for (const selector of selectors) {
      const found = labels.filter((each) => Object.entries(selector).every(([key, value]) => each[key] === value));
      expect(found, JSON.stringify(selector)).toHaveLength(1);
    }
  });

  test("the Slack tokens go to the Slack process alone, and the AWS role to the worker", () => {
    const secrets = Object.fromEntries(
      workloads.map(({ name, spec }) => [
        name,
        spec.template.spec.containers.flatMap(({ envFrom }) => envFrom.map(({ secretRef }) => secretRef.name)),
      ]),
    );
    const roles = ofKind("ServiceAccount").filter((each) => JSON.stringify(each).includes("role-arn"));

    expect(secrets["Deployment eks-access-slack"]).toContain("eks-access-slack");
    expect(secrets["Deployment eks-access-worker"]).toEqual(["eks-access-redis", "eks-access-seal"]);
    expect(roles.map(nameOf)).toEqual(["ServiceAccount eks-access-worker"]);
  });
});
