import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { issueCertificates } from "../../sandbox/cluster/certificate.ts";
import { type RealApiServer, startRealApiServer } from "../../sandbox/cluster/real-api-server.ts";
import { runProgram } from "../../sandbox/redis/run-program.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

describe("the manifests, for a real API server (KUBEBUILDER_ASSETS),", () => {
  let server: RealApiServer;
  let folder: string;
  let connection: readonly string[];

  const kubectl = (...args: readonly string[]) => runProgram("kubectl", [...connection, ...args]);

  beforeAll(async () => {
    const assets = process.env.KUBEBUILDER_ASSETS;
    if (!assets) throw new Error("Set KUBEBUILDER_ASSETS to a folder with kube-apiserver and etcd (docs/sandbox.md).");
    const nobody = "http://127.0.0.1:1";
    const certificates = issueCertificates(new Date());
    server = await startRealApiServer({ assets, certificates, hooks: { tokens: nobody, access: nobody }, cacheMs: 0 });
    folder = await mkdtemp(join(tmpdir(), "eks-access-manifests-"));
    await cp(join(root, "deploy/kubernetes"), folder, { recursive: true });
    await cp(join(root, "eks-access.example.yml"), join(folder, "eks-access.yml"));
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

  test("and a field that nobody knows is not", async () => {
    const file = join(folder, "worker.yaml");
    const text = await readFile(file, "utf8");
    await writeFile(file, text.replace("serviceAccountName:", "serviceAcountName:"));

    const refused = await kubectl("apply", "--dry-run=client", "-k", folder).catch((error: unknown) => String(error));
    await writeFile(file, text);

    expect(refused).toContain("serviceAcountName");
  });
});
