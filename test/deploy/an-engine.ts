import { spawn } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { cacheFolder, runProgram } from "../../sandbox/redis/debian-packages.ts";
import { provideBaseImages } from "./base-images.ts";

/** A Docker engine. */
export interface Engine {
  /** Runs `docker …` against it and gives what it prints. */
  docker: (args: readonly string[], options?: { cwd?: string }) => Promise<string>;
  stop: () => Promise<void>;
}

/** A build with `npm ci` in it takes minutes on a slow machine. */
const timeoutMs = 600_000;

/**
 * The Docker engine that answers on this machine. Where none does, it starts `dockerd` from the PATH, which takes root, and
 * makes the base images from Debian's packages and npm: no public registry of images is asked. That engine keeps its images in
 * the cache folder for the next run, and leaves the rules of iptables as it found them.
 */
export async function anEngine(): Promise<Engine> {
  const machines = engineAt({}, async () => {});
  if (await answers(machines)) return machines;
  const engine = await startEngine();
  try {
    await provideBaseImages(engine.docker);
    return engine;
  } catch (error) {
    await engine.stop();
    throw error;
  }
}

function engineAt(env: Readonly<Record<string, string>>, stop: () => Promise<void>): Engine {
  return {
    docker: (args, { cwd } = {}) => runProgram("docker", args, { env, timeoutMs, ...(cwd ? { cwd } : {}) }),
    stop,
  };
}

async function startEngine(): Promise<Engine> {
  const data = join(await cacheFolder(), "docker");
  await mkdir(data, { recursive: true });
  const folder = await mkdtemp(join(tmpdir(), "eks-access-docker-"));
  const socket = `unix://${folder}/docker.sock`;
  const places = [
    "--data-root",
    data,
    "--exec-root",
    join(folder, "exec"),
    "--pidfile",
    join(folder, "pid"),
    "-H",
    socket,
  ];
  const rules = await runProgram("iptables-save", []).catch(() => "");
  const child = spawn("dockerd", [...places, "--ip6tables=false"], { stdio: "ignore" });
  // A machine without dockerd has an error, and no exit.
  const exited = new Promise<void>((resolve) => {
    child.once("exit", () => resolve());
    child.once("error", () => resolve());
  });
  const engine = engineAt({ DOCKER_HOST: socket }, async () => {
    child.kill("SIGTERM");
    await exited;
    await restoreRules(rules, folder);
    await rm(folder, { recursive: true, force: true });
  });
  let isOver = false;
  void exited.then(() => {
    isOver = true;
  });
  while (!(await answers(engine))) {
    if (isOver)
      throw new Error("No Docker engine answers, and dockerd does not start. Install Docker, or run this as root.");
    await wait(200);
  }
  return engine;
}

/** An engine that ends leaves its rules, which drop what this machine forwards. A table that was empty is in no list of rules. */
async function restoreRules(rules: string, folder: string): Promise<void> {
  const empty = ["filter", "nat"]
    .filter((table) => !rules.includes(`*${table}`))
    .map((table) => `*${table}\nCOMMIT\n`)
    .join("");
  const file = join(folder, "rules");
  await writeFile(file, `${rules}${empty}`);
  await runProgram("iptables-restore", [file]);
}

function answers(engine: Engine): Promise<boolean> {
  return engine.docker(["version", "--format", "{{.Server.Version}}"]).then(
    () => true,
    () => false,
  );
}
