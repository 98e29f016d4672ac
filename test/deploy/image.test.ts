import { existsSync, readFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import { Registry } from "prom-client";
import { afterEach, describe, expect, test } from "vitest";
import { z } from "zod";
import { freePort } from "../../sandbox/product-process.ts";
import { runProgram } from "../../sandbox/redis/debian-packages.ts";
import { startHealthServer } from "../../src/operations/health-server.ts";

const root = new URL("../../", import.meta.url);
const read = (path: string) => readFileSync(new URL(path, root), "utf8");
const lines = read("Dockerfile").replaceAll("\\\n", " ").split("\n");
const stages = read("Dockerfile")
  .split(/^FROM /m)
  .slice(1);

test("everything that the image copies is there, and is let through to the build", () => {
  const copied = lines
    .filter((line) => line.startsWith("COPY ") && !line.includes("--from="))
    .flatMap((line) => line.split(/\s+/).slice(1, -1))
    .map((path) => path.replace(/^\.\//, ""));
  const letThrough = read(".dockerignore").split("\n");

  expect(copied.length).toBeGreaterThan(5);
  expect(copied.filter((path) => !existsSync(new URL(path, root)))).toEqual([]);
  expect(copied.filter((path) => !letThrough.includes(`!${path}`))).toEqual([]);
  expect(letThrough).toContain("*");
});

test("no package's script runs in the build, and no tool of the build is in the image", () => {
  const installs = lines.filter((line) => line.includes("npm ci"));

  expect(installs).toHaveLength(2);
  expect(installs.filter((line) => !line.includes("--ignore-scripts"))).toEqual([]);
  expect(stages.at(-1)).toContain("COPY --from=dependencies /app/node_modules");
  expect(stages.find((stage) => stage.includes(" AS dependencies"))).toContain("--omit=dev");
});

test("a build asks no registry for its own syntax, and a container is known to be healthy within a second of its start", () => {
  expect(lines.filter((line) => /^#\s*syntax\s*=/i.test(line))).toEqual([]);
  expect(lines.find((line) => line.startsWith("HEALTHCHECK "))).toContain("--start-interval=1s");
});

test("maps and sources of packages stay out of the image", () => {
  const dependencies = stages.find((stage) => stage.includes(" AS dependencies")) ?? "";

  for (const ending of ["*.map", "*.ts", "*.mts", "*.cts"]) expect(dependencies).toContain(`-name '${ending}'`);
});

test("each image of others is named by its tag and its digest, in each place by the same", () => {
  const places = ["Dockerfile", "docker-compose.yml", "deploy/compose/two.yml", "deploy/helm/values.yaml"];
  const rendered = "deploy/kubernetes/redis/redis.yaml";
  const named = [...places, rendered].flatMap((path) =>
    [...read(path).matchAll(/^(?:ARG \w+_IMAGE=| +image: )(\S+)$/gm)].map(([, name = ""]) => name),
  );
  const ofOthers = new Set(named.filter((name) => name !== "eks-access"));

  expect([...ofOthers].map((name) => name.replace(/@sha256:[0-9a-f]{64}$/, " by digest")).sort()).toEqual([
    "haproxy:3.0-alpine by digest",
    "node:24-trixie-slim by digest",
    "redis:8-alpine by digest",
  ]);
  expect(lines.filter((line) => /^FROM (?!\$\{NODE_IMAGE\})/.test(line))).toEqual([]);
});

test("it runs without root, as what package.json calls eks-access", () => {
  const bin = /"eks-access": "([^"]+)"/.exec(read("package.json"))?.[1];

  expect(stages.at(-1)).toMatch(/^USER node$/m);
  expect(lines).toContain(`ENTRYPOINT ["node", "--max-semi-space-size=32", "${bin}"]`);
});

describe("what Docker asks to see whether a container is healthy", () => {
  const line = lines.find((each) => each.startsWith("HEALTHCHECK ")) ?? "";
  const [program = "", ...args] = z.array(z.string()).parse(JSON.parse(line.slice(line.indexOf("CMD ") + 4)));
  const withinSeconds = Number(/--timeout=(\d+)s/.exec(line)?.[1]);
  const stops: (() => unknown)[] = [];
  afterEach(() => {
    for (const stop of stops.splice(0)) stop();
  });

  /** Whether it is found healthy, as Docker runs it: by its exit code. */
  const isHealthy = (port: string) =>
    runProgram(program, args, { env: { PATH: process.env.PATH ?? "", HEALTH_PORT: port } }).then(
      () => true,
      () => false,
    );
  /** Docker waits no longer. */
  const isHealthyInTime = (port: string) =>
    Promise.race([isHealthy(port), wait(withinSeconds * 1000, false, { ref: false })]);

  test("is a process that answers, also while it waits for Redis, and one that was given no port for it", async () => {
    const port = String(await freePort());
    const lost = () => Promise.reject(new Error("no Redis"));
    const told = {
      ping: lost,
      lastSuccess: () => ({}),
      awaySince: () => ({}),
      clockState: () => ({ aheadOfRedisSeconds: 0, wrong: null }),
      probes: new Map(),
      now: () => new Date(),
    };
    const server = await startHealthServer(Number(port), { ...told, registry: new Registry() });
    stops.push(() => server?.stop());

    expect(await isHealthy(port)).toBe(true);
    expect(await isHealthy("")).toBe(true);
  });

  test("is none that does not listen, and none that hangs", async () => {
    const port = await freePort();
    const hanging: Server = createServer(() => {});
    await new Promise<void>((resolve) => hanging.listen(port, "127.0.0.1", resolve));
    stops.push(() => hanging.close());

    const found = await Promise.all([isHealthyInTime(String(await freePort())), isHealthyInTime(String(port))]);

    expect(found).toEqual([false, false]);
  });
});
