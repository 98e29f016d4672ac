import type { CommandIo } from "../../src/bin/process-io.ts";

export interface CommandRun {
  code: number;
  stdout: string;
  stderr: string;
}

type Command = (argv: readonly string[], io: CommandIo) => Promise<number>;

/** Runs a command as a terminal would, with this on its stdin. */
export async function runCommand(
  command: Command,
  argv: readonly string[],
  { stdin = "", colour = false }: { stdin?: string; colour?: boolean } = {},
): Promise<CommandRun> {
  const run: CommandRun = { code: -1, stdout: "", stderr: "" };
  run.code = await command(argv, {
    stdout: (text) => {
      run.stdout += text;
    },
    stderr: (text) => {
      run.stderr += text;
    },
    readStdin: async () => stdin,
    colour,
  });
  return run;
}
