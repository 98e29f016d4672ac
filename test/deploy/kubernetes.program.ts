import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { loadAll } from "js-yaml";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { issueCertificates } from "../../sandbox/cluster/certificate.ts";
import { runProgram } from "../../sandbox/redis/debian-packages.ts";
import { type RealApiServer, startRealApiServer } from "../sandbox/cluster/real/api-server.ts";
import { aProgram } from "./a-program.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

const named = z.looseObject({ name: z.string(), namespace: z.string().optional() });

describe("the manifests, as kubectl puts them together,", () => {
  let folder: string;
  let kubectl: string;

  beforeAll(async () => {
    kubectl = (await aProgram("kubernetes-client", "usr/bin/kubectl")).path;
    folder = await aCopy();
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const kustomized = async () => {
    const objects = loadAll(await runProgram(kubectl, ["kustomize", folder]));
    return objects.map((each) => z.looseObject({ kind: z.string(), metadata: named }).parse(each));
  };

  test("are the objects of one namespace, with your configuration and your image", async () => {
    const objects = await kustomized();

    expect(objects).toHaveLength(15);
    expect(objects.filter(({ kind, metadata }) => kind !== "Namespace" && metadata.namespace !== "eks-access")).toEqual(
      [],
    );
    expect(JSON.stringify(objects)).toContain("registry.example.com/eks-access:0.1.0");
  });

  test.each(["alb", "external-redis", "ipv6", "otlp"])("take the network of %s besides", async (variant) => {
    const file = join(folder, "kustomization.yaml");
    const text = await readFile(file, "utf8");
    await writeFile(file, text.replace(`# - network/${variant}\n`, `- network/${variant}\n`));

    const objects = await kustomized();
    await writeFile(file, text);

    expect(objects.length).toBeGreaterThan(15);
    expect(objects.filter(({ metadata }) => metadata.namespace !== "eks-access").map(({ kind }) => kind)).toEqual([
      "Namespace",
    ]);
  });
});

describe("the manifests, for a real API server,", () => {
  let server: RealApiServer;
  let folder: string;
  let connection: readonly string[];

  let program: string;

  const kubectl = (...args: readonly string[]) => runProgram(program, [...connection, ...args]);

  beforeAll(async () => {
    program = (await aProgram("kubernetes-client", "usr/bin/kubectl")).path;
    const assets = process.env.KUBEBUILDER_ASSETS ?? "";
    const nobody = "http://127.0.0.1:1";
    const certificates = issueCertificates(new Date());
    server = await startRealApiServer({ assets, certificates, hooks: { tokens: nobody, access: nobody }, cacheMs: 0 });
    folder = await aCopy();
    await writeFile(join(folder, "ca.crt"), certificates.authority);
    connection = [
      `--server=${server.target.url}`,
      `--certificate-authority=${join(folder, "ca.crt")}`,
      `--token=${server.adminToken}`,
    ];
    await takeOldBudgets();
    await kubectl("create", "namespace", "eks-access");
  });
  afterAll(async () => {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  });

  /** policy/v1 is there since 1.21; before that the same object is of v1beta1. */
  async function takeOldBudgets(): Promise<void> {
    const groups = await kubectl("api-versions");
    if (groups.split("\n").includes("policy/v1")) return;
    const file = join(folder, "disruption-budgets.yaml");
    await writeFile(file, (await readFile(file, "utf8")).replaceAll("policy/v1", "policy/v1beta1"));
  }

  test.each(["client", "server"])("are all taken by kubectl apply --dry-run=%s", async (side) => {
    const taken = (await kubectl("apply", `--dry-run=${side}`, "-k", folder)).trim().split("\n");

    expect(taken.filter((line) => !/ (created|configured) \((server )?dry run\)$/.test(line))).toEqual([]);
    expect(taken).toHaveLength(15);
  });

  test("and so are the rights of an operator", async () => {
    const taken = await kubectl("apply", "--dry-run=server", "-k", join(root, "deploy/rbac"));

    expect(
      taken
        .trim()
        .split("\n")
        .filter((line) => !line.endsWith(" created (server dry run)")),
    ).toEqual([]);
    expect(taken).toContain("clusterrole.rbac.authorization.k8s.io/eks-access:operator");
  });

  test("and an unknown field is not", async () => {
    const file = join(folder, "worker.yaml");
    const text = await readFile(file, "utf8");
    await writeFile(file, text.replace("serviceAccountName:", "serviceAcountName:"));

    const refused = await kubectl("apply", "--dry-run=client", "-k", folder).catch((error: unknown) => String(error));
    await writeFile(file, text);

    expect(refused).toContain("serviceAcountName");
  });
});

/** A folder with the manifests and a configuration, as a person has it who installs. */
async function aCopy(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "eks-access-manifests-"));
  await cp(join(root, "deploy/kubernetes"), folder, { recursive: true });
  await cp(join(root, "eks-access.example.yml"), join(folder, "eks-access.yml"));
  return folder;
}
