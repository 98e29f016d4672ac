import { fstatSync } from "node:fs";
import { link, readFile, rename, rm, writeFile } from "node:fs/promises";
import { buffer } from "node:stream/consumers";
import { type ParseArgsConfig, parseArgs } from "node:util";
import type { PartReading } from "../access/ask/read-part.ts";
import { forTerminal, redact } from "../access/redact.ts";

/** The input and output of a command, so that a test can run it as a terminal does. */
export interface CommandIo {
  /** @param isPainted its colours are ours, and the rest is fit for a terminal */
  stdout(text: string, isPainted?: boolean): void;
  stderr(text: string): void;
  readStdin(): Promise<string>;
  /** Whether stdout is for people, so that colour helps. */
  colour: boolean;
}

export interface CliCommand {
  (argv: readonly string[], io: CommandIo): Promise<number>;
  /** The text of `--help` below what the command does: usage, options, an example and the exit codes. */
  readonly usage: string;
}

/** What a command can't work with, in sentences. */
class Unusable extends Error {}

/** A mistake in the command line, where the usage helps. */
class Misuse extends Unusable {}

/** Ends the command with the exit code 2. */
export function unusable(message: string): never {
  throw new Unusable(message);
}

/** The same, with the command's usage. */
export function misused(mistake: string): never {
  throw new Misuse(mistake);
}

/** The same for what the command line lacks, or has in another form. @param what such as `--for as a duration, such as 4h` */
export function needs(what: string): never {
  return misused(`Give ${what}.`);
}

/** A command of this name. What it can't use ends it, says what is wrong, and after a misuse where its help is. */
export function cliCommand<More extends readonly unknown[]>(
  name: string,
  usage: string,
  run: (argv: readonly string[], io: CommandIo, ...more: More) => Promise<number>,
) {
  const command = async (argv: readonly string[], io: CommandIo, ...more: More) => {
    try {
      return await run(argv, io, ...more);
    } catch (error) {
      if (!(error instanceof Unusable)) throw error;
      const [lines] = usage.split("\n\n");
      const help = error instanceof Misuse ? `\n\n${lines}\n\nSee eks-access ${name} --help.` : "";
      io.stderr(`eks-access ${name}: ${error.message}${help}\n`);
      return 2;
    }
  };
  return Object.assign(command, { usage });
}

type Options = NonNullable<ParseArgsConfig["options"]>;

/** @param mayBeEmpty the options for which an empty value says something */
export function readArguments<const Known extends Options>(
  argv: readonly string[],
  options: Known,
  mayBeEmpty: readonly (keyof Known)[] = [],
) {
  try {
    const given = { args: [...argv], allowPositionals: true, tokens: true } as const;
    refuseUnclear(parseArgs({ ...given, options: options as Options }).tokens, options, mayBeEmpty);
    return parseArgs({ ...given, options });
  } catch (error) {
    if (error instanceof Unusable) throw error;
    return misused(argumentMistake(error instanceof Error ? error.message : String(error)));
  }
}

type Tokens = ReturnType<typeof parseArgs<{ allowPositionals: true; tokens: true; options: Options }>>["tokens"];

/** Of an option that is there twice the last one would count, and a blank one is a shell's variable that is not set. */
function refuseUnclear(tokens: Tokens, options: Options, mayBeEmpty: readonly PropertyKey[]): void {
  const seen = new Set<string>();
  for (const token of tokens) {
    if (token.kind !== "option" || token.value === undefined) continue;
    const { name, value } = token;
    if (value.trim() === "" && !mayBeEmpty.includes(name)) needs(`a value for --${name}`);
    if (seen.has(name) && !options[name]?.multiple) needs(`--${name} once`);
    seen.add(name);
  }
}

export function readOnlyOptions<const Known extends Options>(argv: readonly string[], options: Known) {
  const { values, positionals } = readArguments(argv, options);
  const [word] = positionals;
  return word === undefined ? values : misused(`Unexpected argument ${word}.`);
}

export function readOneCluster<const Known extends Options>(argv: readonly string[], options: Known) {
  const { values, positionals } = readArguments(argv, options);
  const [cluster, ...rest] = positionals;
  return cluster === undefined || rest.length > 0 ? needs("one cluster") : { ...values, cluster };
}

/** What Slack would take too, or else its mistake. */
export function taken<T>({ value, mistake }: Pick<PartReading<T>, "value" | "mistake">): T {
  return value ?? misused(mistake ?? "");
}

/** The zones that a command line names; none: the clusters without a zone. */
export function readZones(argv: readonly string[]): readonly (string | null)[] {
  const { zone: zones = [] } = readOnlyOptions(argv, { zone: { type: "string", multiple: true } });
  return zones.length > 0 ? [...new Set(zones)] : [null];
}

