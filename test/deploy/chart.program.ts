import { readFileSync } from "node:fs";
import { copyFile, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
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
/** As a person installs who uses everything. */
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
    "worker.zones={eu-private}",
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
    ["auditSink=off", "/auditSink"],
    ["config=slack: { mode: http }", "write audit.s3, audit.eventBridge or audit.webhook, or set auditSink=none"],
  ])("refuses a value that can't be meant, or would put a secret into it: %s", async (setting, place) => {
    expect(await refusalOf(setting)).toContain(place);
  });

  test("gives the configuration to both processes unchanged, and a change of it makes no new pods: they follow it", async () => {
    const folder = await mkdtemp(join(tmpdir(), "eks-access-chart-"));
    const text = "  # indented\nslack: { mode: http } # {{ no template }}\n\n\tend";
    await writeFile(join(folder, "one.yml"), text);
    await writeFile(join(folder, "two.yml"), `${text}.`);

    const [one, two] = await Promise.all(
      ["one.yml", "two.yml"].map((name) =>
        render(["--set-file", `config=${join(folder, name)}`, "--set", "auditSink=none"]),
      ),
    );
    await rm(folder, { recursive: true });

    const map = z.object({ data: z.object({ "eks-access.yml": z.string() }) });
    expect(map.parse(load(one?.get("configuration") ?? "")).data["eks-access.yml"]).toBe(text);
    for (const process of ["slack", "worker"]) expect(one?.get(process)).toBe(two?.get(process));
  });

  test("lets the workers of a release work for the zones of its network", async () => {
    const workers = (await render(["--set", "worker.zones={eu-private,us-private}"])).get("worker") ?? "";

    expect(workers).toContain("args: [worker, --zone, eu-private, --zone, us-private]");
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
    kubectl = (...args) => runProgram(program, [...connection, ...args]);
    await mkdir(join(folder, "bin"));
    const wrapper = `#!/bin/sh\nexec "${program}" ${connection.join(" ")} "$@"\n`;
    await writeFile(join(folder, "bin/kubectl"), wrapper, { mode: 0o755 });
  });
  afterAll(async () => {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  });

  /** A block of deploy/README.md, as a person types it who has a copy of the repository. */
  const typed = (has: string, change: (script: string) => string = (script) => script) => {
    const page = readFileSync(join(root, "deploy/README.md"), "utf8");
    const blocks = [...page.matchAll(/^ *```sh\n([\s\S]+?)^ *```$/gm)].map(([, block = ""]) => block);
    const script = blocks.find((block) => block.includes(has)) ?? expect.fail(`The page has no lines with ${has}`);
    const env = { PATH: `${folder}/bin:${process.env.PATH}`, REDIS_PASSWORD: "a$ word" };
    return runProgram("bash", ["-e", "-c", change(script)], { cwd: folder, env });
  };

  test("is installed by the lines of the page: the namespace, the Secrets, and then the chart", async () => {
    await writeFile(join(folder, "slack.env"), "SLACK_BOT_TOKEN=xoxb-1\n");
    await writeFile(join(folder, "worker.env"), "MEMORY_KEYS=a\n");
    await copyFile(join(root, "eks-access.example.yml"), join(folder, "eks-access.yml"));
    await symlink(join(root, "deploy"), join(folder, "deploy"));
    await symlink(await aHelm(), join(folder, "bin/helm"));

    await typed("create secret");
    // The API server of Debian is too old for the chart's kubeVersion, so that nothing but the rendering can be asked for.
    const rendered = await typed("helm upgrade", (script) => script.replace("helm upgrade --install", "helm template"));

    const secrets = await kubectl("-n", "eks-access", "get", "secrets", "-o", "jsonpath={.items[*].metadata.name}");
    const password = await kubectl(
      "-n",
      "eks-access",
      "get",
      "secret",
      "eks-access-redis",
      "-o",
      "jsonpath={.data.REDIS_PASSWORD}",
    );
    const used = new Set([...rendered.matchAll(/secretRef: \{ name: (\S+) \}/g)].map(([, name]) => name));
    expect([...used].filter((name) => !secrets.split(" ").includes(name ?? ""))).toEqual([]);
    expect(atob(password)).toBe("a$ word");
    expect(rendered).toContain("eks.amazonaws.com/role-arn: arn:aws:iam::111122223333:role/eks-access-worker");
    expect(rendered).toContain("image: registry.example.com/eks-access:");
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

    const taken = (await kubectl("-n", "eks-access", "apply", "--dry-run=server", "-f", file)).trim().split("\n");

    expect(taken.filter((line) => !line.endsWith(" created (server dry run)"))).toEqual([]);
    expect(taken).toHaveLength(loadAll(text).length);
  });
});
