import { copyFile, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runProgram } from "../../sandbox/redis/debian-packages.ts";
import { aProgram, type FoundProgram } from "./a-program.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

describe("the alerts, for Prometheus itself,", () => {
  let folder: string;
  let promtool: FoundProgram;

  beforeAll(async () => {
    promtool = await aProgram("prometheus", "usr/bin/promtool");
    folder = await mkdtemp(join(tmpdir(), "eks-access-alerts-"));
    await copyFile(join(root, "deploy/monitoring/alerts.yml"), join(folder, "alerts.yml"));
    await copyFile(join(root, "test/deploy/alerts.yml"), join(folder, "tests.yml"));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const run = (...args: readonly string[]) =>
    runProgram(promtool.path, args, { cwd: folder, env: { LD_LIBRARY_PATH: promtool.libraryPath } });

  test("are rules that it takes", async () => {
    const rules = (await readFile(join(folder, "alerts.yml"), "utf8")).match(/^ +- alert:/gm) ?? [];

    expect(await run("check", "rules", "alerts.yml")).toContain(`SUCCESS: ${rules.length} rules found`);
  });

  test("fire for what they are about, and for nothing else", async () => {
    expect(await run("test", "rules", "tests.yml")).toContain("SUCCESS");
  });
});
