import { readFile } from "node:fs/promises";
import { text } from "node:stream/consumers";
import { type ParseArgsConfig, parseArgs } from "node:util";
import { forTerminal, redact } from "../access/redact.ts";

/** The input and output of a command, so that a test can run it as a terminal does. */
export interface CommandIo {
  stdout(text: string): void;
  stderr(text: string): void;
  readStdin(): Promise<string>;
  /** Whether stdout is for people, so that colour helps. */
  colour: boolean;
}

type Options = NonNullable<ParseArgsConfig["options"]>;

export function readArguments<const Known extends Options>(argv: readonly string[], options: Known) {
  try {
    return parseArgs({ args: [...argv], allowPositionals: true, options, tokens: true });
  } catch (error) {
    return argumentMistake(error instanceof Error ? error.message : String(error));
  }
}

export function readOnlyOptions<const Known extends Options>(argv: readonly string[], options: Known) {
  const read = readArguments(argv, options);
  if (typeof read === "string") return read;
  const [word] = read.positionals;
  return word === undefined ? read.values : `Unexpected argument ${word}.`;
}

export function readOneCluster<const Known extends Options>(argv: readonly string[], options: Known) {
  const read = readArguments(argv, options);
  if (typeof read === "string") return read;
  const [cluster, ...rest] = read.positionals;
  return cluster === undefined || rest.length > 0 ? "Name one cluster." : { ...read.values, cluster };
}

/** The zones that a command line names; none: the clusters without a zone. A text: the mistake. */
export function readZones(argv: readonly string[]): readonly (string | null)[] | string {
  const read = readOnlyOptions(argv, { zone: { type: "string", multiple: true } });
  if (typeof read === "string") return read;
  const { zone: zones = [] } = read;
  return zones.length > 0 ? [...new Set(zones)] : [null];
}

/** Node's sentence about an option, in our words: its own suggests words after `--`, which no command takes. */
function argumentMistake(message: string): string {
  const [, option] = /'(-[^' ]*)/.exec(message) ?? [];
  if (option === undefined) return message;
  if (message.startsWith("Unknown option")) return `Unknown option ${option}.`;
  return message.includes("does not take") ? `${option} takes no value.` : `Give ${option} a value.`;
}

/** Says what is wrong with a command's arguments, its usage, and where its help is. Returns the exit code for that. */
export function misused(io: CommandIo, command: string, mistake: string, usage: string): 2 {
  const [lines] = usage.split("\n\n");
  return unusable(io, command, `${mistake}\n\n${lines}\n\nSee eks-access ${command} --help.\n`);
}

export function unusable(io: CommandIo, command: string, message: string): 2 {
  io.stderr(`eks-access ${command}: ${message}`);
  return 2;
}

/** The process's own streams. It uses colour only for people: never in a file, a pipe or with NO_COLOR. */
export function processIo(): CommandIo {
  const shown = (stream: { readonly isTTY?: boolean }, chunk: string) => (stream.isTTY ? forTerminal(chunk) : chunk);
  return {
    stdout: (chunk) => void process.stdout.write(shown(process.stdout, chunk)),
    stderr: (chunk) => void process.stderr.write(shown(process.stderr, chunk)),
    readStdin: () => text(process.stdin),
    colour: process.stdout.isTTY === true && !process.env.NO_COLOR,
  };
}

type InputReading = { type: "text"; text: string } | { type: "unusable"; message: string };

export async function readInput(path: string, io: CommandIo): Promise<InputReading> {
  try {
    return { type: "text", text: path === "-" ? await io.readStdin() : await readFile(path, "utf8") };
  } catch (error) {
    return { type: "unusable", message: `Can't read ${path}: ${reasonOf(error)}.` };
  }
}

/** The system's reason, without its call and path. */
export function reasonOf(error: unknown): string {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const known: Readonly<Record<string, string>> = {
    ENOENT: "no such file",
    EACCES: "permission denied",
    EISDIR: "it is a directory",
  };
  return known[code] ?? (error instanceof Error ? error.message : String(error));
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

export interface StopRequest {
  readonly signal: AbortSignal;
  readonly asked: Promise<NodeJS.Signals>;
}

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
