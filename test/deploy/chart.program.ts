import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { load, loadAll } from "js-yaml";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { issueCertificates } from "../../sandbox/cluster/certificate.ts";
import { runProgram } from "../../sandbox/redis/debian-packages.ts";
import { type RealApiServer, startRealApiServer } from "../sandbox/cluster/real/api-server.ts";
import { aHelm, chart, render } from "./a-helm.ts";
import { aProgram } from "./a-program.ts";
import { manifests, renderManifests, variants } from "./manifests.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
/** As somebody installs who uses everything. */
const everything = [
  ...variants,
  ...["--set-file", `config=${root}/eks-access.example.yml`],
  ...[
    `image.digest=sha256:${"0".repeat(64)}`,
    "pullSecrets={registry}",
    "ingress.enabled=true",
    "ingress.host=access.example.com",
    "ingress.className=nginx",
    "ingress.tlsSecret=access-tls",
    "redis.storageClass=gp3",
    "worker.roleArn=arn:aws:iam::111122223333:role/eks-access-worker",
    "worker.env[0].name=AWS_REGION,worker.env[0].value=eu-central-1",
    "worker.tolerations[0].key=dedicated,worker.tolerations[0].operator=Exists",
    "slack.nodeSelector.kubernetes\\.io/arch=arm64",
    "slack.podAnnotations.team=platform",
    "slack.priorityClassName=system-cluster-critical",
  ].flatMap((value) => ["--set", value]),
];

describe("the manifests", () => {
  test("are the chart's own rendering", async () => {
    const rendered = await renderManifests();

    expect(rendered.size).toBe(manifests.size);
    for (const [path, text] of rendered)
      expect(await readFile(join(root, "deploy/kubernetes", path), "utf8")).toBe(text);
  });

  test("need none of the chart's other templates with default values", async () => {
    const rendered = [...(await render()).keys()].sort();

    const base = [...manifests].filter(([, path]) => !path.startsWith("network/")).map(([template]) => template);
    expect(rendered).toEqual(base.sort());
  });
});

describe("the chart", () => {
  const refusalOf = (...settings: readonly string[]) =>
    render(settings.flatMap((each) => ["--set", each])).then(
      () => "",
      (error: unknown) =>
        error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error),
    );

  test("has no complaint of helm lint", async () => {
    expect(await runProgram(await aHelm(), ["lint", "--strict", chart])).toContain("0 chart(s) failed");
  });

  test.each([
    ["slack.env[0].name=SLACK_BOT_TOKEN", "/slack/env/0/name"],
    ["worker.env[0].name=MEMORY_KEYS", "/worker/env/0/name"],
    ["worker.roleArn=eks-access-worker", "/worker/roleArn"],
    ["image.digest=latest", "/image/digest"],
    ["workers.replicas=3", "workers"],
    ["ingress.enabled=true", "/ingress/host"],
  ])("refuses a value that can't be meant, or would put a secret into it: %s", async (setting, place) => {
    expect(await refusalOf(setting)).toContain(place);
  });

  test("gives the configuration to both processes unchanged, and makes new pods when it changes", async () => {
    const folder = await mkdtemp(join(tmpdir(), "eks-access-chart-"));
    const text = "  # indented\nslack: { mode: http } # {{ no template }}\n\n\tend";
    await writeFile(join(folder, "one.yml"), text);
    await writeFile(join(folder, "two.yml"), `${text}.`);

    const [one, two] = await Promise.all(
      ["one.yml", "two.yml"].map((name) => render(["--set-file", `config=${join(folder, name)}`])),
    );
    await rm(folder, { recursive: true });

    const map = z
      .object({ data: z.object({ "eks-access.yml": z.string() }) })
      .parse(load(one?.get("configuration") ?? ""));
    expect(map.data["eks-access.yml"]).toBe(text);
    const sumOf = (rendered = "") => /checksum\/config: (\S+)/.exec(rendered)?.[1] ?? expect.fail("no checksum");
    for (const process of ["slack", "worker"]) expect(sumOf(one?.get(process))).not.toBe(sumOf(two?.get(process)));
  });

  test("leads with a digest to that image, and to no tag", async () => {
    const images = [...(await render(everything)).values()].flatMap(
      (text) => text.match(/image: eks-access\S*/g) ?? [],
    );

    expect(new Set(images)).toEqual(new Set([`image: eks-access@sha256:${"0".repeat(64)}`]));
  });
});

describe("the chart, for a real API server,", () => {
  let server: RealApiServer;
  let folder: string;
  let kubectl: (...args: readonly string[]) => Promise<string>;

  beforeAll(async () => {
    const nobody = "http://127.0.0.1:1";
    const certificates = issueCertificates(new Date());
    const assets = process.env.KUBEBUILDER_ASSETS ?? "";
    server = await startRealApiServer({ assets, certificates, hooks: { tokens: nobody, access: nobody }, cacheMs: 0 });
    folder = await mkdtemp(join(tmpdir(), "eks-access-chart-"));
    await writeFile(join(folder, "ca.crt"), certificates.authority);
    const program = (await aProgram("kubernetes-client", "usr/bin/kubectl")).path;
    const connection = [
      `--server=${server.target.url}`,
      `--certificate-authority=${folder}/ca.crt`,
      `--token=${server.adminToken}`,
    ];
    kubectl = (...args) => runProgram(program, [...connection, "-n", "eks-access", ...args]);
    await kubectl("create", "namespace", "eks-access");
  });
  afterAll(async () => {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  });

  test.each([
    ["its default values", []],
    ["every value set", everything],
  ])("is taken whole by a dry run of the server, with %s", async (_name, args) => {
    const file = join(folder, "rendered.yaml");
    const text = [...(await render(args)).values()].join("\n---\n");
    // policy/v1 is there since 1.21; before that the same object is of v1beta1.
    const isOld = !(await kubectl("api-versions")).split("\n").includes("policy/v1");
    await writeFile(file, isOld ? text.replaceAll("policy/v1", "policy/v1beta1") : text);

    const taken = (await kubectl("apply", "--dry-run=server", "-f", file)).trim().split("\n");

    expect(taken.filter((line) => !line.endsWith(" created (server dry run)"))).toEqual([]);
    expect(taken).toHaveLength(loadAll(text).length);
  });
});
