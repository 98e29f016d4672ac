import { readdirSync, readFileSync } from "node:fs";
import { load, loadAll } from "js-yaml";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import {
  operatorGroup,
  operatorObjects,
  operatorRules,
  operatorUsername,
} from "../../src/access/policy/operator-rights.ts";
import { readConfig } from "../../src/config/config.ts";

const folder = new URL("../../deploy/rbac/", import.meta.url);
const read = (name: string) => readFileSync(new URL(name, folder), "utf8");
const objects = loadAll(read("operator.yaml"));

/** What a bootstrap writes into the cluster of Day 1, whose levels bind the roles `view` and `edit`. */
function bootstrapped(): readonly unknown[] {
  const page = readFileSync(new URL("../../docs/day-1.md", import.meta.url), "utf8");
  const reading = readConfig(/^```yaml\n([\s\S]+?)^```$/m.exec(page)?.[1] ?? "");
  const cluster = reading.type === "invalid" ? undefined : reading.config.clusters.get("staging");
  if (!cluster) return expect.fail("Day 1 has no cluster staging");
  return operatorObjects(operatorRules({ readsAwsAuth: true, cluster })).map(({ kind, name, namespace, content }) => ({
    apiVersion: kind === "ConfigMap" ? "v1" : "rbac.authorization.k8s.io/v1",
    kind,
    metadata: { name, ...(namespace !== null && { namespace }) },
    ...content,
  }));
}

test("the manifests of the operator are what a bootstrap writes", () => {
  expect(objects).toEqual(bootstrapped());
});

test("the patch changes the roles that the operator can bind, and nothing else", () => {
  const { patches } = z
    .looseObject({
      patches: z.array(z.object({ target: z.object({ kind: z.string(), name: z.string() }), patch: z.string() })),
    })
    .parse(load(read("kustomization.yaml")));
  const operations = z.array(z.object({ op: z.string(), path: z.string(), value: z.array(z.string()) }));
  const [patch, ...others] = patches.flatMap((each) => operations.parse(load(each.patch)));
  const role = z.looseObject({
    rules: z.array(z.looseObject({ verbs: z.array(z.string()), resourceNames: z.array(z.string()).optional() })),
  });
  const rule = role.parse(objects[0]).rules[Number(/^\/rules\/(\d+)\/resourceNames$/.exec(patch?.path ?? "")?.[1])];

  expect(others).toEqual([]);
  expect(rule).toMatchObject({ verbs: ["bind"], resourceNames: patch?.value });
});

test("the access entry of the page is the one that a bootstrap makes", () => {
  const line = read("README.md")
    .split("\n")
    .filter((each) => each.startsWith("aws ") || each.startsWith("  --"));

  expect(line.join(" ")).toContain(`--kubernetes-groups ${operatorGroup} `);
  expect(line.join(" ")).toContain(`--username '${operatorUsername}'`);
});

describe("the ApplicationSet", () => {
  const shape = z.looseObject({
    apiVersion: z.literal("argoproj.io/v1alpha1"),
    kind: z.literal("ApplicationSet"),
    spec: z.looseObject({
      syncPolicy: z.object({ preserveResourcesOnDeletion: z.boolean() }),
      template: z.looseObject({
        spec: z.looseObject({
          source: z.looseObject({ path: z.string() }),
          syncPolicy: z.object({
            automated: z.object({ selfHeal: z.boolean(), prune: z.boolean() }),
            syncOptions: z.array(z.string()),
          }),
          ignoreDifferences: z.array(z.object({ kind: z.string(), jsonPointers: z.array(z.string()) })),
        }),
      }),
    }),
  });
  const { spec } = shape.parse(load(read("argo-cd/applicationset.yaml")));

  test("applies this folder, and takes no rights away while leases may have to end", () => {
    const names = readdirSync(new URL(`../../${spec.template.spec.source.path}`, import.meta.url));

    expect(names).toContain("kustomization.yaml");
    expect(spec.syncPolicy.preserveResourcesOnDeletion).toBe(true);
    expect(spec.template.spec.syncPolicy.automated.prune).toBe(false);
  });

  test("leaves alone what runs write", () => {
    expect(spec.template.spec.ignoreDifferences).toEqual([
      { kind: "ConfigMap", jsonPointers: ["/data", "/metadata/annotations"] },
    ]);
    expect(spec.template.spec.syncPolicy.syncOptions).toContain("RespectIgnoreDifferences=true");
  });
});
