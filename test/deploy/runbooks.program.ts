import { chmod, cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { issueCertificates } from "../../sandbox/cluster/certificate.ts";
import { runProgram } from "../../sandbox/redis/debian-packages.ts";
import { initialAwsAuth } from "../../sandbox/scene.ts";
import { builtProduct } from "../product.ts";
import { linesOf } from "../runbooks/runbook.ts";
import { type RealApiServer, startRealApiServer } from "../sandbox/cluster/real/api-server.ts";
import { aProgram } from "./a-program.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const configMap = z.object({ data: z.record(z.string(), z.string()) });

describe("the lines of the runbooks, typed into a shell with kubectl and a real API server,", () => {
  let server: RealApiServer;
  let folder: string;
  let environment: Readonly<Record<string, string>>;

  const shell = (script: string) => runProgram("bash", ["-c", script], { cwd: folder, env: environment });

  beforeAll(async () => {
    const assets = process.env.KUBEBUILDER_ASSETS ?? "";
    const nobody = "http://127.0.0.1:1";
    const certificates = issueCertificates(new Date());
    server = await startRealApiServer({ assets, certificates, hooks: { tokens: nobody, access: nobody }, cacheMs: 0 });
    folder = await mkdtemp(join(tmpdir(), "eks-access-lines-"));
    const { script } = await builtProduct();
    const bin = join(folder, "bin");
    await mkdir(bin);
    await writeFile(join(bin, "eks-access"), `#!/bin/sh\nexec "${process.execPath}" "${script}" "$@"\n`);
    await chmod(join(bin, "eks-access"), 0o755);
    const cluster = { server: server.target.url, "certificate-authority-data": btoa(certificates.authority) };
    const kubeconfig = {
      clusters: [{ name: "cluster", cluster }],
      users: [{ name: "creator", user: { token: server.adminToken } }],
      contexts: [{ name: "context", context: { cluster: "cluster", user: "creator" } }],
      "current-context": "context",
    };
    await writeFile(join(folder, "kubeconfig"), JSON.stringify({ apiVersion: "v1", kind: "Config", ...kubeconfig }));
    const kubectl = await aProgram("kubernetes-client", "usr/bin/kubectl");
    environment = {
      PATH: `${bin}:${dirname(kubectl.path)}:${process.env.PATH}`,
      KUBECONFIG: join(folder, "kubeconfig"),
    };
  });
  afterAll(async () => {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  });

  test("repair a broken aws-auth, exactly as on the page", async () => {
    const broken = (initialAwsAuth.mapRoles ?? "").replace("  groups: [system:masters]", "\tgroups: [system:masters]");
    const metadata = { name: "aws-auth", namespace: "kube-system" };
    const object = { apiVersion: "v1", kind: "ConfigMap", metadata, data: { mapRoles: broken } };
    await writeFile(join(folder, "broken.json"), JSON.stringify(object));
    await shell("kubectl create -f broken.json");
    const [first = ""] = linesOf("aws-auth is broken");
    const block = linesOf("aws-auth is broken").slice(0, 5);

    const said = await shell(block.join("\n"));

    expect(first).toContain("kubectl -n kube-system get configmap aws-auth -o yaml > aws-auth.yaml");
    expect(block.at(-1)).toBe("kubectl replace -f repaired.yaml");
    expect(said).toContain("The authenticator can't read mapRoles, so no entry works");
    expect(said).toContain("configmap/aws-auth replaced");
    const live: unknown = JSON.parse(await shell("kubectl -n kube-system get configmap aws-auth -o json"));
    expect(configMap.parse(live).data).toEqual(initialAwsAuth);
    await expect(
      shell("kubectl -n kube-system get configmap aws-auth -o yaml | eks-access check -"),
    ).resolves.toBeDefined();
  });

  test("stop and restart what the manifests have made", async () => {
    const manifests = join(folder, "manifests");
    await cp(join(root, "deploy/kubernetes"), manifests, { recursive: true });
    await cp(join(root, "eks-access.example.yml"), join(manifests, "eks-access.yml"));
    const budgets = join(manifests, "disruption-budgets.yaml");
    if (!(await shell("kubectl api-versions")).split("\n").includes("policy/v1")) {
      await writeFile(budgets, (await readFile(budgets, "utf8")).replaceAll("policy/v1", "policy/v1beta1"));
    }
    await shell(`cd manifests && ${lineWith("Upgrade", "kubectl apply")}`);

    await shell(lineWith("Upgrade", " scale "));
    const stopped = await shell("kubectl -n eks-access get deploy -o jsonpath='{.items[*].spec.replicas}'");
    const restarted = await shell(lineWith("A worker hangs", "rollout restart"));

    expect(stopped).toBe("0 0");
    expect(restarted).toContain("deployment.apps/eks-access-worker restarted");
  });

  function lineWith(heading: string, text: string): string {
    return linesOf(heading).find((line) => line.includes(text)) ?? expect.fail(`${heading} has no line with ${text}`);
  }
});
