import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import * as models from "@kubernetes/client-node";
import { load, loadAll } from "js-yaml";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { handBackWithinMs } from "../../src/bin/serve.ts";
import { readEnvironment } from "../../src/config/environment.ts";
import { variablesNamed } from "../builders/keys.ts";
import { renderingDigests } from "./manifests.ts";

const folder = fileURLToPath(new URL("../../deploy/kubernetes/", import.meta.url));

const object = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.looseObject({ name: z.string() }).optional(),
});
type KubernetesObject = z.output<typeof object>;

/** The objects of the manifests whose path is wanted; kustomize's own files left aside. */
function objectsOf(isWanted: (path: string) => boolean): readonly KubernetesObject[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".yaml") && !path.endsWith("kustomization.yaml") && isWanted(path))
    .flatMap((path) => loadAll(readFileSync(`${folder}/${path}`, "utf8")).map((each) => object.parse(each)));
}

const isVariant = (path: string) => path.startsWith("network/");
const objects = objectsOf((path) => !isVariant(path));
const variants = objectsOf(isVariant);

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

const namedPorts = z.looseObject({ ports: z.array(z.object({ name: z.string(), containerPort: z.number() })) });
const probe = z.looseObject({
  httpGet: z.object({ port: z.string() }).optional(),
  tcpSocket: z.object({ port: z.string() }).optional(),
});
const probes = z.looseObject({
  startupProbe: probe.optional(),
  livenessProbe: probe.optional(),
  readinessProbe: probe.optional(),
});
const serviceShape = z.looseObject({
  spec: z.looseObject({
    selector: z.record(z.string(), z.string()),
    ports: z.array(z.looseObject({ targetPort: z.string() })),
  }),
});
const policyShape = z.looseObject({
  spec: z.looseObject({
    podSelector: z.object({
      matchLabels: z.record(z.string(), z.string()).optional(),
      matchExpressions: z.array(z.object({ values: z.array(z.string()) })).optional(),
    }),
    policyTypes: z.array(z.string()),
    ingress: z
      .array(z.looseObject({ ports: z.array(z.object({ protocol: z.string(), port: z.number() })) }))
      .default([]),
  }),
});
const policies = ofKind("NetworkPolicy").map((each) => policyShape.parse(each).spec);

/** The ports that a kubelet asks, by their names. */
function probedPorts(containers: readonly unknown[]): readonly string[] {
  return containers.flatMap((container) => {
    const { startupProbe, livenessProbe, readinessProbe } = probes.parse(container);
    return [startupProbe, livenessProbe, readinessProbe].flatMap((each) =>
      [each?.httpGet?.port, each?.tcpSocket?.port].filter((port) => port !== undefined),
    );
  });
}

function namesOf({ matchLabels, matchExpressions }: z.output<typeof policyShape>["spec"]["podSelector"]): string[] {
  return [...Object.values(matchLabels ?? {}), ...(matchExpressions ?? []).flatMap(({ values }) => values)];
}

function selects(selector: Readonly<Record<string, string>>, labels: Readonly<Record<string, string>>): boolean {
  return Object.entries(selector).every(([key, value]) => labels[key] === value);
}

const stopping = z.looseObject({
  spec: z.looseObject({
    template: z.looseObject({
      spec: z.looseObject({
        terminationGracePeriodSeconds: z.number(),
        containers: z.array(
          z.looseObject({
            env: z.array(z.looseObject({ name: z.string() })),
            lifecycle: z
              .object({ preStop: z.object({ exec: z.object({ command: z.tuple([z.string(), z.string()]) }) }) })
              .optional(),
          }),
        ),
      }),
    }),
  }),
});
const enough = variablesNamed("ours").worker;

const kustomization = z.looseObject({
  patches: z.array(z.object({ target: z.record(z.string(), z.string()), patch: z.string() })),
});
const spreadShape = z.looseObject({
  topologySpreadConstraints: z.array(
    z.looseObject({
      topologyKey: z.string(),
      labelSelector: z.object({ matchLabels: z.record(z.string(), z.string()) }),
    }),
  ),
});

