import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { text } from "node:stream/consumers";
import { expect, it, onTestFinished, vi } from "vitest";
import type { Program } from "../../sandbox/product-process.ts";
import { runLine } from "../../src/bin/commands.ts";
import { builtProduct, bundledProduct } from "../product.ts";

const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
  version: string;
};

/** Runs the program as a person does, without any configuration. */
function run(
  { script }: Program,
  ...argv: readonly string[]
): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    const options = { env: { PATH: process.env.PATH } };
    const child = execFile(process.execPath, [script, ...argv], options, (_error, stdout, stderr) =>
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
  ["bootstrap"],
  ["init"],
  ["retire"],
  ["doctor"],
  ["doctor", "worker"],
  ["keys"],
  ["demo"],
])("%s %s explains itself with --help, and does nothing else", async (...words) => {
  const [stdout, stderr] = [process.stdout, process.stderr].map((stream) =>
    vi.spyOn(stream, "write").mockReturnValue(true),
  );
  onTestFinished(() => void vi.restoreAllMocks());

  const code = await runLine([...words, "--help"]);

  expect([code, stderr?.mock.calls]).toEqual([0, []]);
  expect(stdout?.mock.calls.join()).toMatch(new RegExp(`^Usage: eks-access ${words[0]}`));
});

it("says its version", async () => {
  expect(await run(await builtProduct(), "--version")).toEqual({ code: 0, stdout: `${version}\n`, stderr: "" });
});

it("names the nearest command for one that there is not", async () => {
  const { code, stderr } = await run(await builtProduct(), "chek");

  expect(code).toBe(2);
  expect(stderr).toMatch(/^eks-access: unknown command chek\. Did you mean check\?\n/);
});

it("completes what it does if the reader of its output ends first", async () => {
  const { script } = await bundledProduct();
  const child = spawn(process.execPath, [script, "keys"], { env: { PATH: process.env.PATH } });
  child.stdout.destroy();

  const [stderr, [code]] = await Promise.all([text(child.stderr), once(child, "close")]);

  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
});
