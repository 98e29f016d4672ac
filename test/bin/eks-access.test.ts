import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { mkdtemp, open, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { expect, it, onTestFinished, vi } from "vitest";
import type { Program } from "../../sandbox/product-process.ts";
import { runLine } from "../../src/bin/commands.ts";
import { processIo } from "../../src/bin/process-io.ts";
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
  const help = stdout?.mock.calls.join() ?? "";
  expect(help).toMatch(new RegExp(`^[A-Z][^\\n]+[^.]\\.\\n\\nUsage: eks-access ${words[0]}\\b`));
  expect(help).toMatch(new RegExp(`\\n\\nExample: .*eks-access ${words[0]}\\b.*\\n`));
  expect(help).toMatch(/\nExit code: 0 [^\n]+, 2 (?:nothing written, or )?unusable input\.\n$/);
  expect(help.split("\n").filter((line) => line.length > 120)).toEqual([]);
  const columns = [...help.matchAll(/^ {2}--.*? {2,}(?=\S)/gm)].map(([option]) => option.length);
  expect(new Set(columns).size).toBeLessThanOrEqual(1);
});

const tooLong = "a".repeat(501);
const erasing = ["audit", "erase", "U1", "--by", "U2"];

it.each([
  [["check", "--foo"], "eks-access check: Unknown option --foo."],
  [["check", "-", "--arn"], "eks-access check: Give a value for --arn."],
  [["check", "-", "--json=3"], "eks-access check: --json takes no value."],
  [["check", "-", "--arn", " \n"], "eks-access check: Give a value for --arn."],
  [["rescue", "a", "--reason="], "eks-access rescue: Give a value for --reason."],
  [["worker", "--zone", ""], "eks-access worker: Give a value for --zone."],
  [["bootstrap", "a", "--role", "a", "--role=b"], "eks-access bootstrap: Give --role once."],
  [["policy", "explain", "--at", "1", "--at", "1"], "eks-access policy: Give --at once."],
  [["audit", "erase", "--by", "U1", "--by", "U2"], "eks-access audit erase: Give --by once."],
  [["audit", "verify", "--anchor", "1:x", "--file="], "eks-access audit: Give a value for --file."],
  [["init", "here"], "eks-access init: Unexpected argument here."],
  [["worker", "--zone"], "eks-access worker: Give a value for --zone."],
  [["slack", "--zone", "eu"], "eks-access slack: Unknown option --zone."],
  [["all", "now"], "eks-access all: Unexpected argument now."],
  [["keys", "all"], "eks-access keys: Unexpected argument all."],
  [["recover", "--all"], "eks-access recover: Unknown option --all."],
  [["retire", "a", "--by", "U1"], "eks-access retire: Give what happened with --why."],
  [
    ["retire", "a", "--by", "Urs of the night shift", "--why", "gone"],
    "eks-access retire: Give your Slack user id (U…) with --by.",
  ],
  [["retire", "a", "--by", "U1", "--why", "\u2800"], "eks-access retire: Say why you need it."],
  [
    ["retire", "a", "--by", "U1", "--why", tooLong],
    "eks-access retire: The reason has 501 characters; the limit is 500.",
  ],
  [[...erasing, "--why", "U1 left"], "eks-access audit erase: Give a --why and a --by that don't name the person."],
  [[...erasing, "--why", "\u2800"], "eks-access audit erase: Say why you need it."],
  [[...erasing, "--why", tooLong], "eks-access audit erase: The reason has 501 characters; the limit is 500."],
  [["audit", "erase"], "eks-access audit erase: Give one person by their Slack user id (U…)."],
])("%j says what is wrong, its usage and where its help is", async (line, mistake) => {
  const written = vi.spyOn(process.stderr, "write").mockReturnValue(true);
  const listeners = process.listeners("uncaughtException");
  onTestFinished(() => {
    vi.restoreAllMocks();
    for (const each of process.listeners("uncaughtException")) {
      if (!listeners.includes(each)) process.off("uncaughtException", each);
    }
  });

  const code = await runLine(line);

  const command = mistake.slice(0, mistake.indexOf(":"));
  const [first, usage, last] = written.mock.calls.join("").split("\n\n");
  expect([code, first, last]).toEqual([2, mistake, `See ${command} --help.\n`]);
  expect(usage).toContain(`Usage: ${command}`);
});