describe("the manifests for Kubernetes", () => {
  test("are the rendering of the chart: after a change of either run `npm run manifests`", () => {
    const kept: unknown = JSON.parse(readFileSync(new URL("rendering.json", import.meta.url), "utf8"));

    expect(renderingDigests()).toEqual(kept);
  });

  test("hold the objects that an installation needs", () => {
    expect(objects.map(nameOf).sort()).toMatchSnapshot();
  });

  test.each([...objects, ...variants].map((each) => [nameOf(each), each] as const))(
    "%s has only fields of the API",
    (_name, each) => {
      const type = `V1${each.kind}`;

      expect(attributesOf(type), `the client knows ${type}`).not.toBeNull();
      expect(strayFields(each, type, each.kind)).toEqual([]);
    },
  );

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

  test.each(["Deployment eks-access-slack", "Deployment eks-access-worker"])(
    "the pods of %s are spread over zones and over nodes",
    (name) => {
      const pod = workloads.find((each) => each.name === name)?.spec.template;
      const spread = spreadShape.parse(pod?.spec).topologySpreadConstraints;

      expect(spread.map(({ topologyKey }) => topologyKey)).toEqual([
        "topology.kubernetes.io/zone",
        "kubernetes.io/hostname",
      ]);
      for (const { labelSelector } of spread) {
        expect(selects(labelSelector.matchLabels, pod?.metadata.labels ?? {})).toBe(true);
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
    const { patches } = kustomization.parse(load(readFileSync(`${folder}/kustomization.yaml`, "utf8")));
    const roles = patches.filter(({ patch }) => patch.includes("role-arn"));

    expect(secrets["Deployment eks-access-slack"]).toContain("eks-access-slack");
    expect(secrets["Deployment eks-access-worker"]).toEqual(["eks-access-redis", "eks-access-worker"]);
    expect(roles.map(({ target }) => target)).toEqual([{ kind: "ServiceAccount", name: "eks-access-worker" }]);
    expect(JSON.stringify(objects)).not.toContain("role-arn");
  });

  test.each(workloads.map((each) => [each.name, each] as const))(
    "%s is asked for its health at ports that it has, and every Service leads to one of them",
    (_name, { spec }) => {
      const { labels } = spec.template.metadata;
      const ports = spec.template.spec.containers.flatMap((container) => namedPorts.parse(container).ports);
      const names = ports.map(({ name }) => name);
      const targets = ofKind("Service")
        .map((each) => serviceShape.parse(each).spec)
        .filter(({ selector }) => selects(selector, labels))
        .flatMap((each) => each.ports.map(({ targetPort }) => targetPort));

      expect(probedPorts(spec.template.spec.containers).filter((port) => !names.includes(port))).toEqual([]);
      expect(targets.filter((port) => !names.includes(port))).toEqual([]);
    },
  );

  test.each(workloads.map((each) => [each.name, each] as const))(
    "a network policy of its own lets %s be reached at its ports, and at no others",
    (_name, { spec }) => {
      const { labels } = spec.template.metadata;
      const own = policies.filter(
        ({ podSelector }) => podSelector.matchLabels && selects(podSelector.matchLabels, labels),
      );
      const opened = own.flatMap((policy) => policy.ingress.flatMap(({ ports }) => ports.map(({ port }) => port)));
      const has = spec.template.spec.containers.flatMap((container) =>
        namedPorts.parse(container).ports.map(({ containerPort }) => containerPort),
      );

      expect(own).toHaveLength(1);
      expect(own[0]?.policyTypes).toEqual(["Ingress", "Egress"]);
      expect([...opened].sort()).toEqual([...has].sort());
    },
  );

  test("each variant of the network adds a policy to pods that are there, and opens no address of the instance's metadata", () => {
    const added = variants.map((each) => policyShape.parse(each).spec);
    const own = new Set(workloads.flatMap(({ spec }) => Object.values(spec.template.metadata.labels)));
    const open = JSON.stringify(variants).match(/"cidr":"(?:0\.0\.0\.0|::)\/0"[^}]*/g) ?? [];

    expect(variants.map(nameOf)).toHaveLength(5);
    expect(added.filter(({ podSelector }) => namesOf(podSelector).length === 0)).toEqual([]);
    expect(added.flatMap(({ podSelector }) => namesOf(podSelector)).filter((name) => !own.has(name))).toEqual([]);
    expect(open.filter((block) => !block.includes("fd00:ec2::/32"))).toEqual([]);
  });

  test("what no policy names is denied, and nothing but the agent of Pod Identity is reached below 169.254", () => {
    const [everything] = policies.filter(({ podSelector }) => podSelector.matchLabels === undefined);
    const blocks = JSON.stringify(policies).match(/"ipBlock":\{[^}]+\}/g) ?? [];

    expect(everything).toMatchObject({ policyTypes: ["Ingress", "Egress"], ingress: [] });
    expect(blocks.filter((block) => !block.includes("169.254.0.0/16")).length).toBe(1);
    expect(blocks.find((block) => !block.includes("169.254.0.0/16"))).toContain("169.254.170.23/32");
  });

  test("a process can stop in its own time before it is killed, and a Slack process listens while requests still come", () => {
    const { environment } = readEnvironment({ ...enough }, "worker");
    const deployments = ofKind("Deployment").map(
      (each) => [each.metadata?.name, stopping.parse(each).spec.template.spec] as const,
    );
    const times = deployments.map(([name, { terminationGracePeriodSeconds: grace, containers }]) => {
      const slept = containers[0]?.lifecycle?.preStop.exec.command;
      const own = containers[0]?.env.find((each) => each.name === "STOP_DEADLINE");
      return { name, grace, slept: slept ? Number(slept[1]) : 0, command: slept?.[0], own };
    });

    expect(times.map(({ name, slept, command }) => [name, command, slept])).toEqual([
      ["eks-access-slack", "sleep", 5],
      ["eks-access-worker", undefined, 0],
    ]);
    for (const { name, grace, slept, own } of times) {
      expect(own, "the default is meant").toBeUndefined();
      expect(grace, name).toBeGreaterThan(
        slept + (environment?.stopWithinSeconds ?? Number.NaN) + handBackWithinMs / 1000,
      );
    }
  });

  test("every secret that a process reads is one that the README makes", () => {
    const readme = readFileSync(`${folder}/../README.md`, "utf8");
    const secrets = workloads.flatMap(({ spec }) =>
      spec.template.spec.containers.flatMap(({ envFrom }) => envFrom.map(({ secretRef }) => secretRef.name)),
    );

    expect(secrets.filter((name) => !readme.includes(`create secret generic ${name} `))).toEqual([]);
  });
});
