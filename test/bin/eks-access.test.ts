import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const program = fileURLToPath(new URL("../../src/bin/eks-access.ts", import.meta.url));
const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
  version: string;
};

/** Runs the program as a person does, without any configuration. */
function run(...argv: readonly string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    const options = { env: { PATH: process.env.PATH } };
    const child = execFile(process.execPath, ["--import", "tsx", program, ...argv], options, (_error, stdout, stderr) =>
      resolve({ code: child.exitCode ?? -1, stdout, stderr }),
    );
  });
}

it.each([
  ["slack"],
  ["worker"],
  ["all"],
  ["check"],
  ["plan"],
  ["audit"],
  ["audit", "verify"],
  ["policy"],
  ["policy", "test"],
  ["recover"],
  ["migrate"],
  ["rescue"],
  ["retire"],
  ["doctor"],
  ["doctor", "worker"],
  ["keys"],
  ["demo"],
])("%s %s explains itself with --help, and does nothing else", async (...words) => {
  const { code, stdout, stderr } = await run(...words, "--help");

  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toMatch(new RegExp(`^Usage: eks-access ${words[0]}`));
});

it("says its version", async () => {
  expect(await run("--version")).toEqual({ code: 0, stdout: `${version}\n`, stderr: "" });
});

it("names the nearest command for one that there is not", async () => {
  const { code, stderr } = await run("chek");

  expect(code).toBe(2);
  expect(stderr).toMatch(/^eks-access: unknown command chek\. Did you mean check\?\n/);
});
