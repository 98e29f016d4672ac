import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";

let clone: string;

/** A project with one dependency that only development needs: a folder of its own, so that npm asks no registry. */
beforeEach(() => {
  clone = mkdtempSync(join(tmpdir(), "eks-access-clone-"));
  for (const folder of ["scripts", "tsx"]) mkdirSync(join(clone, folder));
  cpSync(fileURLToPath(new URL("../scripts/install-missing.mjs", import.meta.url)), script());
  write("package.json", { name: "clone", version: "1.0.0", devDependencies: { tsx: "file:tsx" } });
  write("tsx/package.json", { name: "tsx", version: "1.0.0", bin: { tsx: "tsx.js" } });
  writeFileSync(join(clone, "tsx/tsx.js"), "#!/usr/bin/env node\n");
  npm("install", "--package-lock-only");
});

afterEach(() => rmSync(clone, { recursive: true }));

const script = () => join(clone, "scripts/install-missing.mjs");
const write = (name: string, content: object) => writeFileSync(join(clone, name), JSON.stringify(content));
const production = { ...process.env, NODE_ENV: "production" };
const npm = (...line: readonly string[]) =>
  execFileSync("npm", [...line, "--ignore-scripts", "--no-audit", "--no-fund"], { cwd: clone, env: production });
const installMissing = () => execFileSync(process.execPath, [script()], { env: production, stdio: "pipe" });

test("NODE_ENV=production leaves out nothing that the demo and the tests need", () => {
  installMissing();

  expect(existsSync(join(clone, "node_modules/.bin/tsx"))).toBe(true);
});

test("an installation for production gets what it lacks", () => {
  npm("ci");
  expect(existsSync(join(clone, "node_modules/.bin/tsx"))).toBe(false);

  installMissing();

  expect(existsSync(join(clone, "node_modules/.bin/tsx"))).toBe(true);
});