/** Node's sentence about an option, in our words: its own suggests words after `--`, which no command takes. */
function argumentMistake(message: string): string {
  const [, option] = /'(-[^' ]*)/.exec(message) ?? [];
  if (option === undefined) return message;
  if (message.startsWith("Unknown option")) return `Unknown option ${option}.`;
  return message.includes("does not take") ? `${option} takes no value.` : `Give a value for ${option}.`;
}

/** The process's own streams. It uses colour only for people: never in a file, a pipe or with NO_COLOR. */
export function processIo(): CommandIo {
  // `kubectl exec` and `docker run` show a pipe in a terminal.
  const shown = (fd: 1 | 2, chunk: string) => (isFile(fd) ? chunk : forTerminal(chunk));
  return {
    stdout: (chunk, isPainted = false) => void process.stdout.write(isPainted ? chunk : shown(1, chunk)),
    stderr: (chunk) => void process.stderr.write(shown(2, chunk)),
    readStdin: async () => decoded(await buffer(process.stdin)),
    colour: process.stdout.isTTY === true && !process.env.NO_COLOR,
  };
}

function isFile(fd: number): boolean {
  try {
    return fstatSync(fd).isFile();
  } catch {
    return false;
  }
}

/** The text of a file, or of stdin for `-`. */
export async function readInput(path: string, io: CommandIo): Promise<string> {
  try {
    return path === "-" ? await io.readStdin() : decoded(await readFile(path));
  } catch (error) {
    return unusable(`Can't read ${path}: ${reasonOf(error)}.`);
  }
}

/** As kubectl decodes a file: PowerShell writes UTF-16 with a byte order mark. */
function decoded(bytes: Buffer): string {
  const mark = bytes.subarray(0, 2).toString("latin1");
  const encoding = mark === "\u00ff\u00fe" ? "utf-16le" : mark === "\u00fe\u00ff" ? "utf-16be" : "utf-8";
  return new TextDecoder(encoding, { ignoreBOM: true }).decode(bytes);
}

/** Each is whole or as before, and all have room before one is there. @param isForced replaces files @throws the system's error */
export async function writeFiles(files: ReadonlyMap<string, string>, isForced: boolean, mode = 0o644): Promise<void> {
  const parts = [...files].map(([path, text]) => ({ path, text, part: `${path}.${process.pid}.part` }));
  try {
    for (const { part, text } of parts) await writeFile(part, text, { flag: "wx", mode });
    // A link fails if its name is taken; a rename replaces.
    for (const { path, part } of parts) await (isForced ? rename(part, path) : link(part, path));
  } finally {
    for (const { part } of parts) await rm(part, { force: true });
  }
}

export function unwritable(path: string, error: unknown): string {
  return `Can't write ${path}: ${reasonOf(error)}.`;
}

/** The system's reason, without its call and path. */
function reasonOf(error: unknown): string {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const known: Readonly<Record<string, string>> = {
    ENOENT: "no such file",
    EACCES: "permission denied",
    EISDIR: "it is a directory",
    EEXIST: "it exists already",
    ENOTDIR: "a part of its path is no directory",
  };
  const message = error instanceof Error ? error.message : String(error);
  const [, reason = message] = (code && /^\w+: (.*?), \w+/.exec(message)) || [];
  return known[code] ?? reason;
}

/**
 * Says an exception or a rejection that nothing caught, and ends the process. Node itself prints all that the error holds: a request
 * with its token, the answer's body. The caller of the latest call says it.
 */
export function endAtCrash(say: (error: unknown) => void): void {
  process.prependListener("uncaughtException", (error) => {
    try {
      say(error);
    } finally {
      process.exit(1);
    }
  });
}

/** What a person reads of an unexpected error: its stack without credentials, and nothing else that it holds. */
export function stackOf(error: unknown): string {
  return `${redact(error instanceof Error ? String(error.stack) : String(error))}\n`;
}

export type StopRequest = { readonly signal: AbortSignal; readonly asked: Promise<NodeJS.Signals> };

/** Listens for signals; a second one ends the process at once. Call it first: a container's first process ignores unheard signals. */
export function listenForStop(): StopRequest {
  const stopping = new AbortController();
  const asked = new Promise<NodeJS.Signals>((resolve) => {
    const stop = (signal: NodeJS.Signals) => {
      process.once("SIGINT", () => process.exit(130));
      process.once("SIGTERM", () => process.exit(143));
      stopping.abort();
      resolve(signal);
    };
    process.once("SIGINT", stop);
    process.once("SIGTERM", stop);
  });
  return { signal: stopping.signal, asked };
}
