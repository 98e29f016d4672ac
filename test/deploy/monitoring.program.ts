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
    for (const name of ["alerts.yml", "slo.yml"]) {
      await copyFile(join(root, "deploy/monitoring", name), join(folder, name));
      await copyFile(join(root, "test/deploy", name), join(folder, `tests-of-${name}`));
    }
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const run = (...args: readonly string[]) =>
    runProgram(promtool.path, args, { cwd: folder, env: { LD_LIBRARY_PATH: promtool.libraryPath } });

  describe.each(["alerts.yml", "slo.yml"])("%s", (name) => {
    test("are rules that it takes", async () => {
      const rules = (await readFile(join(folder, name), "utf8")).match(/^ +- (?:alert|record):/gm) ?? [];

      expect(await run("check", "rules", name)).toContain(`SUCCESS: ${rules.length} rules found`);
    });

    test("fire for what they are about, and for nothing else", async () => {
      expect(await run("test", "rules", `tests-of-${name}`)).toContain("SUCCESS");
    });
  });
});