it("says its version", async () => {
  expect(await run(await builtProduct(), "--version")).toEqual({ code: 0, stdout: `${version}\n`, stderr: "" });
});

it("names the nearest command for one that there is not", async () => {
  const { code, stderr } = await run(await builtProduct(), "chek");

  expect(code).toBe(2);
  expect(stderr).toMatch(/^eks-access: unknown command chek\. Did you mean check\?\n/);
});

it.each(["keys", "help", "rescue --help"])(
  "%s completes what it does if the reader of its output ends first",
  async (line) => {
    const { script, nodeFlags } = await bundledProduct();
    const child = spawn(process.execPath, [...nodeFlags, script, ...line.split(" ")], {
      env: { PATH: process.env.PATH },
    });
    child.stdout.destroy();

    const [stderr, [code]] = await Promise.all([text(child.stderr), once(child, "close")]);

    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  },
);

it("completes what it does if the reader of its errors ends first", async () => {
  const { script } = await builtProduct();
  const child = spawn(process.execPath, [script, "chek"], { env: { PATH: process.env.PATH } });
  child.stderr.destroy();

  const [code] = await once(child, "close");

  expect(code).toBe(2);
});

it("says in one line that its output has no room, and does not end as if it were whole", async () => {
  const { script } = await builtProduct();
  const full = await open("/dev/full", "w");
  onTestFinished(() => full.close());
  const child = spawn(process.execPath, [script, "keys"], {
    env: { PATH: process.env.PATH },
    stdio: ["ignore", full.fd, "pipe"],
  });

  const [stderr, [code]] = await Promise.all([child.stderr ? text(child.stderr) : "", once(child, "close")]);

  expect({ code, stderr }).toEqual({
    code: 2,
    stderr: "eks-access: Can't write the output: no space left on device.\n",
  });
});

it("escapes a command that there is not", async () => {
  const { stderr } = await run(await builtProduct(), "\x1b[2Jcheck");

  expect(stderr).toMatch(/^eks-access: unknown command \\u001b\[2Jcheck\./);
});

it.each(["utf16le", "utf8"] as const)("reads what PowerShell writes into a pipe: %s", async (encoding) => {
  const { script } = await builtProduct();
  const child = spawn(process.execPath, [script, "check", "-"], { env: { PATH: process.env.PATH } });
  child.stdin.end(Buffer.from("\ufeffkind: ConfigMap\r\nmetadata: {name: aws-auth}\r\n", encoding));

  const [stdout, [code]] = await Promise.all([text(child.stdout), once(child, "close")]);

  expect({ code, stdout }).toEqual({ code: 0, stdout: "0 errors, 0 warnings, 0 notices\n" });
});

it("carries out nothing in a terminal of what is in a document", async () => {
  const written = vi.spyOn(process.stdout, "write").mockReturnValue(true);
  onTestFinished(() => void vi.restoreAllMocks());

  processIo().stdout("\x1b[31m# \u202e \x1b[2J \u009b8m \u2028 ok\r\n");

  expect(written.mock.calls).toEqual([["\\u001b[31m# \\u202e \\u001b[2J \\u009b8m \\u2028 ok\r\n"]]);
});

it("carries out nothing behind a pipe either, as that of kubectl exec, and in a file changes no byte", async () => {
  const { script } = await builtProduct();
  const folder = await mkdtemp(join(tmpdir(), "eks-access-output-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const [arn, comment] = ["arn:aws:iam::111122223333:role/dev", "# \u202e ok"];
  const document = `mapRoles: |\n  ${comment}\n  - rolearn: ${arn}\n    username: dev\n    groups: [viewers]\n`;
  const output = await open(join(folder, "plan"), "w");
  const plan = async (stdout: "pipe" | number) => {
    const child = spawn(process.execPath, [script, "plan", "-", "--remove", arn], {
      env: { PATH: process.env.PATH },
      stdio: ["pipe", stdout, "inherit"],
    });
    child.stdin?.end(document);
    const [said] = await Promise.all([child.stdout ? text(child.stdout) : "", once(child, "close")]);
    return said;
  };

  const [piped] = await Promise.all([plan("pipe"), plan(output.fd)]);

  await output.close();
  expect(piped).toContain("\n # \\u202e ok\n");
  expect(await readFile(join(folder, "plan"), "utf8")).toContain(`\n ${comment}\n`);
});
