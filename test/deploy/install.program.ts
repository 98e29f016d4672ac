import { cp, mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { freePort, startProduct } from "../../sandbox/product-process.ts";
import { runProgram } from "../../sandbox/redis/debian-packages.ts";
import { type Sandbox, startSandbox } from "../../sandbox/sandbox.ts";
import { aRedis, type TestRedis } from "../redis.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

describe("the product with the image's packages alone", () => {
  let folder: string;
  let sandbox: Sandbox;
  let redis: TestRedis;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "eks-access-image-"));
    for (const file of ["package.json", "package-lock.json"]) await cp(join(root, file), join(folder, file));
    // As the Dockerfile does it, each in its stage.
    await runProgram("npm", ["ci", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund"], { cwd: folder });
    await runProgram("npm", ["run", "build"], { cwd: root });
    await cp(join(root, "dist"), join(folder, "dist"), { recursive: true });
    [sandbox, redis] = await Promise.all([startSandbox(), aRedis()]);
  });
  afterAll(async () => {
    await Promise.all([sandbox.stop(), redis.close()]);
    await rm(folder, { recursive: true, force: true });
  });

  const script = () => join(folder, "dist/bin/eks-access.js");

  test("is ready as either process, answers for its health, and stops on request", async () => {
    for (const kind of ["slack", "worker"] as const) {
      const healthPort = await freePort();
      const environment = sandbox.environmentOf(kind, { redisUrl: redis.url, port: await freePort() });
      const program = { script: script(), nodeFlags: [] };
      const running = await startProduct(program, kind, { ...environment, HEALTH_PORT: String(healthPort) });

      expect((await fetch(`http://127.0.0.1:${healthPort}/healthz`)).status).toBe(200);
      expect(await running.stop()).toBe(0);
    }
  });

  test.each(["check", "plan", "policy"])("loads eks-access %s", async (command) => {
    expect(await runProgram(process.execPath, [script(), command, "--help"])).toContain(`eks-access ${command}`);
  });

  test("is of this size", async () => {
    const megabytes = async (path: string) => {
      const files = await readdir(path, { recursive: true, withFileTypes: true });
      const sizes = files
        .filter((each) => each.isFile())
        .map(async (each) => (await stat(join(each.parentPath, each.name))).size);
      return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0) / 1e6;
    };

    const [packages, product] = [await megabytes(join(folder, "node_modules")), await megabytes(join(folder, "dist"))];
    console.info(`the image's layers: packages ${packages.toFixed(0)} MB, product ${product.toFixed(1)} MB`);
    expect(packages).toBeLessThan(200);
  });
});
