import { readFileSync } from "node:fs";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Sandbox, startSandbox } from "../../sandbox/sandbox.ts";
import { arns, channel, clusterName } from "../../sandbox/scene.ts";
import type { SandboxMessage } from "../../sandbox/slack/inputs.ts";
import { textOf } from "../../sandbox/slack/message-content.ts";
import { anEngine, type Engine } from "./an-engine.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const letThrough = readFileSync(join(root, ".dockerignore"), "utf8").match(/(?<=^!).+$/gm) ?? [];
const built = ["Dockerfile", ".dockerignore", "docker-compose.yml", ...letThrough];

/** Of the project and of its bridge: the containers reach the sandbox on this machine at its gateway. */
const project = "eks-access-test";

/** A build reaches npm by this machine's own network. */
const override = `services:
  slack: { build: { network: host } }
  worker: { build: { network: host } }
networks:
  default: { external: true, name: ${project} }
`;

describe("docker compose up, with the image that it builds,", () => {
  let engine: Engine;
  let folder: string;
  let sandbox: Sandbox;

  const compose = (...args: readonly string[]) =>
    engine.docker(["compose", "-p", project, "-f", "docker-compose.yml", "-f", "override.yml", ...args], {
      cwd: folder,
    });
  const containerOf = async (service: string) => (await compose("ps", "--quiet", service)).trim();

  beforeAll(async () => {
    engine = await anEngine();
    await removeProject();
    await engine.docker(["network", "create", project]);
    const gateway = ["network", "inspect", "--format", "{{(index .IPAM.Config 0).Gateway}}", project];
    sandbox = await startSandbox({ host: (await engine.docker(gateway)).trim() });
    folder = await mkdtemp(join(tmpdir(), "eks-access-compose-"));
    for (const name of built) await cp(join(root, name), join(folder, name), { recursive: true });
    for (const name of ["Dockerfile", "docker-compose.yml"]) await leaveDigestsOut(name);
    await writeSettings();
    await compose("up", "--build", "--detach", "--wait").catch(async (error: unknown) => {
      throw new Error(`${String(error)}\n${await compose("logs", "--tail", "15")}`);
    });
    sandbox.slack.connect("http://127.0.0.1:3000/slack/events");
  });
  afterAll(async () => {
    await removeProject();
    await engine.stop();
    await sandbox.stop();
    await rm(folder, { recursive: true, force: true });
  });

  /** An image that `provideBaseImages` makes has the tag, and never the digest of the official one. */
  async function leaveDigestsOut(name: string): Promise<void> {
    const text = await readFile(join(folder, name), "utf8");
    await writeFile(join(folder, name), text.replaceAll(/@sha256:[0-9a-f]{64}/g, ""));
  }

  /** What this run made, or one before it that was killed. */
  async function removeProject(): Promise<void> {
    const { docker } = engine;
    const left = await docker(["ps", "--all", "--quiet", "--filter", `label=com.docker.compose.project=${project}`]);
    const containers = left.split("\n").filter((id) => id !== "");
    if (containers.length > 0) await docker(["rm", "--force", "--volumes", ...containers]);
    await docker(["volume", "rm", "--force", `${project}_redis-data`]);
    await docker(["network", "rm", project]).catch(() => "");
  }

  /** The files that docker-compose.yml names; each process gets what the sandbox gives to it. */
  async function writeSettings(): Promise<void> {
    const { EKS_ACCESS_CONFIG: configuration = "" } = sandbox.environmentOf("slack", { redisUrl: "" });
    await cp(configuration, join(folder, "eks-access.yml"));
    await writeFile(join(folder, "override.yml"), override);
    const text = await readFile(join(folder, "docker-compose.yml"), "utf8");
    for (const name of text.matchAll(/\b[a-z]+\.env\b/g)) await writeFile(join(folder, name[0]), "");
    await writeFile(join(folder, "redis.env"), `REDIS_PASSWORD='a space, a $, a \\ and a "'\n`);
    for (const kind of ["slack", "worker"] as const) await writeFile(join(folder, `${kind}.env`), environmentFor(kind));
  }

  /** As an env file; without what is a place on this machine, and with Redis as docker-compose.yml has it. */
  function environmentFor(kind: "slack" | "worker"): string {
    const here = ["REDIS_URL", "EKS_ACCESS_CONFIG", "AWS_SHARED_CREDENTIALS_FILE", "PORT"];
    return Object.entries(sandbox.environmentOf(kind, { redisUrl: "" }))
      .filter(([name]) => !here.includes(name))
      .map(([name, value]) => `${name}='${value}'\n`)
      .join("");
  }

  const engineer = () => sandbox.slack.person("U0ENGINEER");
  const approver = () => sandbox.slack.person("U0APPROVER");
  const find = (text: string) => sandbox.slack.messages(channel).findLast((each) => textOf(each).includes(text));
  const message = (text: string) => sandbox.slack.until(() => find(text), 60_000);

  /** Types it again if the first answer of a cold container is late, as Slack and eks-access say then. The same request twice is one. */
  async function askedBy(command: string): Promise<SandboxMessage> {
    const until = Date.now() + 60_000;
    for (;;) {
      await engineer().command(command, channel);
      try {
        return await sandbox.slack.until(() => find("[Approve]"), 10_000);
      } catch (error) {
        if (Date.now() > until) throw error;
      }
    }
  }

  /** SIGKILL to the container's first process, as the kernel does it where memory runs out: Docker starts it again. */
  async function killWorker(): Promise<void> {
    const pid = await engine.docker(["inspect", "--format", "{{.State.Pid}}", await containerOf("worker")]);
    process.kill(Number(pid), "SIGKILL");
  }

  test("gives access by request and approval while its worker is killed before the write, and revokes it", async () => {
    const before = await sandbox.getPods();
    const beforeWrite = sandbox.faults.plan("kubernetes.replace-configmap", { type: "hang" });

    const asked = await askedBy(`/eks-access request ${clusterName} ${arns.engineer} viewer for 30m a real image`);
    await approver().click(asked, "approve");
    await beforeWrite.struck;
    await killWorker();
    const active = await message("*Active*");
    const during = await sandbox.getPods();
    await engineer().click(active, "revoke");
    await sandbox.slack.until(() => engineer().view());
    await engineer().submit({ why: "the test is over" });
    await message("*Ended*");

    expect([before.ok, during.ok]).toEqual([false, true]);
    // A token of the same second is the same token, whose answer the API server remembers for two minutes.
    await expect.poll(async () => (await sandbox.getPods()).ok, { timeout: 10_000, interval: 1_100 }).toBe(false);
  });

  test("has no stand-in, no build tool, and no source or map of a package", async () => {
    const find = "find / -xdev -type f \\( -path '*/app/*' -name '*.ts' -o -path '*/app/*' -name '*.map' \\)";
    const list = await compose("exec", "-T", "worker", "sh", "-c", `${find}; ls /app /app/dist /app/node_modules`);

    expect(list).toContain("bullmq");
    expect(
      list.split("\n").filter((line) => /sandbox|\.ts$|\.map$|^(?:idiomorph|typescript|vitest)$/.test(line)),
    ).toEqual([]);
  });

  test("ends at SIGTERM as the first process of a container, also while it waits for Redis", async () => {
    const environment = {
      ...sandbox.environmentOf("slack", { redisUrl: "redis://127.0.0.1:1" }),
      EKS_ACCESS_CONFIG: "",
    };
    const settings = Object.entries(environment).flatMap(([name, value]) => ["--env", `${name}=${value}`]);
    const volume = ["--volume", `${join(folder, "eks-access.yml")}:/app/eks-access.yml:ro`];
    const label = ["--label", `com.docker.compose.project=${project}`];
    const id = (
      await engine.docker(["run", "--detach", ...settings, ...volume, ...label, "eks-access", "slack"])
    ).trim();
    await expect.poll(() => engine.docker(["logs", id]), { timeout: 30_000 }).toContain("waiting for Redis");

    const begun = performance.now();
    await engine.docker(["stop", "--time", "40", id]);

    expect(performance.now() - begun).toBeLessThan(20_000);
    expect((await engine.docker(["inspect", "--format", "{{.State.ExitCode}}", id])).trim()).toBe("0");
  });

  test("is healthy in a second or so, and stops within its deadline on request", async () => {
    const status = await engine.docker(["inspect", "--format", "{{.State.Health.Status}}", await containerOf("slack")]);

    await compose("stop", "slack", "worker");
    const codes = await Promise.all(
      ["slack", "worker"].map(async (service) => {
        const id = (await compose("ps", "--all", "--quiet", service)).trim();
        return (await engine.docker(["inspect", "--format", "{{.State.ExitCode}}", id])).trim();
      }),
    );

    expect(status.trim()).toBe("healthy");
    expect(codes).toEqual(["0", "0"]);
  });
});
