import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { z } from "zod";

const read = (name: string) => readFileSync(fileURLToPath(new URL(`../${name}`, import.meta.url)), "utf8");
const flag = z.boolean().default(false);
const lockfile = z.object({
  packages: z.record(
    z.string(),
    z.object({
      dev: flag,
      optional: flag,
      hasInstallScript: flag,
      integrity: z.string().optional(),
      resolved: z.string().optional(),
    }),
  ),
});
const { packages } = lockfile.parse(JSON.parse(read("package-lock.json")));
/** Without the project itself, which has the empty name. */
const installed = Object.entries(packages).filter(([name]) => name !== "");

test("no package of the product needs an install script: what has one is optional, and replaced by plain JavaScript", () => {
  const scripted = installed.filter(([, { dev, hasInstallScript }]) => !dev && hasInstallScript);

  expect(scripted.filter(([, { optional }]) => !optional).map(([name]) => name)).toEqual([]);
  expect(scripted.map(([name]) => name)).toEqual(["node_modules/msgpackr-extract"]);
});

test("each package is held to its digest, and to no registry's address", () => {
  expect(installed.length).toBeGreaterThan(100);
  expect(installed.filter(([, { integrity }]) => !integrity?.startsWith("sha512-")).map(([name]) => name)).toEqual([]);
  expect(installed.filter(([, { resolved }]) => resolved !== undefined).map(([name]) => name)).toEqual([]);
});
