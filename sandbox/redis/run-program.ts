import { execFile } from "node:child_process";

/**
 * Runs a program to its end and gives its standard output. A failure's message is the last line that the program wrote
 * to its standard error.
 */
export function runProgram(
  program: string,
  args: readonly string[],
  options: { cwd?: string; env?: Readonly<Record<string, string>>; timeoutMs?: number } = {},
): Promise<string> {
  const env = { ...process.env, LC_ALL: "C", ...options.env };
  const settings = { cwd: options.cwd, env, timeout: options.timeoutMs ?? 120_000, maxBuffer: 16 * 1024 * 1024 };
  return new Promise((resolve, reject) => {
    execFile(program, args, settings, (error, stdout, stderr) => {
      if (error === null) return resolve(stdout);
      reject(new Error(stderr.trim().split("\n").at(-1) || error.message, { cause: error }));
    });
  });
}
